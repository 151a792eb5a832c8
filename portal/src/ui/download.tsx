/** Downloads that need the user's token, so a link alone does not do. */

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, persist, request } from "../api/client";
import type { Problem } from "../api/schema";
import { ProblemText } from "./basics";
import { bytes } from "./format";

const NEXT = /<([^>]+)>; rel="next"/;

/** Let the browser save a file. */
export function saveAs(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Saves the CSV of `path` as a file: all pages of the API, put together. */
export function CsvDownload({ path, name }: { path: string; name: string }) {
  /** How much was read. Null: nothing is read now. */
  const [size, setSize] = useState<number | null>(null);
  const [problem, setProblem] = useState<Problem>();
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  async function download() {
    const controller = new AbortController();
    stop.current = controller;
    setProblem(undefined);
    setSize(0);
    try {
      saveAs(name, new Blob(await pages(path, controller.signal, setSize), { type: "text/csv" }));
    } catch (error) {
      if (controller.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      setProblem(error.problem);
    } finally {
      if (stop.current === controller) setSize(null);
    }
  }

  return (
    <>
      <ProblemText problem={problem} />
      {size === null ? (
        <button type="button" onClick={() => void download()}>
          Download CSV
        </button>
      ) : (
        <>
          <span role="status">Downloading{size > 0 && `: ${bytes(size)}`} …</span>
          <button
            type="button"
            onClick={() => {
              stop.current?.abort();
              setSize(null);
            }}
          >
            Cancel the download
          </button>
        </>
      )}
    </>
  );
}

/** Return the CSV of all pages, with one header. */
async function pages(path: string, signal: AbortSignal, report: (size: number) => void): Promise<string[]> {
  const parts: string[] = [];
  let header = "";
  let size = 0;
  for (let next: string | undefined = path; next;) {
    const here: string = next;
    const response: Response = await persist(
      () => request(here, { signal, headers: { Accept: "text/csv" } }),
      () => signal.aborted,
    );
    const text = await response.text();
    if (parts.length === 0) header = firstRecord(text);
    parts.push(parts.length === 0 ? text : text.slice(header.length));
    report((size += text.length));
    // The link is a path of the API, whose URL can have a path of its own.
    const link: string | undefined = NEXT.exec(response.headers.get("Link") ?? "")?.[1];
    next = link && path.split("?")[0] + link.slice(link.indexOf("?"));
  }
  return parts;
}

/** The header with its line end. Names are in quotes, and may contain line ends. */
function firstRecord(text: string): string {
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') isQuoted = !isQuoted;
    else if (text[at] === "\n" && !isQuoted) return text.slice(0, at + 1);
  }
  return text;
}
