/** Stages on a time axis. What is marked by color is said in words, and a table has the same data. */

import { Table } from "../../ui/table";
import type { JobRun, RunMetrics, StageMetrics } from "../../api/schema";
import { scaleOf } from "../../ui/chart-scale";
import { bytes, clock, count, plural, shortSeconds } from "../../ui/format";

/** From this ratio of the longest task to the median on, a stage is marked. */
const SKEWED = 2;

/** Parts of a stage's name that say nothing to the author of the job. */
const INTERNAL = /^\$anonfun\$.*| at (<unknown>|NativeMethodAccessorImpl\.java):0$/;

interface Row {
  stage: StageMetrics;
  name: string;
  /** Seconds after the start of the axis. */
  from: number;
  to: number;
  marks: string[];
  tone: "usual" | "longest" | "skewed" | "failed" | "active";
}

export function Gantt({ metrics, run, now }: { metrics: RunMetrics; run: JobRun; now: number }) {
  const rows = rowsOf(metrics, run, now);
  const scale = scaleOf(
    rows.map((row) => row.to),
    5,
  );
  const share = (seconds: number) => `${(seconds / scale.high) * 100}%`;
  return (
    <figure class="gantt">
      <figcaption class="soft small">
        Seconds since the run started{run.started_at && ` at ${clock(run.started_at)}`}. Between the stages, the
        driver works.
      </figcaption>
      <ol>
        <li class="gantt-axis" aria-hidden="true">
          <span class="gantt-track">
            {scale.ticks.map((tick) => (
              <span key={tick} style={{ left: share(tick) }}>
                {tick} s
              </span>
            ))}
          </span>
        </li>
        {rows.map((row) => (
          <li key={`${row.stage.id}.${row.stage.attempt}`} class={row.tone}>
            <span class="gantt-name">
              <span class="nowrap">{row.name}</span>
              <span class="soft small truncate" title={row.stage.name}>
                {row.stage.name.replace(INTERNAL, "")}
              </span>
            </span>
            <span class="gantt-track" aria-hidden="true">
              {scale.ticks.map((tick) => (
                <i key={tick} style={{ left: share(tick) }} />
              ))}
              <b style={{ left: share(row.from), width: share(row.to - row.from) }} />
            </span>
            <span class="gantt-note small">
              {shortSeconds(row.to - row.from)}, {plural(row.stage.tasks, "task")}
              {row.marks.map((mark) => (
                <em key={mark}>{mark}</em>
              ))}
            </span>
          </li>
        ))}
      </ol>
      <StageTable rows={rows} />
    </figure>
  );
}

function rowsOf(metrics: RunMetrics, run: JobRun, now: number): Row[] {
  const started = metrics.stages.filter((stage) => stage.started_at !== null);
  const times = started.map((stage) => Date.parse(stage.started_at as string));
  const origin = Math.min(...times, run.started_at ? Date.parse(run.started_at) : Infinity);
  const end = run.completed_at ? Date.parse(run.completed_at) : now;
  return started
    .map((stage, index): Row => {
      const begin = times[index] ?? origin;
      const until = stage.ended_at ? Date.parse(stage.ended_at) : end;
      const isLongest = stage.id === metrics.longest_stage && metrics.stages.length > 1;
      const isSkewed = stage.skew !== null && stage.skew >= SKEWED;
      const marks = [
        stage.is_failed && "failed attempt",
        !stage.is_failed && stage.ended_at === null && "active",
        isLongest && "longest stage",
        isSkewed && skewText(stage, stage.id === metrics.skewed_stage),
        stage.amounts.failed_tasks > 0 && `failed tasks: ${count(stage.amounts.failed_tasks)}`,
        stage.amounts.spilled_bytes > 0 && `${bytes(stage.amounts.spilled_bytes)} spilled to disk`,
      ].filter((mark) => typeof mark === "string");
      return {
        stage,
        name: `Stage ${stage.id}${stage.attempt > 0 ? `, attempt ${stage.attempt + 1}` : ""}`,
        from: (begin - origin) / 1000,
        to: (Math.max(until, begin) - origin) / 1000,
        marks,
        tone: stage.is_failed
          ? "failed"
          : isSkewed
            ? "skewed"
            : stage.ended_at === null
              ? "active"
              : isLongest
                ? "longest"
                : "usual",
      };
    })
    .sort((a, b) => a.from - b.from);
}

function skewText(stage: StageMetrics, isMost: boolean): string {
  const [longest, median] = [stage.largest_task_seconds ?? 0, stage.median_task_seconds ?? 0];
  const text = `skewed ${(stage.skew ?? 0).toFixed(1)} ×: longest task ${shortSeconds(longest)}, median ${shortSeconds(median)}`;
  return isMost ? `${text} (most time lost)` : text;
}

function StageTable({ rows }: { rows: Row[] }) {
  const headings = [
    "Started",
    "Duration",
    "Tasks",
    "Longest task",
    "Median task",
    "Skew",
    "Rows read",
    "Read",
    "Rows written",
    "Written",
    "Shuffled",
    "Spilled",
  ];
  const seconds = (value: number | null) => (value === null ? "" : shortSeconds(value));
  return (
    <details class="chart-table">
      <summary>Show as a table</summary>
      <Table
        label="Table of the stages"
        columns={[["Stage"], ...headings.map((each): [string, "number"] => [each, "number"]), ["Remarks"]]}
      >
        {rows.map(({ stage, name, from, to, marks }) => (
          <tr key={`${stage.id}.${stage.attempt}`}>
            <th scope="row">
              {name} <span class="soft">{stage.name.replace(INTERNAL, "")}</span>
            </th>
            {[
              shortSeconds(from),
              shortSeconds(to - from),
              count(stage.tasks),
              seconds(stage.largest_task_seconds),
              seconds(stage.median_task_seconds),
              stage.skew === null ? "" : stage.skew.toFixed(1),
              count(stage.amounts.rows_read),
              bytes(stage.amounts.bytes_read),
              count(stage.amounts.rows_written),
              bytes(stage.amounts.bytes_written),
              bytes(stage.amounts.shuffle_bytes_written),
              bytes(stage.amounts.spilled_bytes),
            ].map((value, index) => (
              <td key={index} class="number">
                {value}
              </td>
            ))}
            <td>{marks.join("; ")}</td>
          </tr>
        ))}
      </Table>
    </details>
  );
}
