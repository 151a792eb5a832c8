/** The phases of a run as a line of steps: requested, waiting, starting, running, ended. */

import type { ComponentChildren } from "preact";
import type { JobRun } from "../../api/schema";
import { clock, duration } from "../../ui/format";
import { isFinal, ranSeconds } from "./status";

interface Phase {
  name: string;
  note: ComponentChildren;
  state: "done" | "now" | "later" | "skipped" | "good" | "bad";
}

const ENDS: Partial<Record<JobRun["status"], string>> = {
  SUCCEEDED: "Succeeded",
  FAILED: "Failed",
  ERROR: "Failed",
  TIMEOUT: "Timed out",
  STOPPED: "Stopped",
};

export function Phases({ run, now }: { run: JobRun; now: number }) {
  return (
    <ol class="phases" aria-label="Phases of the run">
      {phasesOf(run, now).map((phase) => (
        <li key={phase.name} class={phase.state} aria-current={phase.state === "now" ? "step" : undefined}>
          <strong>{phase.name}</strong>
          <span class="small">{phase.note}</span>
        </li>
      ))}
    </ol>
  );
}

function phasesOf(run: JobRun, now: number): Phase[] {
  const { status } = run;
  const hasStarted = run.started_at !== null;
  const hasEnded = isFinal(status);
  const waited = ((run.started_at ? Date.parse(run.started_at) : now) - Date.parse(run.requested_at)) / 1000;
  const ran = ranSeconds(run, now);
  const requester = run.requested_by_type === "schedule" ? "by the schedule" : `by ${run.requested_by}`;
  const waiting: Phase = hasStarted
    ? { name: "Waiting", note: duration(Math.max(0, waited)), state: "done" }
    : hasEnded
      ? { name: "Waiting", note: "", state: "skipped" }
      : {
          name: "Waiting",
          note: `${duration(Math.max(0, waited))}${run.reason ? `, ${run.reason}` : ""}`,
          state: status === "STARTING" ? "done" : "now",
        };
  return [
    { name: "Requested", note: `${clock(run.requested_at)} ${requester}`, state: "done" },
    waiting,
    {
      name: "Starting",
      note: run.started_at ? clock(run.started_at) : hasEnded ? "did not start" : status === "STARTING" ? "now" : "",
      state: status === "STARTING" ? "now" : hasStarted ? "done" : hasEnded ? "skipped" : "later",
    },
    {
      name: status === "STOPPING" ? "Stopping" : "Running",
      note: ran === null || status === "STARTING" ? "" : duration(ran),
      state: hasEnded ? (hasStarted ? "done" : "skipped") : hasStarted && status !== "STARTING" ? "now" : "later",
    },
    {
      name: ENDS[status] ?? "Ended",
      note: run.completed_at ? clock(run.completed_at) : "",
      state: !hasEnded ? "later" : status === "SUCCEEDED" ? "good" : status === "STOPPED" ? "done" : "bad",
    },
  ];
}
