/** Somebody else changed or deleted the file: the user decides. */

import { useState } from "preact/hooks";
import type { JobFile } from "../../api/schema";
import { Editor } from "../../ui/editor";
import { fromNow } from "../../ui/format";
import { languageOf } from "./paths";
import type { OpenText } from "./use-text";

interface Props {
  open: OpenText;
  path: string;
  file: JobFile | undefined;
  onReplace: () => void;
  onDiscard: () => void;
}

export function Conflict({ open, path, file, onReplace, onDiscard }: Props) {
  const [isShown, setShown] = useState(false);
  const { theirs, draft } = open;
  const isDeleted = theirs === null;
  const who = file?.sha256 === theirs?.sha256 && file ? ` by ${file.changed_by} ${fromNow(file.changed_at)}` : "";
  return (
    <div class="notice busy" role="alert">
      <strong>
        {isDeleted
          ? `${path} was deleted after you opened it.`
          : draft?.base === null
            ? `${path} exists already.`
            : `${path} was changed${who}, after you opened it.`}
      </strong>
      <p>Your changes are not saved. They are below, and stay in this tab until you decide.</p>
      <div class="actions">
        {theirs && (
          <button type="button" aria-expanded={isShown} onClick={() => setShown(!isShown)}>
            {isShown ? "Hide the saved version" : "Show the saved version"}
          </button>
        )}
        <button type="button" onClick={onReplace}>
          {isDeleted ? "Create it again with my text" : "Replace it with my text"}
        </button>
        <button type="button" class="danger" onClick={onDiscard}>
          Discard my changes
        </button>
      </div>
      {theirs && isShown && (
        <Editor
          key={theirs.sha256}
          value={theirs.text}
          onChange={() => {}}
          language={languageOf(path)}
          label={`Saved version of ${path}`}
          readOnly
        />
      )}
    </div>
  );
}
