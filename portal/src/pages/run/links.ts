/** Addresses of pages that a run leads to. */

const part = encodeURIComponent;

export const runUrl = (jobId: string, runId?: string): string =>
  `#/run/${part(jobId)}${runId === undefined ? "" : `/${part(runId)}`}`;

export const tableUrl = (database: string, table: string): string => `#/data/${part(database)}/${part(table)}`;

/** A line of a job file in the editor: `#/code/lib/read.py:84`. */
export const codeUrl = (path: string, line: number | null): string =>
  `#/code/${path.split("/").map(part).join("/")}${line === null ? "" : `:${line}`}`;
