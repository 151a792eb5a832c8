/** Run: the jobs of my sandbox, one job, or one of its runs. */

import { useHashLocation } from "wouter-preact/use-hash-location";
import { decoded } from "../../address";
import { useMyEnvironment } from "../../me";
import { Waiting } from "../../ui/basics";
import { JobList } from "./job-list";
import { JobPanel } from "./job";
import { RunPanel } from "./run";
import "../../styles/run.css";

/** Addresses: `#/run`, `#/run/<job_id>` and `#/run/<job_id>/<run_id>`. */
export function RunPage() {
  const [location] = useHashLocation();
  const environment = useMyEnvironment();
  const [jobId, runId] = location.split("/").slice(2).map(decoded);
  if (jobId && runId) return <RunPanel key={runId} jobId={jobId} runId={runId} />;
  if (jobId) return <JobPanel key={jobId} jobId={jobId} />;
  return (
    <>
      <h1>Run</h1>
      {environment === undefined && <Waiting what="your sandbox" />}
      {environment === null && (
        <div class="empty">
          <p>You have no sandbox yet. Its job runs in it.</p>
          <a class="button" href="#/">
            Create my sandbox
          </a>
        </div>
      )}
      {environment && <JobList environmentId={environment.id} />}
    </>
  );
}
