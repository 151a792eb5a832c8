/** Code: the job files of a sandbox, and an editor for them. */

import { useEffect, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { useHashLocation } from "wouter-preact/use-hash-location";
import type { Environment, JobFile, JobFiles } from "../../api/schema";
import { useGet } from "../../api/use-get";
import { useMe, useMyEnvironment } from "../../me";
import { ProblemText, Waiting } from "../../ui/basics";
import { DeleteDialog, NewFileDialog, RenameDialog } from "./dialogs";
import { draftPaths, drafts, isFull } from "./drafts";
import { useStore } from "../../store";
import { BinaryFile } from "./binary-file";
import { OwnJob } from "./own-job";
import { isBinary, placeOf } from "./paths";
import { TextFile } from "./text-file";
import { Tree } from "./tree";
import { UploadDialog } from "./upload";
import "../../styles/code.css";

export function CodePage() {
  const me = useMe();
  const environment = useMyEnvironment();
  return (
    <>
      <h1>Code</h1>
      {environment === undefined && !me.problem && <Waiting what="your files" />}
      {environment === null && (
        <p>
          You have no sandbox yet, so there is no code. <Link href="/">Create your sandbox</Link> first.
        </p>
      )}
      {environment && <Code key={environment.id} id={environment.id} />}
    </>
  );
}

export type Asked = { kind: "new" | "upload" } | { kind: "rename" | "delete"; file: JobFile } | null;

function Code({ id }: { id: string }) {
  const environment = useGet<Environment>(`/environments/${id}`, { every: 30 });
  const files = useGet<JobFiles>(`/environments/${id}/job/files`, { every: 15 });
  const [location] = useHashLocation();
  const [asked, setAsked] = useState<Asked>(null);
  useStore(drafts); // rows and buttons below show them
  const isDraftsFull = useStore(isFull);
  useUnsavedWarning(id);
  if (!environment.data || !files.data) {
    const problem = environment.problem ?? files.problem;
    return problem ? <ProblemText problem={problem} /> : <Waiting what="your files" />;
  }

  const { items } = files.data;
  const { settings } = environment.data;
  const place = placeOf(location);
  const script = settings.job.script;
  const path = place.path ?? items.find((each) => each.path === script)?.path ?? null;
  const file = items.find((each) => each.path === path);
  const canWrite = settings.mode === "production";
  const paths = new Set([...items.map((each) => each.path), ...draftPaths(id)]);
  const close = () => setAsked(null);
  const changed = () => {
    files.refresh();
    close();
  };

  return (
    <>
      <OwnJob environment={environment.data} files={items} refresh={[environment.refresh, files.refresh]} />
      {isDraftsFull && (
        <p class="notice bad" role="alert">
          Your unsaved changes are too large for this browser to keep. Save them before you reload or close this tab.
        </p>
      )}
      <div class="split code">
        <section class="card" aria-labelledby="code-files">
          <div class="card-head">
            <h2 id="code-files">Files</h2>
            {canWrite && (
              <div class="actions">
                <button type="button" class="small" onClick={() => setAsked({ kind: "new" })}>
                  New file
                </button>
                <button type="button" class="small" onClick={() => setAsked({ kind: "upload" })}>
                  Upload
                </button>
              </div>
            )}
          </div>
          <Tree environmentId={id} paths={paths} files={items} settings={settings} open={path} />
        </section>
        {path === null ? (
          <p class="card soft">Choose a file to see it here.</p>
        ) : isBinary(path) ? (
          <BinaryFile
            key={path}
            id={id}
            path={path}
            file={file}
            canWrite={canWrite}
            ask={setAsked}
            refresh={files.refresh}
          />
        ) : (
          <TextFile
            key={path}
            environment={environment.data}
            path={path}
            file={file}
            line={place.line}
            canWrite={canWrite}
            ask={setAsked}
            refresh={files.refresh}
          />
        )}
      </div>
      {asked?.kind === "new" && <NewFileDialog id={id} onDone={changed} onClose={close} />}
      {asked?.kind === "upload" && <UploadDialog id={id} files={items} onDone={files.refresh} onClose={close} />}
      {asked?.kind === "rename" && (
        <RenameDialog id={id} file={asked.file} settings={settings} onDone={changed} onClose={close} />
      )}
      {asked?.kind === "delete" && (
        <DeleteDialog id={id} file={asked.file} settings={settings} onDone={changed} onClose={close} />
      )}
    </>
  );
}

/** The browser asks before it closes a tab with changes that are not saved. */
function useUnsavedWarning(id: string): void {
  const hasDrafts = draftPaths(id).length > 0;
  useEffect(() => {
    if (!hasDrafts) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [hasDrafts]);
}
