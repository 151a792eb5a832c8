/** Whether the API answers. One banner shows it, and each poll and command waits for it. */

import { store } from "../store";

export const isLost = store(false);

const FIRST_MILLISECONDS = 1_000;
const LAST_MILLISECONDS = 10_000;

export function lost(): void {
  isLost.value = true;
}

export function answered(): void {
  isLost.value = false;
}

/** Return the pause before attempt `attempt` (from 1), in milliseconds: exponential with jitter. */
export function pause(attempt: number): number {
  const limit = Math.min(LAST_MILLISECONDS, FIRST_MILLISECONDS * 2 ** (attempt - 1));
  return limit * (0.5 + Math.random() / 2);
}

/** Wait. Resolves at once if `signal` aborts. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
  });
}

/**
 * Call `look` when the tab is seen or online again, and `retry` when a lost API answers: the first of all polls that
 * is answered wakes the others. Returns a function that ends it.
 */
export function whenBack(look: () => void, retry: () => void): () => void {
  const seen = () => {
    if (!document.hidden) look();
  };
  document.addEventListener("visibilitychange", seen);
  addEventListener("online", seen);
  const unsubscribe = isLost.subscribe((is) => is || retry());
  return () => {
    unsubscribe();
    document.removeEventListener("visibilitychange", seen);
    removeEventListener("online", seen);
  };
}
