/** What the statuses of runs mean. */

import type { JobRun } from "../../api/schema";
import { capitalized } from "../../ui/format";

type Status = JobRun["status"];

const FINAL: Status[] = ["SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED", "ERROR"];

export const isFinal = (status: Status): boolean => FINAL.includes(status);

/** Outcome as a series of the history: succeeded, failed, stopped, active. */
export function outcome(status: Status): 0 | 1 | 2 | 3 {
  if (!isFinal(status)) return 3;
  return status === "SUCCEEDED" ? 0 : status === "STOPPED" ? 2 : 1;
}

/** Seconds that a run has run. */
export function ranSeconds(run: JobRun, now: number): number | null {
  if (run.execution_seconds !== null) return run.execution_seconds;
  if (run.started_at === null) return null;
  const end = run.completed_at === null ? now : Date.parse(run.completed_at);
  return Math.max(0, (end - Date.parse(run.started_at)) / 1000);
}

const CAUSES: Record<string, string> = {
  out_of_memory: "Out of memory",
  kms_access_denied: "No access to the KMS key",
  catalog_access_denied: "No access to the Data Catalog",
  access_denied: "No access",
  no_capacity: "AWS has no free workers",
  concurrent_runs: "Another run is active",
  sql_syntax: "SQL syntax",
  sql_aggregation: "SQL aggregation",
  key: "Missing key",
  name: "Unknown name",
  attribute: "Unknown attribute",
  value: "Wrong value",
  assertion: "Failed assertion",
  unknown: "Unknown cause",
};

/** "table_not_found" as "Table not found" */
export function causeText(cause: string): string {
  return CAUSES[cause] ?? capitalized(cause.replaceAll("_", " "));
}
