/** The runs of a job, newest first. */

import type { JobRun } from "../../api/schema";
import { useNewest, type Newest } from "../../ui/newest";
import { isFinal } from "./status";

export const useRuns = (jobId: string): Newest<JobRun> =>
  useNewest<JobRun>(
    `/jobs/${encodeURIComponent(jobId)}/runs?limit=25`,
    (run) => run.id,
    (run) => run.requested_at,
    (runs) => (runs.some((run) => !isFinal(run.status)) ? 3 : 30),
  );
