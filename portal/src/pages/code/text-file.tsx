/** A text file in the editor: save, run, and what to do if somebody else changed it. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import type { Environment, JobFile, JobWarning, Problem } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { ProblemText, Waiting } from "../../ui/basics";
import { Editor, type EditorProblem } from "../../ui/editor";
import { bytes } from "../../ui/format";
import type { Asked } from ".";
import { Conflict } from "./conflict";
import { draftOf, dropDraft, savedDraft } from "./drafts";
import { FileActions } from "./file-parts";
import { write, type Base } from "./files";
import { languageOf } from "./paths";
import { RunControls } from "./run-controls";
import { useText } from "./use-text";

/** Larger files open when the user asks: the browser may need a while for them. */
const LARGE_BYTES = 400_000;

interface Props {
  environment: Environment;
  path: string;
  file: JobFile | undefined;
  line: number | undefined;
  canWrite: boolean;
  ask: (asked: Asked) => void;
  refresh: () => void;
}

export function TextFile(props: Props) {
  const { path, file } = props;
  const [isWanted, setWanted] = useState((file?.size_bytes ?? 0) <= LARGE_BYTES);
  if (isWanted) return <Open {...props} />;
  return (
    <section class="card" aria-labelledby="code-path">
      <h2 id="code-path">{path}</h2>
      <p>This file has {bytes(file?.size_bytes ?? 0)}, which can make the editor slow.</p>
      <div class="actions">
        <button type="button" onClick={() => setWanted(true)}>
          Open it in the editor
        </button>
      </div>
      {file && <FileActions id={props.environment.id} file={file} canWrite={props.canWrite} ask={props.ask} />}
    </section>
  );
}

function Open({ environment, path, file, line, canWrite, ask, refresh }: Props) {
  const { id } = environment;
  const open = useText(id, path, file);
  const [, navigate] = useLocation();
  const [warnings, setWarnings] = useState<readonly JobWarning[]>([]);
  const saving = useCommand((_headers, content: string, base: Base) => write(id, path, content, base));

  /** Save the draft. Return whether the API has it now. */
  const save = async (base?: Base): Promise<boolean> => {
    const draft = draftOf(id, path);
    if (!draft) return true;
    setWarnings([]);
    const { text, ending } = draft;
    const done = await saving.run(text.replaceAll("\n", ending), base === undefined ? draft.base : base);
    if (!done) return false;
    open.saved({ text, ending, sha256: done.sha256 });
    savedDraft(id, path, text, done.sha256);
    setWarnings(done.warnings);
    refresh();
    return true;
  };

  const isRefused = saving.problem?.code === "precondition_failed";
  useEffect(() => {
    if (!isRefused) return;
    open.load();
    refresh();
  }, [isRefused]);

  const problems = useMemo(() => problemsOf(saving.problem, warnings), [saving.problem, warnings]);
  const isUnsaved = open.draft !== undefined;
  const keys = (event: KeyboardEvent) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s" || !canWrite) return;
    event.preventDefault();
    if (!saving.isBusy) void save();
  };

  if (open.theirs === null && !isUnsaved) {
    return (
      <section class="card" aria-labelledby="code-path">
        <h2 id="code-path">{path}</h2>
        <p>This file does not exist.</p>
      </section>
    );
  }
  return (
    <section class="card" aria-labelledby="code-path" onKeyDown={keys}>
      <div class="card-head">
        <h2 id="code-path">{path}</h2>
        <span class="soft small" role="status">
          {statusOf(saving.isBusy, isUnsaved, canWrite)}
        </span>
      </div>
      {canWrite && (
        <div class="toolbar">
          <button type="button" disabled={!isUnsaved || saving.isBusy} onClick={() => void save()}>
            Save
          </button>
          <RunControls environment={environment} path={path} save={save} isSaving={saving.isBusy} refresh={refresh} />
        </div>
      )}
      {open.isConflict && !saving.isBusy ? (
        <Conflict
          open={open}
          path={path}
          file={file}
          onReplace={() => void save(open.theirs?.sha256 ?? null)}
          onDiscard={() => {
            dropDraft(id, path);
            saving.clear();
            if (open.theirs === null) navigate("/code");
          }}
        />
      ) : (
        !isRefused && <NotSaved problem={saving.problem} />
      )}
      <ProblemText problem={open.problem} />
      <Places problems={problems} />
      {open.text === undefined ? (
        !open.problem && <Waiting what={path} />
      ) : (
        <Editor
          value={open.text}
          onChange={open.change}
          language={languageOf(path)}
          label={path}
          readOnly={!canWrite}
          problems={problems}
          goTo={line}
        />
      )}
      <div class="between">
        {file && <FileActions id={id} file={file} canWrite={canWrite} ask={ask} />}
        {isUnsaved && !open.isConflict && (
          <button
            type="button"
            class="small"
            disabled={saving.isBusy}
            onClick={() => (dropDraft(id, path), saving.clear())}
          >
            Discard my changes
          </button>
        )}
      </div>
    </section>
  );
}

function statusOf(isSaving: boolean, isUnsaved: boolean, canWrite: boolean): string {
  if (!canWrite) return "Read-only";
  return isSaving ? "Saving …" : isUnsaved ? "Unsaved changes" : "Saved";
}

function NotSaved({ problem }: { problem: Problem | undefined }) {
  if (problem?.code !== "invalid_file") return <ProblemText problem={problem} />;
  return (
    <div class="problem" role="alert">
      <strong>Not saved</strong>
      <p>{problem.detail}</p>
    </div>
  );
}

/** Errors and warnings of a file with their lines. */
function problemsOf(problem: Problem | undefined, warnings: readonly JobWarning[]): EditorProblem[] {
  const errors = problem?.code === "invalid_file" ? (problem.errors ?? []) : [];
  return [
    ...errors.map(({ line, column, detail }) => ({ line: line ?? 1, column, message: detail })),
    ...warnings.map(({ line, detail }) => ({ line: line ?? 1, message: detail, isWarning: true })),
  ];
}

/** The editor shows them below their lines; a screen reader hears of them here. */
function Places({ problems }: { problems: readonly EditorProblem[] }) {
  const warnings = problems.filter((each) => each.isWarning);
  return (
    <div role="status">
      {warnings.length > 0 && (
        <div class="notice busy">
          <p>Saved, but a run will fail when it reaches this:</p>
          <ul>
            {warnings.map(({ line, message }) => (
              <li key={`${line}${message}`}>
                Line {line}: {message}
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
