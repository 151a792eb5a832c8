/** What texts and libraries have in common. */

import type { JobFile } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { Facts, ProblemText } from "../../ui/basics";
import { saveAs } from "../../ui/download";
import { bytes, dateTime } from "../../ui/format";
import type { Asked } from ".";
import { readBytes } from "./files";
import { nameOf } from "./paths";

export function FileFacts({ file }: { file: JobFile }) {
  return (
    <Facts
      items={[
        ["Size", bytes(file.size_bytes)],
        ["Changed by", file.changed_by_type === "release" ? "the release" : file.changed_by],
        ["Changed", dateTime(file.changed_at)],
      ]}
    />
  );
}

interface Props {
  id: string;
  file: JobFile;
  canWrite: boolean;
  ask: (asked: Asked) => void;
}

export function FileActions({ id, file, canWrite, ask }: Props) {
  const download = useCommand(async () => {
    saveAs(nameOf(file.path), new Blob([await readBytes(id, file.path)]));
    return true;
  });
  return (
    <>
      <div class="actions">
        <button type="button" class="small" disabled={download.isBusy} onClick={() => void download.run()}>
          Download
        </button>
        {canWrite && (
          <>
            <button type="button" class="small" onClick={() => ask({ kind: "rename", file })}>
              Rename
            </button>
            <button type="button" class="small danger" onClick={() => ask({ kind: "delete", file })}>
              Delete
            </button>
          </>
        )}
      </div>
      <ProblemText problem={download.problem} />
    </>
  );
}
