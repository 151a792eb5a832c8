/** A job: start a run, its history, its schedule and its bookmark. */

import { useState } from "preact/hooks";
import { api, body } from "../../api/client";
import type { Environment, Job } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { useGet } from "../../api/use-get";
import { useMyEnvironment } from "../../me";
import { Facts, ProblemText, Section, Waiting } from "../../ui/basics";
import { ConfirmDialog } from "../../ui/confirm-dialog";
import { dateTime, fromNow, timeZone } from "../../ui/format";
import { RunHistory } from "./history";
import { codeUrl } from "./links";
import { StartRun } from "./start";
import { useRuns } from "./use-runs";

/** One job with its heading, by its ID. */
export function JobPanel({ jobId }: { jobId: string }) {
  const { data: job, problem } = useGet<Job>(`/jobs/${encodeURIComponent(jobId)}`, { every: 60 });
  return (
    <>
      <h1>{job?.name ?? "Job"}</h1>
      <ProblemText problem={problem} />
      {!job && !problem && <Waiting what="the job" />}
      {job && <JobParts job={job} title="Job" />}
    </>
  );
}

/** The environment of a job or a run: the user's own one, or for admins that of somebody else. */
export function useEnvironmentOf(id: string | undefined): { environment: Environment | undefined; isMine: boolean } {
  const mine = useMyEnvironment();
  const isMine = mine?.id === id;
  const other = useGet<Environment>(id === undefined || mine === undefined || isMine ? null : `/environments/${id}`, {
    every: 30,
  });
  return { environment: isMine ? (mine ?? undefined) : other.data, isMine };
}

export function JobParts({ job, title = job.name }: { job: Job; title?: string }) {
  const { environment, isMine } = useEnvironmentOf(job.environment_id);
  const runs = useRuns(job.id);
  const usesBookmark = isBookmark(job.arguments) || runs.items.some((run) => isBookmark(run.arguments));
  return (
    <>
      <Section title={title} actions={usesBookmark && <ResetBookmark job={job} />}>
        {job.description && <p class="text">{job.description}</p>}
        <Facts
          items={[
            ["Script", isMine ? <a href={codeUrl(job.script, null)}>{job.script}</a> : job.script],
            ["Glue version", job.glue_version],
            ["Schedule", job.schedule ? <code>{job.schedule}</code> : "None"],
            ["Next scheduled run", job.next_run_at ? <NextRun time={job.next_run_at} /> : "None"],
          ]}
        />
      </Section>
      <StartRun job={job} environment={environment} isMine={isMine} runs={runs.items} />
      <RunHistory job={job} runs={runs} />
    </>
  );
}

function NextRun({ time }: { time: string }) {
  return (
    <time dateTime={time}>
      {fromNow(time)}, {dateTime(time)} ({timeZone()})
    </time>
  );
}

const isBookmark = (values: Record<string, string>) => values["--job-bookmark-option"] === "job-bookmark-enable";

/** Bookmarks remember which files the runs have read. */
function ResetBookmark({ job }: { job: Job }) {
  const [isOpen, setOpen] = useState(false);
  const [isDone, setDone] = useState(false);
  const reset = useCommand((headers) =>
    body(api.DELETE("/jobs/{job_id}/bookmark", { params: { path: { job_id: job.id } }, headers })),
  );
  return (
    <>
      <span role="status">{isDone && <span class="good-text">The next run reads all files.</span>}</span>
      <button type="button" onClick={() => setOpen(true)}>
        Reset bookmark
      </button>
      {isOpen && (
        <ConfirmDialog
          title="Reset the bookmark?"
          button="Reset bookmark"
          command={reset}
          onClose={() => setOpen(false)}
          onDone={() => setDone(true)}
        >
          <p>The next run reads all files again, not only new ones. What earlier runs wrote stays.</p>
        </ConfirmDialog>
      )}
    </>
  );
}
