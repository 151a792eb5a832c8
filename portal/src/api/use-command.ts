/** Send a command once: repeated with the same Idempotency-Key while the API is lost. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, persist } from "./client";
import type { Problem } from "./schema";

export interface Command<A extends unknown[], R> {
  /** Send it. Resolves with the response's body, or undefined if the API refused (see `problem`). */
  run: (...args: A) => Promise<R | undefined>;
  isBusy: boolean;
  problem: Problem | undefined;
  clear: () => void;
}

const ATTEMPTS = 30;

/**
 * `act` gets headers with an Idempotency-Key and then the arguments of `run`:
 * `useCommand((headers, id: string) => body(api.POST("/environments/{environment_id}/retry", { params: {...}, headers })))`.
 */
export function useCommand<A extends unknown[], R>(
  act: (headers: { "Idempotency-Key": string }, ...args: A) => Promise<R>,
): Command<A, R> {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const latest = useRef(act);
  latest.current = act;
  const isGone = useRef(false);
  useEffect(() => {
    isGone.current = false;
    return () => {
      isGone.current = true;
    };
  }, []);

  const run = useCallback(async (...args: A): Promise<R | undefined> => {
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    setBusy(true);
    setProblem(undefined);
    try {
      return await persist(
        () => latest.current(headers, ...args),
        (attempt) => attempt >= ATTEMPTS || isGone.current,
      );
    } catch (error) {
      setProblem(error instanceof ApiError ? error.problem : unexpected(error as Error));
      return undefined;
    } finally {
      setBusy(false);
    }
  }, []);
  const clear = useCallback(() => setProblem(undefined), []);
  return { run, isBusy, problem, clear };
}

function unexpected(error: Error): Problem {
  return {
    title: "The request was not sent",
    detail: error.message,
    status: 0,
    code: "not_sent",
    errors: [],
  } as unknown as Problem;
}
