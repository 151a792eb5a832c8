/** Upload files, a folder or an archive. */

import { useState } from "preact/hooks";
import type { FolderUpload, JobFile } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { ProblemText } from "../../ui/basics";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/form";
import { archiveOf, archiveType, chosen as chosenFiles, isClutter, type Chosen } from "./archive";
import { writeFolder } from "./files";

interface Props {
  id: string;
  files: readonly JobFile[];
  onDone: () => void;
  onClose: () => void;
}

const SHOWN = 20;
/** Not in the types of HTML, but in all browsers. */
const FOLDER = { webkitdirectory: true };

export function UploadDialog({ id, files, onDone, onClose }: Props) {
  const [chosen, setChosen] = useState<readonly Chosen[]>([]);
  const [isUnpacked, setUnpacked] = useState(true);
  const [folder, setFolder] = useState("");
  const [isReplacing, setReplacing] = useState(false);
  const [done, setDone] = useState<FolderUpload>();
  const upload = useCommand((_headers, archive: Blob, mediaType: string) =>
    writeFolder(id, archive, mediaType, isReplacing),
  );

  const [first] = chosen;
  const archive = chosen.length === 1 && first ? archiveType(first.path) : null;
  const isArchive = archive !== null && isUnpacked && first !== undefined;
  const start = folder.replace(/^\/+|\/+$/g, "");
  const placed = chosen
    .filter((each) => !isClutter(each.path))
    .map((each) => ({ ...each, path: start ? `${start}/${each.path}` : each.path }));
  const known = new Set(files.map((each) => each.path));
  const kept = new Set(placed.map((each) => each.path));

  const choose = (event: Event) => {
    setChosen(chosenFiles((event.currentTarget as HTMLInputElement).files ?? []));
    upload.clear();
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    const content = isArchive ? first.file : await archiveOf(placed);
    const result = await upload.run(content, isArchive ? archive : "application/gzip");
    if (!result) return;
    setDone(result);
    onDone();
  };

  if (done) {
    return (
      <Dialog title="Uploaded" onClose={onClose}>
        <Result done={done} />
        <div class="actions">
          <button type="button" class="primary" onClick={onClose}>
            Close
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="Upload files" onClose={onClose}>
      <form class="stack" onSubmit={(event) => void submit(event)}>
        <p class="soft">Python files, libraries (.zip, .whl) and text files such as .sql, .json or .csv.</p>
        <div class="columns">
          <label class="field">
            Files, or an archive
            <input type="file" multiple onChange={choose} />
          </label>
          <label class="field">
            A folder
            <input type="file" {...FOLDER} onChange={choose} />
          </label>
        </div>
        {archive && <Field kind="checkbox" label="Unpack the archive" value={isUnpacked} onChange={setUnpacked} />}
        {!isArchive && (
          <Field label="Into the folder" hint="Empty: beside your other files." value={folder} onChange={setFolder} />
        )}
        <Field
          kind="checkbox"
          label="Delete all other files"
          hint="Then your job has the uploaded files only."
          value={isReplacing}
          onChange={setReplacing}
        />
        {!isArchive && placed.length > 0 && (
          <Paths
            lists={[
              ["New", placed.map((each) => each.path).filter((path) => !known.has(path))],
              ["Replaces", placed.map((each) => each.path).filter((path) => known.has(path))],
              ["Deletes", isReplacing ? [...known].filter((path) => !kept.has(path)) : []],
              ["Left out", chosen.map((each) => each.path).filter(isClutter)],
            ]}
          />
        )}
        {upload.problem?.code === "invalid_file" ? (
          <div class="problem" role="alert">
            <strong>Nothing was uploaded</strong>
            <ul>
              {(upload.problem.errors ?? []).map((each) => (
                <li key={`${each.path}${each.detail}`}>
                  {each.path && <code>{each.path}</code>} {each.detail}
                </li>
              ))}
            </ul>
          </div>
        ) : (
          <ProblemText problem={upload.problem} />
        )}
        <div class="actions">
          <button type="submit" class="primary" disabled={upload.isBusy || (!isArchive && placed.length === 0)}>
            {upload.isBusy ? "Uploading …" : "Upload"}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Paths({ lists }: { lists: [name: string, paths: string[]][] }) {
  return (
    <dl class="facts">
      {lists
        .filter(([, paths]) => paths.length > 0)
        .map(([name, paths]) => (
          <div key={name}>
            <dt>
              {name} ({paths.length})
            </dt>
            <dd>
              <ul>
                {paths.slice(0, SHOWN).map((path) => (
                  <li key={path}>{path}</li>
                ))}
                {paths.length > SHOWN && <li>and {paths.length - SHOWN} more</li>}
              </ul>
            </dd>
          </div>
        ))}
    </dl>
  );
}

function Result({ done }: { done: FolderUpload }) {
  const isSame = done.added.length + done.replaced.length + done.removed.length === 0;
  return (
    <>
      {isSame && <p>Your sandbox has these files already. Nothing has changed.</p>}
      <Paths
        lists={[
          ["New", done.added],
          ["Replaced", done.replaced],
          ["Deleted", done.removed],
          ["Left out", done.skipped],
        ]}
      />
      {done.warnings.length > 0 && (
        <div class="notice busy">
          <p>A run will fail when it reaches this:</p>
          <ul>
            {done.warnings.map((each) => (
              <li key={`${each.line}${each.detail}`}>
                {each.detail} {each.line && `(line ${each.line})`}
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}
