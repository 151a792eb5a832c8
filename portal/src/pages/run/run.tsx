/** One run: phases, log, result or failure, metrics. */

import { useEffect, useState } from "preact/hooks";
import { api, body } from "../../api/client";
import type { Job, JobRun } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { useGet } from "../../api/use-get";
import { useMe } from "../../me";
import { Badge, Facts, ProblemText, Section, Waiting } from "../../ui/basics";
import { duration, shortTime, timeZone, usd } from "../../ui/format";
import { useNow } from "../../ui/use-now";
import { RunFailure } from "./failure";
import { useEnvironmentOf } from "./job";
import { runUrl } from "./links";
import { RunLog } from "./log";
import { RunMetricsPanel } from "./metrics";
import { RunOutputs } from "./outputs";
import { Phases } from "./phases";
import { isFinal, ranSeconds } from "./status";

export function RunPanel({ jobId, runId }: { jobId: string; runId: string }) {
  const job = useGet<Job>(`/jobs/${encodeURIComponent(jobId)}`).data;
  const got = useGet<JobRun>(`/jobs/${encodeURIComponent(jobId)}/runs/${encodeURIComponent(runId)}`);
  const run = got.data;
  return (
    <>
      <nav aria-label="Job">
        <a href={runUrl(jobId)}>{job?.name ?? jobId}</a>
      </nav>
      {run ? (
        <Loaded run={run} refresh={got.refresh} />
      ) : (
        <>
          <h1>Run</h1>
          {got.problem ? <ProblemText problem={got.problem} /> : <Waiting what="the run" />}
        </>
      )}
    </>
  );
}

function Loaded({ run: latest, refresh }: { run: JobRun; refresh: () => void }) {
  const { isMine } = useEnvironmentOf(latest.environment_id);
  const { refresh: refreshMe } = useMe();
  const hasEnded = isFinal(latest.status);
  useEffect(() => refreshMe(), [hasEnded]); // the budget has other amounts
  const [isStopRequested, setStopRequested] = useState(false);
  const run = isStopRequested && !isFinal(latest.status) ? { ...latest, status: "STOPPING" as const } : latest;
  const now = useNow(!isFinal(run.status));
  const stop = useCommand((headers) =>
    body(
      api.DELETE("/jobs/{job_id}/runs/{run_id}", {
        params: { path: { job_id: run.job_id, run_id: run.id } },
        headers,
      }),
    ),
  );
  const stopRun = async () => {
    setStopRequested(true);
    if ((await stop.run()) === undefined) setStopRequested(false);
    refresh();
  };
  return (
    <>
      <div class="page-head">
        <h1>
          Run of {shortTime(run.requested_at)} <Badge status={run.status} />
        </h1>
        {!isFinal(run.status) && (
          <button type="button" class="danger" disabled={run.status === "STOPPING"} onClick={() => void stopRun()}>
            {run.status === "STOPPING" ? "Stopping …" : "Stop run"}
          </button>
        )}
      </div>
      <ProblemText problem={stop.problem} />
      <Section title="Progress">
        <Phases run={run} now={now} />
        <Facts items={factsOf(run, now)} />
        <p class="soft small">Times in {timeZone()}</p>
      </Section>
      {isFinal(run.status) && <RunFailure run={run} isMine={isMine} />}
      <RunOutputs run={run} isMine={isMine} />
      <RunLog jobId={run.job_id} runId={run.id} onComplete={refresh} />
      <RunMetricsPanel run={run} now={now} />
      <Arguments run={run} />
    </>
  );
}

function factsOf(run: JobRun, now: number): Parameters<typeof Facts>[0]["items"] {
  const seconds = ranSeconds(run, now);
  return [
    ["Duration", seconds === null ? "Not started" : duration(seconds)],
    run.cost_usd === null ? ["Costs at most", usd(run.max_cost_usd)] : ["Cost", usd(run.cost_usd)],
    ["Workers", `${run.number_of_workers} × ${run.worker_type}`],
    ["Timeout", duration(run.timeout_minutes * 60)],
    run.stopped_by !== null && ["Stopped by", run.stopped_by],
  ];
}

function Arguments({ run }: { run: JobRun }) {
  const names = Object.keys(run.arguments);
  return (
    <Section title="Arguments">
      {names.length === 0 ? (
        <p class="soft">None.</p>
      ) : (
        <dl class="run-arguments">
          {names.map((name) => (
            <div key={name}>
              <dt class="mono">{name}</dt>
              <dd class="mono">{run.arguments[name]}</dd>
            </div>
          ))}
        </dl>
      )}
      {run.glue_run_id && (
        <p class="soft small">
          Run in Glue: <code>{run.glue_run_id}</code>
        </p>
      )}
    </Section>
  );
}
