/** Follows the log of a run: no line twice, none lost, also if the API is lost in the middle of a page. */

import { ApiError, ConnectionLost, request } from "../../api/client";
import { pause, sleep } from "../../api/connection";
import type { LogLine, LogPage, Problem } from "../../api/schema";
import { clock } from "../../ui/format";

/** Lines as one text: thousands of lines are a few nodes, which browsers search and select as any text. */
export interface Block {
  text: string;
  lines: number;
}

const BLOCK_LINES = 200;
const PAGE_LINES = 1000;
const WAIT_SECONDS = 20;
/** More than a request can take. The service ends it after `WAIT_SECONDS`. */
const LONGEST_MILLISECONDS = 45_000;
/** A busy job writes lines all the time. They are read together, once in this time. */
const REST_MILLISECONDS = 500;

/** Return the blocks with more lines. Blocks that are full stay the same objects. */
export function append(blocks: readonly Block[], lines: LogLine[]): Block[] {
  const all = [...blocks];
  for (let at = 0; at < lines.length;) {
    const last = all.at(-1);
    const open = last && last.lines < BLOCK_LINES ? last : undefined;
    const more = lines.slice(at, at + BLOCK_LINES - (open?.lines ?? 0));
    at += more.length;
    const text = more.map((line) => `${clock(line.time)}  ${line.message}\n`).join("");
    if (open) all[all.length - 1] = { text: open.text + text, lines: open.lines + more.length };
    else all.push({ text, lines: more.length });
  }
  return all;
}

/** Where the next page begins. */
export interface Place {
  cursor: string | null;
  isComplete: boolean;
}

interface Watcher {
  /** A page whose lines follow those before. Return false to pause. */
  onPage: (page: LogPage) => boolean;
  /** The log begins again: its cursor is older than a day. */
  onRestart: () => void;
  onProblem: (problem: Problem) => void;
}

/**
 * Read pages from `place` on until the log is complete, the watcher pauses, or `signal` aborts.
 *
 * `place` advances together with the lines that the watcher gets, so reading can continue at it.
 */
export async function follow(path: string, stream: string, place: Place, watcher: Watcher, signal: AbortSignal) {
  for (let failures = 0; !place.isComplete && !signal.aborted;) {
    await untilVisible(signal);
    let page: LogPage;
    try {
      const response = await request(pathOf(path, stream, place.cursor), {
        signal: AbortSignal.any([signal, AbortSignal.timeout(LONGEST_MILLISECONDS)]),
        // With this header, the client keeps no copy for ETags: a page is read once.
        headers: { Accept: "application/json" },
      });
      page = (await response.json()) as LogPage;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ConnectionLost) {
        await sleep(pause(++failures), signal);
        continue;
      }
      if (!(error instanceof ApiError)) throw error;
      failures = 0;
      const { problem, retryAfterSeconds } = error;
      if (problem.code === "bad_cursor" && place.cursor !== null) {
        place.cursor = null;
        watcher.onRestart();
        continue;
      }
      watcher.onProblem(problem);
      if (problem.status !== 429 && problem.status < 500) return;
      await sleep((retryAfterSeconds ?? 5) * 1000, signal);
      continue;
    }
    failures = 0;
    if (signal.aborted) return;
    place.cursor = page.next;
    place.isComplete = page.complete;
    if (!watcher.onPage(page)) return;
    if (page.items.length < PAGE_LINES) await sleep(REST_MILLISECONDS, signal);
  }
}

function pathOf(path: string, stream: string, cursor: string | null): string {
  const query = new URLSearchParams({
    stream,
    limit: String(PAGE_LINES),
    follow: "true",
    wait: String(WAIT_SECONDS),
    ...(cursor === null ? {} : { cursor }),
  });
  return `${path}?${query}`;
}

/** A hidden tab does not read. The cursor waits. */
function untilVisible(signal: AbortSignal): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    function look() {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      signal.removeEventListener("abort", look);
      resolve();
    }
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
  });
}
