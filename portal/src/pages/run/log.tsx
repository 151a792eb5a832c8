/** The log of a run, as it is written. Follows the end until the reader scrolls up. */

import { memo } from "../../ui/memo";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../../api/schema";
import { ProblemText, Section } from "../../ui/basics";
import { count, plural, timeZone } from "../../ui/format";
import { append, follow, type Block, type Place } from "./log-reader";

/** Lines that are read before the reader asks for more: about 15 MB. */
const MOST_LINES = 100_000;
/** Blocks of lines in the page. Earlier ones are shown on request. */
const MOST_BLOCKS = 100;

type Stream = "output" | "error";

interface State {
  blocks: readonly Block[];
  lines: number;
  isComplete: boolean;
  isPaused: boolean;
  problem: Problem | undefined;
}

const EMPTY: State = { blocks: [], lines: 0, isComplete: false, isPaused: false, problem: undefined };

function useLog(path: string, stream: Stream, onComplete: () => void): State & { more: () => void } {
  const [state, setState] = useState(EMPTY);
  const [most, setMost] = useState(MOST_LINES);
  const place = useRef<Place>({ cursor: null, isComplete: false });
  const lines = useRef(0);
  const completed = useRef(onComplete);
  completed.current = onComplete;

  useEffect(() => {
    const stop = new AbortController();
    const watcher = {
      onPage: ({ items, complete }: { items: Parameters<typeof append>[1]; complete: boolean }) => {
        lines.current += items.length;
        const isPaused = !complete && lines.current >= most;
        setState((before) => ({
          blocks: append(before.blocks, items),
          lines: lines.current,
          isComplete: complete,
          isPaused,
          problem: undefined,
        }));
        if (complete) completed.current();
        return !isPaused;
      },
      onRestart: () => {
        lines.current = 0;
        setState(EMPTY);
      },
      onProblem: (problem: Problem) => setState((before) => ({ ...before, problem })),
    };
    setState((before) => ({ ...before, isPaused: false }));
    void follow(path, stream, place.current, watcher, stop.signal);
    return () => stop.abort();
  }, [path, stream, most]);
  return { ...state, more: () => setMost((before) => before + MOST_LINES) };
}

interface Props {
  jobId: string;
  runId: string;
  /** Called when the run has ended and all lines are there. */
  onComplete: () => void;
}

export function RunLog({ jobId, runId, onComplete }: Props) {
  const [stream, setStream] = useState<Stream>("output");
  return (
    <Section
      title="Log"
      actions={
        <div class="row" role="group" aria-label="Log stream">
          {(["output", "error"] as const).map((each) => (
            <button key={each} type="button" aria-pressed={stream === each} onClick={() => setStream(each)}>
              {each === "output" ? "Output" : "Errors and Spark"}
            </button>
          ))}
        </div>
      }
    >
      <Stream
        key={stream}
        path={`/jobs/${encodeURIComponent(jobId)}/runs/${encodeURIComponent(runId)}/logs`}
        stream={stream}
        onComplete={onComplete}
      />
    </Section>
  );
}

function Stream({ path, stream, onComplete }: { path: string; stream: Stream; onComplete: () => void }) {
  const log = useLog(path, stream, onComplete);
  const box = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState(MOST_BLOCKS);
  const { isAtEnd, toEnd, onScroll } = useEnd(box, log.blocks);
  const hidden = Math.max(0, log.blocks.length - shown);
  const showEarlier = () => {
    const before = box.current?.scrollHeight ?? 0;
    setShown(shown + MOST_BLOCKS);
    // What the reader sees stays where it is.
    requestAnimationFrame(() => {
      if (box.current) box.current.scrollTop += box.current.scrollHeight - before;
    });
  };
  return (
    <>
      <ProblemText problem={log.problem} />
      <div class="log-box">
        <div
          ref={box}
          class="log"
          tabIndex={0}
          role="region"
          aria-label={stream === "output" ? "Output of the run" : "Errors of the run"}
          onScroll={onScroll}
        >
          {hidden > 0 && (
            <button type="button" onClick={showEarlier}>
              Load earlier lines
            </button>
          )}
          {log.blocks.slice(hidden).map((block, index) => (
            <LogBlock key={hidden + index} block={block} />
          ))}
          {log.lines === 0 && (
            <p class="soft">{log.isComplete ? "The run wrote no lines here." : "Waiting for the first line …"}</p>
          )}
        </div>
        {!isAtEnd && (
          <button type="button" class="primary log-jump" onClick={toEnd}>
            Jump to the newest
          </button>
        )}
      </div>
      <p class="soft small log-state">
        <span role="status">{stateOf(log, isAtEnd)}</span> <span>{plural(log.lines, "line")}</span>{" "}
        <span>Times in {timeZone()}</span>
        {log.isPaused && (
          <button type="button" onClick={log.more}>
            Read the next {count(MOST_LINES)} lines
          </button>
        )}
      </p>
    </>
  );
}

const LogBlock = memo(({ block }: { block: Block }) => <pre>{block.text}</pre>);

function stateOf(log: State, isAtEnd: boolean): string {
  if (log.isComplete) return "Complete.";
  if (log.isPaused) return "The log is long. Reading has paused.";
  return isAtEnd ? "Following the newest line." : "Not following, because you scrolled up.";
}

/** Keep a box at its end while it grows, until the reader scrolls up. */
function useEnd(box: { current: HTMLDivElement | null }, content: unknown) {
  const [isAtEnd, setAtEnd] = useState(true);
  const last = useRef(0);
  const wants = useRef(true);
  const go = () => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  useLayoutEffect(() => {
    if (wants.current) go();
  }, [content]);
  const set = (is: boolean) => {
    wants.current = is;
    setAtEnd(is);
  };
  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const { scrollTop, scrollHeight, clientHeight } = element;
    const isDown = scrollHeight - scrollTop - clientHeight < 30;
    // Blocks outside of the view have estimated heights: when these change, the end moves without the reader.
    if (isDown) set(true);
    else if (scrollTop < last.current - 1) set(false);
    else if (wants.current) go();
    last.current = scrollTop;
  };
  return {
    isAtEnd,
    toEnd: () => {
      set(true);
      go();
      box.current?.focus({ preventScroll: true });
    },
    onScroll,
  };
}
