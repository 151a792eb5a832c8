/** Follow whole lists: all pages, shown as they come, then polled with the ETag of each page. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, ConnectionLost, request } from "./client";
import { pause, whenBack } from "./connection";
import type { Problem } from "./schema";

export interface Pages<T> {
  items: T[];
  /** Whether all pages are here. Before that, `items` has those of the first pages. */
  isComplete: boolean;
  /** When the lists were last complete, in milliseconds since the epoch. */
  loadedAt: number | null;
  problem: Problem | undefined;
  refresh: () => void;
}

interface Page<T> {
  tag: string | null;
  items: T[];
  next: string | null;
}

/** What is known of the lists, also while nobody looks at them. */
interface Memory<T> {
  key: string;
  isComplete: boolean;
  pages: Map<string, Page<T>>;
  known: Map<string, { item: T; text: string }>;
}

interface State<T> {
  key: string;
  items: T[];
  loadedAt: number | null;
  problem: Problem | undefined;
}

/**
 * Load all pages of the lists at `paths`, each with a query, and join them. An item that two lists contain, because
 * it moved from one to the other meanwhile, counts once. While the tab is hidden, or the lists are not active,
 * nothing is polled.
 *
 * Items that did not change keep their identity, so that their rows need not be drawn again.
 */
export function usePages<T>(
  paths: string[],
  idOf: (item: T) => string,
  { every = 0, isActive = true }: { every?: number; isActive?: boolean } = {},
): Pages<T> {
  const key = paths.join("\n");
  const empty: State<T> = { key, items: [], loadedAt: null, problem: undefined };
  const [state, setState] = useState<State<T>>(empty);
  const wake = useRef<() => void>(() => {});
  const memory = useRef<Memory<T>>();
  if (memory.current?.key !== key) memory.current = { key, isComplete: false, pages: new Map(), known: new Map() };
  const identify = useRef(idOf);
  identify.current = idOf;

  useEffect(() => {
    if (!isActive || !memory.current) return;
    const remembered: Memory<T> = memory.current;
    const { pages, known } = remembered;
    const stop = new AbortController();
    const lists = key === "" ? [] : key.split("\n").map((path) => ({ path, items: [] as T[] }));
    let timer: ReturnType<typeof setTimeout> | undefined;
    let used = new Set<string>();
    let isAsking = false;
    let isAgain = false;
    let failures = 0;
    let loadedAt: number | null = null;

    async function ask(): Promise<void> {
      clearTimeout(timer);
      if (stop.signal.aborted) return;
      if (isAsking) {
        isAgain = true;
        return;
      }
      isAsking = true;
      isAgain = false;
      let wait = every;
      try {
        used = new Set();
        await Promise.all(lists.map((list) => load(list)));
        if (stop.signal.aborted) return;
        failures = 0;
        loadedAt = Date.now();
        remembered.isComplete = true;
        show();
        forgetOthers();
      } catch (error) {
        if (stop.signal.aborted) return;
        if (error instanceof ApiError) {
          wait = error.retryAfterSeconds ?? every;
          setState((before) => ({ ...before, key, problem: error.problem }));
        } else if (error instanceof ConnectionLost) {
          wait = pause(++failures) / 1000;
        } else {
          throw error;
        }
      } finally {
        isAsking = false;
      }
      if (isAgain) void ask();
      else if (wait > 0) timer = setTimeout(() => document.hidden || void ask(), wait * 1000);
    }

    async function load(list: { path: string; items: T[] }): Promise<void> {
      const items: T[] = [];
      let cursor: string | null = null;
      do {
        const page: Page<T> = await loadPage(
          cursor === null ? list.path : `${list.path}&cursor=${encodeURIComponent(cursor)}`,
        );
        items.push(...page.items);
        cursor = page.next;
        if (!remembered.isComplete) {
          list.items = items;
          show();
        }
      } while (cursor !== null);
      list.items = items;
    }

    async function loadPage(path: string): Promise<Page<T>> {
      used.add(path);
      const response = await request(path, { signal: stop.signal });
      const tag = response.headers.get("ETag");
      const before = pages.get(path);
      if (before && tag !== null && before.tag === tag) return before;
      const { items, next } = (await response.json()) as { items: T[]; next: string | null };
      const page = { tag, items: items.map(same), next };
      pages.set(path, page);
      return page;
    }

    function same(item: T): T {
      const id = identify.current(item);
      const text = JSON.stringify(item);
      const before = known.get(id);
      if (before?.text === text) return before.item;
      known.set(id, { item, text });
      return item;
    }

    const joined = () => new Map(lists.flatMap((list) => list.items).map((each) => [identify.current(each), each]));

    function show(): void {
      if (stop.signal.aborted) return;
      const items = [...joined().values()];
      setState((before) => {
        const isSame = before.key === key && before.items.length === items.length;
        const kept = isSame && items.every((each, at) => each === before.items[at]) ? before.items : items;
        return { key, items: kept, loadedAt, problem: undefined };
      });
    }

    /** Pages and items that exist no longer need no memory. */
    function forgetOthers(): void {
      const ids = joined();
      for (const path of pages.keys()) if (!used.has(path)) pages.delete(path);
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
    }

    wake.current = () => void ask();
    const ignore = whenBack(
      () => every > 0 && void ask(),
      () => failures > 0 && !isAsking && void ask(),
    );
    void ask();
    return () => {
      ignore();
      stop.abort();
      clearTimeout(timer);
      wake.current = () => {};
    };
  }, [key, every, isActive]);

  const refresh = useCallback(() => wake.current(), []);
  const { items, loadedAt, problem } = state.key === key ? state : empty;
  return { items, isComplete: loadedAt !== null, loadedAt, problem, refresh };
}
