/** The runs of a job: a chart of durations or costs by outcome, and a table. */

import { Table } from "../../ui/table";
import { useState } from "preact/hooks";
import type { Job, JobRun } from "../../api/schema";
import { Badge, ProblemText, Section, Waiting } from "../../ui/basics";
import { BarChart, type Point, type Series } from "../../ui/chart";
import { duration, shortTime, timeZone, usd } from "../../ui/format";
import { useNow } from "../../ui/use-now";
import { OlderButton, type Newest } from "../../ui/newest";
import { runUrl } from "./links";
import { causeText, isFinal, outcome, ranSeconds } from "./status";

const OUTCOMES: Series[] = [
  { name: "Succeeded", tone: "good" },
  { name: "Failed", tone: "bad" },
  { name: "Stopped", tone: "still" },
  { name: "Active", tone: "busy" },
];
/** Bars that are still told apart on a phone. The table has all runs. */
const MOST_BARS = 60;

export function RunHistory({ job, runs }: { job: Job; runs: Newest<JobRun> }) {
  const [measure, setMeasure] = useState<"duration" | "cost">("duration");
  const now = useNow(runs.items.some((run) => !isFinal(run.status)));
  if (!runs.isLoaded) return runs.problem ? <ProblemText problem={runs.problem} /> : <Waiting what="the runs" />;
  if (runs.items.length === 0) {
    return (
      <Section title="Runs">
        <p class="empty">No runs yet. Start one: its log, its cost and its results appear here.</p>
      </Section>
    );
  }
  const bars = runs.items.slice(0, MOST_BARS).reverse();
  const shown = OUTCOMES.filter((_, index) => bars.some((run) => outcome(run.status) === index));
  const points = bars.map((run) => pointOf(run, shown, measure, now));
  return (
    <Section
      title="Runs"
      actions={
        <div class="row" role="group" aria-label="What the bars show">
          {(["duration", "cost"] as const).map((each) => (
            <button key={each} type="button" aria-pressed={measure === each} onClick={() => setMeasure(each)}>
              {each === "duration" ? "Duration" : "Cost"}
            </button>
          ))}
        </div>
      }
    >
      <BarChart
        label={measure === "duration" ? "Duration of each run" : "Cost of each run"}
        axis="Run"
        series={shown}
        points={points}
        format={measure === "duration" ? duration : usd}
        isTime={measure === "duration"}
      />
      <ProblemText problem={runs.problem} />
      <Table
        label={`Runs of ${job.name}`}
        columns={[
          [`Requested (${timeZone()})`],
          ["Status"],
          ["Duration", "number"],
          ["Cost", "number"],
          ["Workers"],
          ["By"],
        ]}
      >
        {runs.items.map((run) => (
          <Row key={run.id} run={run} now={isFinal(run.status) ? 0 : now} />
        ))}
      </Table>
      <OlderButton list={runs}>Load more</OlderButton>
    </Section>
  );
}

function Row({ run, now }: { run: JobRun; now: number }) {
  const seconds = ranSeconds(run, now);
  return (
    <tr>
      <th scope="row">
        <a href={runUrl(run.job_id, run.id)}>{shortTime(run.requested_at)}</a>
      </th>
      <td>
        <Badge status={run.status} /> {run.error?.cause && <span class="small">{causeText(run.error.cause)}</span>}
      </td>
      <td class="number">{seconds === null ? "" : duration(seconds)}</td>
      <td class="number">{run.cost_usd === null ? `≤ ${usd(run.max_cost_usd)}` : usd(run.cost_usd)}</td>
      <td>
        {run.number_of_workers} × {run.worker_type}
      </td>
      <td>{run.requested_by_type === "schedule" ? "Schedule" : run.requested_by}</td>
    </tr>
  );
}

function pointOf(run: JobRun, shown: Series[], measure: "duration" | "cost", now: number): Point {
  const mine = OUTCOMES[outcome(run.status)];
  const value = measure === "duration" ? ranSeconds(run, now) : run.cost_usd;
  const cause = run.error?.cause ? causeText(run.error.cause) : "";
  const other = measure === "duration" ? (run.cost_usd === null ? "" : usd(run.cost_usd)) : "";
  return {
    label: shortTime(run.requested_at),
    values: shown.map((series) => (series === mine ? (value ?? 0) : null)),
    href: runUrl(run.job_id, run.id),
    detail: [cause, other].filter(Boolean).join(", "),
  };
}
