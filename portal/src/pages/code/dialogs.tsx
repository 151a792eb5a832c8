/** Dialogs that create, rename and delete a file. */

import { useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { ApiError } from "../../api/client";
import type { JobFile, Problem, SettingsShown } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { ProblemText } from "../../ui/basics";
import { ConfirmDialog } from "../../ui/confirm-dialog";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/form";
import { draftOf, dropDraft, keepDraft } from "./drafts";
import { readBytes, remove, write } from "./files";
import { linkTo, startOf, usesOf } from "./paths";

interface Common {
  id: string;
  /** The files have changed. */
  onDone: () => void;
  onClose: () => void;
}

interface FileProps extends Common {
  file: JobFile;
  settings: SettingsShown;
}

const HINT = "Folders become part of the path, such as src/helpers.py.";

/** Errors of the path belong beside its field. */
function pathError(problem: Problem | undefined): string | undefined {
  if (problem?.code === "precondition_failed") return "This file exists already. Choose another path.";
  if (problem?.code === "not_found") return "This is no valid path.";
  const error = problem?.errors?.find((each) => each.parameter === "path");
  return error?.detail ?? (problem?.code === "unsupported_media_type" ? problem.detail : undefined);
}

function PathForm(props: {
  title: string;
  action: string;
  start: string;
  isBusy: boolean;
  problem: Problem | undefined;
  onSubmit: (path: string) => void;
  onClose: () => void;
}) {
  const [path, setPath] = useState(props.start);
  const error = pathError(props.problem);
  const submit = (event: Event) => {
    event.preventDefault();
    props.onSubmit(path.trim().replace(/^\/+/, ""));
  };
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <form class="stack" onSubmit={submit}>
        <Field label="Path" hint={HINT} error={error} value={path} onChange={setPath} required />
        {error === undefined && <ProblemText problem={props.problem} />}
        <div class="actions">
          <button type="submit" class="primary" disabled={props.isBusy}>
            {props.action}
          </button>
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const urlOf = (path: string) => path.split("/").map(encodeURIComponent).join("/");

export function NewFileDialog({ id, onDone, onClose }: Common) {
  const [, navigate] = useLocation();
  const create = useCommand((_headers, path: string) => write(id, urlOf(path), startOf(path), null));
  const submit = async (path: string) => {
    const done = await create.run(path);
    if (!done) return;
    navigate(linkTo(path));
    onDone();
  };
  return (
    <PathForm
      title="New file"
      action="Create"
      start=""
      isBusy={create.isBusy}
      problem={create.problem}
      onSubmit={(path) => void submit(path)}
      onClose={onClose}
    />
  );
}

/** The API has no renaming: write the copy first, then delete the original if nobody has changed it meanwhile. */
export function RenameDialog({ id, file, settings, onDone, onClose }: FileProps) {
  const [, navigate] = useLocation();
  const rename = useCommand(async (_headers, path: string) => {
    const copy = await write(id, urlOf(path), await readBytes(id, file.path), null);
    await removed(id, file);
    return copy;
  });
  const uses = usesOf(file.path, settings);
  if (uses.length > 0) return <InUse title={`Rename ${file.path}?`} file={file} uses={uses} onClose={onClose} />;
  const submit = async (path: string) => {
    const done = await rename.run(path);
    if (!done) return;
    const draft = draftOf(id, file.path);
    if (draft) keepDraft(id, path, { ...draft, base: draft.base === file.sha256 ? done.sha256 : draft.base });
    dropDraft(id, file.path);
    navigate(linkTo(path));
    onDone();
  };
  return (
    <PathForm
      title={`Rename ${file.path}`}
      action="Rename"
      start={file.path}
      isBusy={rename.isBusy}
      problem={rename.problem}
      onSubmit={(path) => void submit(path)}
      onClose={onClose}
    />
  );
}

export function DeleteDialog({ id, file, settings, onDone, onClose }: FileProps) {
  const [, navigate] = useLocation();
  const deletion = useCommand(async () => {
    await removed(id, file);
    return true;
  });
  const uses = usesOf(file.path, settings);
  const title = `Delete ${file.path}?`;
  if (uses.length > 0) return <InUse title={title} file={file} uses={uses} onClose={onClose} />;
  return (
    <ConfirmDialog
      title={title}
      button="Delete the file"
      isDanger
      command={deletion}
      onClose={onClose}
      onDone={() => {
        dropDraft(id, file.path);
        navigate("/code");
        onDone();
      }}
    >
      <p>The next run of your job no longer has this file. Download it first if you may need it again.</p>
    </ConfirmDialog>
  );
}

/** Delete the file that the user sees. If the response of an earlier attempt was lost, the file is gone. */
async function removed(id: string, file: JobFile): Promise<void> {
  try {
    await remove(id, file.path, file.sha256);
  } catch (error) {
    if (!(error instanceof ApiError && error.problem.code === "not_found")) throw error;
  }
}

function InUse({
  title,
  file,
  uses,
  onClose,
}: {
  title: string;
  file: JobFile;
  uses: string[];
  onClose: () => void;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>
        {file.path} is the {uses.join(" and the ")}. Choose another file in the settings of the job first, on the page
        My sandbox.
      </p>
      <div class="actions">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
