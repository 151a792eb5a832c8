/** A library: it has no text, so it can be downloaded and replaced. */

import type { JobFile } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { ProblemText } from "../../ui/basics";
import type { Asked } from ".";
import { FileActions, FileFacts } from "./file-parts";
import { write } from "./files";

interface Props {
  id: string;
  path: string;
  file: JobFile | undefined;
  canWrite: boolean;
  ask: (asked: Asked) => void;
  refresh: () => void;
}

export function BinaryFile({ id, path, file, canWrite, ask, refresh }: Props) {
  const replacement = useCommand((_headers, content: File) => write(id, path, content, file?.sha256 ?? null));
  const replace = async (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    const content = input.files?.[0];
    if (content && (await replacement.run(content))) refresh();
    input.value = "";
  };
  return (
    <section class="card" aria-labelledby="code-path">
      <h2 id="code-path">{path}</h2>
      {file ? (
        <>
          <p>This is a library. It is not text, so it cannot be shown here.</p>
          <FileFacts file={file} />
          <FileActions id={id} file={file} canWrite={canWrite} ask={ask} />
          {canWrite && (
            <label class="field">
              Replace it with
              <input
                type="file"
                accept=".zip,.whl"
                disabled={replacement.isBusy}
                onChange={(event) => void replace(event)}
              />
            </label>
          )}
          <ProblemText problem={replacement.problem} />
        </>
      ) : (
        <p>This file does not exist.</p>
      )}
    </section>
  );
}
