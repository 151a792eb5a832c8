/** Save everything and start a run. */

import { useEffect, useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { api, body } from "../../api/client";
import type { Environment } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { ProblemText } from "../../ui/basics";
import { draftOf, draftPaths, savedDraft } from "./drafts";
import { write } from "./files";
import { linkTo } from "./paths";

interface Props {
  environment: Environment;
  path: string;
  /** Saves the open file. */
  save: () => Promise<boolean>;
  isSaving: boolean;
  refresh: () => void;
}

export function RunControls({ environment, path, save, isSaving, refresh }: Props) {
  const { id, outputs, settings } = environment;
  const [, navigate] = useLocation();
  const own = settings.jobs.find((job) => job.script === path) ?? settings.job;
  const [chosen, setChosen] = useState<string>();
  const name = chosen ?? own.name;
  const [unsaved, setUnsaved] = useState<string>();
  const others = useCommand(async (_headers, other: string) => {
    const draft = draftOf(id, other);
    if (!draft) return true;
    const done = await write(id, other, draft.text.replaceAll("\n", draft.ending), draft.base);
    savedDraft(id, other, draft.text, done.sha256);
    return true;
  });
  const start = useCommand((headers, jobId: string) =>
    body(api.POST("/jobs/{job_id}/runs", { params: { path: { job_id: jobId } }, headers })),
  );
  const isBusy = isSaving || others.isBusy || start.isBusy;

  const run = async () => {
    const jobId = outputs?.job_ids[name];
    if (jobId === undefined || isBusy) return;
    setUnsaved(undefined);
    start.clear();
    if (!(await save())) return;
    for (const other of draftPaths(id)) {
      if (!(await others.run(other))) return setUnsaved(other);
      refresh();
    }
    const started = await start.run(jobId);
    if (started) navigate(`/run/${jobId}/${started.id}`);
  };
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== "Enter") return;
      event.preventDefault();
      void run();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  });

  return (
    <>
      <button type="button" class="primary" disabled={isBusy || !outputs} onClick={() => void run()}>
        {start.isBusy ? "Starting the run …" : "Save and run"}
      </button>
      {settings.jobs.length > 1 && (
        <label class="row">
          Job
          <select value={name} onChange={(event) => setChosen(event.currentTarget.value)}>
            {settings.jobs.map((job) => (
              <option key={job.name}>{job.name}</option>
            ))}
          </select>
        </label>
      )}
      {unsaved !== undefined && others.problem && (
        <div class="problem" role="alert">
          <strong>
            <Link href={linkTo(unsaved, others.problem.errors?.[0]?.line)}>{unsaved}</Link> was not saved
          </strong>
          <p>{others.problem.detail}</p>
        </div>
      )}
      <ProblemText problem={start.problem} />
    </>
  );
}
