/** What the last runs read and wrote: from the metrics of the last successful run of each job. */

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, ConnectionLost, api, body } from "../../api/client";
import { pause } from "../../api/connection";
import type { Database, Dataset, Environment, JobRun, RunMetrics, Table } from "../../api/schema";
import { findTable, tableAt, type Found } from "./names";

/** A job with its last successful run, if there is one, and what that run read and wrote. */
export interface Flow {
  job: string;
  jobId: string;
  run: JobRun | null;
  metrics: RunMetrics | null;
}

interface LineageState {
  /** Undefined: not known yet. */
  flows: Flow[] | undefined;
  problem: ApiError["problem"] | undefined;
}

const SECONDS = 20;

export function useLineage(environment: Environment): LineageState {
  const [state, setState] = useState<LineageState>({ flows: undefined, problem: undefined });
  const measured = useRef(new Map<string, RunMetrics>());
  const jobs = JSON.stringify(environment.outputs?.job_ids ?? {});

  useEffect(() => {
    let isGone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;

    async function load() {
      let wait = SECONDS;
      try {
        if (!document.hidden) {
          const named = Object.entries(JSON.parse(jobs) as Record<string, string>);
          const flows = await Promise.all(named.map(([job, jobId]) => flowOf(job, jobId, measured.current)));
          failures = 0;
          if (isGone) return;
          setState((before) =>
            JSON.stringify(before.flows) === JSON.stringify(flows) ? before : { flows, problem: undefined },
          );
        }
      } catch (error) {
        if (error instanceof ConnectionLost) wait = pause(++failures) / 1000;
        else if (error instanceof ApiError) setState((before) => ({ ...before, problem: error.problem }));
        else throw error;
      }
      if (!isGone) timer = setTimeout(() => void load(), wait * 1000);
    }

    void load();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [jobs]);
  return state;
}

async function flowOf(job: string, jobId: string, measured: Map<string, RunMetrics>): Promise<Flow> {
  const runs = await body(
    api.GET("/jobs/{job_id}/runs", { params: { path: { job_id: jobId }, query: { limit: 20 } } }),
  );
  const run = runs.items.find((each) => each.status === "SUCCEEDED") ?? null;
  if (run === null) return { job, jobId, run, metrics: null };
  let metrics = measured.get(run.id);
  if (!metrics) {
    const path = { job_id: jobId, run_id: run.id };
    metrics = await body(api.GET("/jobs/{job_id}/runs/{run_id}/metrics", { params: { path } }));
    if (metrics.available) measured.set(run.id, metrics); // those of an ended run stay the same
  }
  return { job, jobId, run, metrics };
}

/** One side of a job: a table of the sandbox, or another location. */
export interface End {
  key: string;
  found: Found | undefined;
  location: string;
  rows: number | null;
  bytes: number | null;
}

/** Return what a run read, or wrote, by table. Partitions of one table add up. */
export function ends(datasets: Dataset[], databases: Database[]): End[] {
  const byKey = new Map<string, End>();
  for (const dataset of datasets) {
    const [name = "", database = ""] = (dataset.table ?? "").split(".").reverse();
    const found = dataset.location ? tableAt(databases, dataset.location) : findTable(databases, database, name);
    const location = dataset.location ?? dataset.table ?? "";
    const key = found ? `${found.database.name}.${found.table.name}` : location;
    const before = byKey.get(key);
    const sum = (one: number | null | undefined, other: number | null) =>
      one === null || other === null ? null : (one ?? 0) + other;
    byKey.set(key, {
      key,
      found,
      location,
      rows: sum(before?.rows, dataset.rows),
      bytes: sum(before?.bytes, dataset.bytes),
    });
  }
  return [...byKey.values()];
}

/** Return what a run wrote: what Spark reports, and tables that only the Data Catalog shows. */
export function outputsOf(flow: Flow, databases: Database[]): End[] {
  const written = ends(flow.metrics?.writes ?? [], databases);
  for (const output of flow.run?.outputs ?? []) {
    const found = findTable(databases, output.database, output.table);
    const key = found ? `${found.database.name}.${found.table.name}` : output.location;
    if (!written.some((each) => each.key === key)) {
      written.push({ key, found, location: output.location, rows: null, bytes: null });
    }
  }
  return written;
}

export interface Written {
  rows: number;
  bytes: number | null;
  run: JobRun;
}

/** Return how many rows the last runs wrote to tables. */
export function writtenRows(flows: Flow[] | undefined, databases: Database[]): Map<Table, Written> {
  const rows = new Map<Table, Written>();
  for (const flow of flows ?? []) {
    for (const end of outputsOf(flow, databases)) {
      if (flow.run && end.found && end.rows !== null) {
        rows.set(end.found.table, { rows: end.rows, bytes: end.bytes, run: flow.run });
      }
    }
  }
  return rows;
}
