/** GET a resource and follow it: polls as `poll_after_seconds` says, survives a lost API, rests in hidden tabs. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, ConnectionLost, request } from "./client";
import { pause, whenBack } from "./connection";
import type { Problem } from "./schema";

export interface Got<T> {
  /** The latest body, also while a newer one is on its way or the API is lost. */
  data: T | undefined;
  /** The API's error, if the latest request was refused. */
  problem: Problem | undefined;
  /** Ask again at once. */
  refresh: () => void;
}

interface GetOptions {
  /** Seconds between polls if the response does not say. 0: only once. */
  every?: number;
  /** Integers that JavaScript cannot hold become strings, with all digits. */
  isExact?: boolean;
}

/**
 * Follow the resource at `path`, such as `/environments/abc?limit=5`. Null: nothing yet.
 *
 * The type of the body is that of the OpenAPI document: `useGet<Environment>(...)`.
 */
export function useGet<T>(path: string | null, { every = 0, isExact = false }: GetOptions = {}): Got<T> {
  const [state, setState] = useState<{ path: string | null; data?: T; problem?: Problem }>({ path });
  const wake = useRef<() => void>(() => {});

  useEffect(() => {
    if (path === null) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    let tag: string | null = null;
    let asking = false;
    let again = false;
    const stop = new AbortController();

    const later = (seconds: number | null) => {
      clearTimeout(timer);
      if (seconds === null || stop.signal.aborted) return;
      // A hidden tab rests: `whenBack` asks when it is looked at again.
      timer = setTimeout(() => document.hidden || void ask(), seconds * 1000);
    };

    async function ask(): Promise<void> {
      if (asking) {
        again = true;
        return;
      }
      asking = true;
      clearTimeout(timer);
      let next: number | null;
      try {
        next = await load();
      } catch (error) {
        if (stop.signal.aborted) return;
        if (error instanceof ApiError) {
          const { problem, retryAfterSeconds } = error;
          failures = 0;
          tag = null;
          setState((before) => (before.path === path ? { ...before, problem } : { path, problem }));
          next = problem.status === 429 || problem.status >= 500 ? (retryAfterSeconds ?? 5) : null;
        } else if (error instanceof ConnectionLost) {
          next = pause(++failures) / 1000;
        } else {
          throw error;
        }
      } finally {
        asking = false;
      }
      if (again) {
        again = false;
        next = 0;
      }
      later(next);
    }

    async function load(): Promise<number | null> {
      const response = await request(path as string, { signal: stop.signal });
      failures = 0;
      const newTag = response.headers.get("ETag");
      const isSame = newTag !== null && newTag === tag;
      tag = newTag;
      if (!isSame) {
        const data = (isExact ? exactJson(await response.text()) : await response.json()) as T;
        if (!stop.signal.aborted) setState({ path, data });
      }
      return Number(response.headers.get("Retry-After")) || every || null;
    }

    wake.current = () => void ask();
    const ignore = whenBack(wake.current, () => {
      if (failures > 0 && !asking) void ask();
    });
    void ask();
    return () => {
      ignore();
      stop.abort();
      clearTimeout(timer);
      wake.current = () => {};
    };
  }, [path, every, isExact]);

  const refresh = useCallback(() => wake.current(), []);
  const isCurrent = state.path === path;
  return { data: isCurrent ? state.data : undefined, problem: isCurrent ? state.problem : undefined, refresh };
}

function exactJson(text: string): unknown {
  return JSON.parse(text, ((_: string, value: unknown, context?: { source?: string }) => {
    const isLossy = typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER;
    return isLossy && /^-?\d+$/.test(context?.source ?? "") ? context?.source : value;
  }) as (name: string, value: unknown) => unknown);
}
