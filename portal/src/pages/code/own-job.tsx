/** From the release's job, whose files are read-only, to an own job; and an own job without its script. */

import { useEffect, useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { ApiError, api, body } from "../../api/client";
import type { Environment, JobFile } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { ProblemText } from "../../ui/basics";
import { ConfirmDialog } from "../../ui/confirm-dialog";
import { readBytes, write } from "./files";
import { linkTo } from "./paths";

const SCRIPT = "main.py";
/** Script of the release. */
const EXAMPLE = "sot_ecommerce.py";

interface Props {
  environment: Environment;
  files: readonly JobFile[];
  /** Each asks for its resource again. */
  refresh: (() => void)[];
}

export function OwnJob(props: Props) {
  return props.environment.settings.mode === "learning" ? <ReadOnly {...props} /> : <Missing {...props} />;
}

function ReadOnly({ environment, refresh }: Props) {
  const [isAsked, setAsked] = useState(false);
  const isReady = environment.status === "READY";
  const change = useCommand(() =>
    body(
      api.PATCH("/environments/{environment_id}", {
        params: { path: { environment_id: environment.id } },
        body: { settings: { mode: "production", job: { script: SCRIPT } } },
      }),
    ),
  );
  return (
    <div class="notice">
      <p class="text">
        Your sandbox runs the example job, so its files are read-only. To write your own code, get your own job: it
        starts with a copy of the example.
      </p>
      {!isReady && <p class="text">That is possible when your sandbox is READY. Now it is {environment.status}.</p>}
      <div class="actions">
        <button type="button" class="primary" disabled={!isReady} onClick={() => setAsked(true)}>
          Get your own job
        </button>
      </div>
      {isAsked && (
        <ConfirmDialog
          title="Get your own job?"
          button="Get your own job"
          command={change}
          onClose={() => setAsked(false)}
          onDone={() => {
            sessionStorage.setItem(WANTED, environment.id);
            refresh.forEach((each) => each());
          }}
        >
          <p>
            Your sandbox changes to production mode, which takes about a minute. Its job then runs {SCRIPT}, a copy of
            the example that you can change. Your data, tables and runs stay. A sandbox cannot return to learning
            mode.
          </p>
        </ConfirmDialog>
      )}
    </div>
  );
}

/** The environment whose script the portal creates when the change of the settings is done, also after a reload. */
const WANTED = "terraglue.own-job";

function Missing({ environment, files, refresh }: Props) {
  const [, navigate] = useLocation();
  const { script } = environment.settings.job;
  const isMissing = script !== null && !files.some((each) => each.path === script);
  const isReady = environment.status === "READY";
  const isWanted = sessionStorage.getItem(WANTED) === environment.id;
  const create = useCommand(async (_headers, path: string, isCopy: boolean) => {
    const content = isCopy ? await readBytes(environment.id, EXAMPLE) : "";
    return write(environment.id, path, content, null).catch((error: unknown) => {
      // Somebody else created it meanwhile.
      if (error instanceof ApiError && error.problem.code === "precondition_failed") return null;
      throw error;
    });
  });
  const start = async (path: string, isCopy: boolean) => {
    const done = await create.run(path, isCopy);
    if (done === undefined) return;
    refresh.forEach((each) => each());
    navigate(linkTo(path));
  };

  useEffect(() => {
    if (!isReady || !isWanted) return;
    sessionStorage.removeItem(WANTED);
    if (isMissing) void start(script, true);
  }, [isReady, isWanted, isMissing]);

  if (!isReady) {
    return (
      <p class="notice busy" role="status">
        Your sandbox is {environment.status}.{" "}
        {isWanted && isMissing ? `${script} follows when it is READY.` : "Files can be saved when it is READY."}
      </p>
    );
  }
  if (!isMissing) return <ProblemText problem={create.problem} />;
  return (
    <div class="notice busy">
      <p class="text">
        Your job runs <code>{script}</code>, which does not exist yet. Until it does, runs cannot start.
      </p>
      <ProblemText problem={create.problem} />
      <div class="actions">
        {files.some((each) => each.path === EXAMPLE) && (
          <button type="button" class="primary" disabled={create.isBusy} onClick={() => void start(script, true)}>
            Start with a copy of the example
          </button>
        )}
        <button type="button" disabled={create.isBusy} onClick={() => void start(script, false)}>
          Start with an empty file
        </button>
      </div>
    </div>
  );
}
