/** What Spark did in a run: sums, and its stages. */

import type { JobRun, RunMetrics } from "../../api/schema";
import { useGet } from "../../api/use-get";
import { Facts, ProblemText, Section, Waiting } from "../../ui/basics";
import { bytes, count, plural, shortSeconds } from "../../ui/format";
import { Gantt } from "./gantt";
import { isFinal } from "./status";

/** Glue copies the event log every 30 seconds, and once more at the end. */
const EVERY_SECONDS = 10;

export function RunMetricsPanel({ run, now }: { run: JobRun; now: number }) {
  const path = `/jobs/${encodeURIComponent(run.job_id)}/runs/${encodeURIComponent(run.id)}/metrics`;
  const hasStarted = run.started_at !== null;
  const { data, problem } = useGet<RunMetrics>(hasStarted ? path : null, {
    every: isFinal(run.status) ? 0 : EVERY_SECONDS,
  });
  return (
    <Section title="What Spark did">
      {problem && <ProblemText problem={problem} />}
      {!hasStarted && (
        <p class="soft">{isFinal(run.status) ? "The run did not start." : "The run has not started."}</p>
      )}
      {hasStarted && !data && !problem && <Waiting what="the metrics" />}
      {data && <Notes metrics={data} isActive={!isFinal(run.status)} />}
      {data?.totals && <Totals metrics={data} totals={data.totals} />}
      {data && data.stages.length > 0 && <Gantt metrics={data} run={run} now={now} />}
    </Section>
  );
}

function Notes({ metrics, isActive }: { metrics: RunMetrics; isActive: boolean }) {
  const shown = new Set(metrics.stages.map((stage) => stage.id)).size;
  return (
    <>
      {!metrics.available && (
        <p class="notice">
          {isActive ? "Nothing to show yet. Spark reports about every 30 seconds." : metrics.reason}
        </p>
      )}
      {metrics.available && metrics.partial && (
        <p class="notice">The run is active: these numbers grow, and are about 30 seconds old.</p>
      )}
      {metrics.truncated && (
        <p class="notice">Spark’s event log is too long to read in one request, so the end of the run is missing.</p>
      )}
      {shown < metrics.stage_count && (
        <p class="notice">
          The {count(shown)} longest of {count(metrics.stage_count)} stages are shown. The sums are those of all.
        </p>
      )}
    </>
  );
}

function Totals({ metrics, totals }: { metrics: RunMetrics; totals: NonNullable<RunMetrics["totals"]> }) {
  return (
    <Facts
      items={[
        ["Read", `${plural(totals.rows_read, "row")}, ${bytes(totals.bytes_read)}`],
        ["Written", `${plural(totals.rows_written, "row")}, ${bytes(totals.bytes_written)}`],
        [
          "Shuffled between tasks",
          `${plural(totals.shuffle_rows_written, "row")}, ${bytes(totals.shuffle_bytes_written)}`,
        ],
        ["Spilled to disk", bytes(totals.spilled_bytes)],
        [
          "Stages and tasks",
          `${count(metrics.stage_count)} and ${count(metrics.task_count)}${totals.failed_tasks > 0 ? `, ${plural(totals.failed_tasks, "task")} failed` : ""}`,
        ],
        [
          "Spark application",
          `${shortSeconds(metrics.application_seconds)}, of which ${shortSeconds(metrics.driver_seconds)} without a stage`,
        ],
        [
          "Tasks",
          `${shortSeconds(totals.task_seconds)} in total, garbage collection ${shortSeconds(totals.gc_seconds)}`,
        ],
      ]}
    />
  );
}
