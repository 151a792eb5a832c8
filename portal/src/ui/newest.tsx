/** Lists, newest first: the first page is polled, older pages are loaded on request. */

import { useEffect, useState } from "preact/hooks";
import { request } from "../api/client";
import type { Problem } from "../api/schema";
import { useCommand } from "../api/use-command";
import { useGet } from "../api/use-get";

export interface Newest<T> {
  items: T[];
  isLoaded: boolean;
  problem: Problem | undefined;
  hasOlder: boolean;
  isLoadingOlder: boolean;
  loadOlder: () => void;
  /** Ask for the first page again. */
  refresh: () => void;
}

interface Page<T> {
  items: T[];
  next: string | null;
}

/**
 * Follow the list at `path`, which has a query.
 *
 * `everyOf` says how many seconds later it is asked again, if the response does not say.
 */
export function useNewest<T>(
  path: string,
  idOf: (item: T) => string,
  timeOf: (item: T) => string,
  everyOf: (items: T[]) => number,
): Newest<T> {
  // By ID: a new item moves others to the second page, and they must not disappear.
  const [seen, setSeen] = useState<ReadonlyMap<string, T>>(new Map());
  // Undefined: the first page is not there yet. Null: there are no older items.
  const [next, setNext] = useState<string | null>();
  const items = [...seen.values()].sort((one, other) => timeOf(other).localeCompare(timeOf(one)));
  const first = useGet<Page<T>>(path, { every: everyOf(items) });
  const add = (page: Page<T>) =>
    setSeen((before) => new Map([...before, ...page.items.map((each) => [idOf(each), each] as const)]));

  useEffect(() => {
    setSeen(new Map());
    setNext(undefined);
  }, [path]);
  useEffect(() => {
    const page = first.data;
    if (!page) return;
    add(page);
    // Cursors are positions in the list: older items continue after the first page that was read.
    setNext((before) => (before === undefined ? page.next : before));
  }, [first.data]);

  const older = useCommand(async () => {
    // A page can be empty, such as one of the runs of another job.
    for (let cursor = next; cursor;) {
      const response = await request(`${path}&cursor=${encodeURIComponent(cursor)}`);
      const page = (await response.json()) as Page<T>;
      add(page);
      setNext(page.next);
      cursor = page.items.length > 0 ? null : page.next;
    }
  });
  return {
    items,
    isLoaded: next !== undefined,
    problem: first.problem ?? older.problem,
    hasOlder: Boolean(next),
    isLoadingOlder: older.isBusy,
    loadOlder: () => void older.run(),
    refresh: first.refresh,
  };
}

export function OlderButton<T>({ list, children }: { list: Newest<T>; children: string }) {
  if (!list.hasOlder) return null;
  return (
    <div class="actions">
      <button type="button" disabled={list.isLoadingOlder} onClick={list.loadOlder}>
        {list.isLoadingOlder ? "Loading …" : children}
      </button>
    </div>
  );
}
