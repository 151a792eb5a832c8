/** Usage of a period: all pages of `GET /usage`, added up. */

import { useCallback, useEffect, useState } from "preact/hooks";
import { ApiError, persist, request } from "../../api/client";
import type { Problem, Usage, UsageAmounts, UsageItem } from "../../api/schema";

export interface Used {
  items: UsageItem[];
  totals: UsageAmounts;
  usage: Usage;
}

const AMOUNTS = ["runs", "dpu_seconds", "glue_usd", "queries", "scanned_bytes", "athena_usd", "settled_usd"] as const;
const ESTIMATES = ["estimated_kms_usd", "estimated_s3_usd"] as const;

/** Load `path`, such as `/usage?by=owner`. Groups that several pages have are added up. Again at each `refresh`. */
export function useUsage(path: string): {
  data: Used | undefined;
  problem: Problem | undefined;
  refresh: () => void;
} {
  const [state, setState] = useState<{ path: string; data?: Used; problem?: Problem }>({ path });
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    loadAll(path, stop.signal).then(
      (data) => stop.signal.aborted || setState({ path, data }),
      (error: unknown) => {
        if (stop.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        setState((before) => ({ ...before, path, problem: error.problem }));
      },
    );
    return () => stop.abort();
  }, [path, asked]);
  const refresh = useCallback(() => setAsked((before) => before + 1), []);
  const isCurrent = state.path === path;
  return { data: isCurrent ? state.data : undefined, problem: isCurrent ? state.problem : undefined, refresh };
}

async function loadAll(path: string, signal: AbortSignal): Promise<Used> {
  const first = await loadPage(path, signal);
  const groups = new Map<string, UsageItem>();
  let totals = first.totals;
  const add = (items: UsageItem[]) => {
    for (const item of items) {
      const id = JSON.stringify([item.day, item.owner, item.environment_id]);
      const before = groups.get(id);
      groups.set(id, before ? { ...item, ...added(before, item) } : item);
    }
  };
  add(first.items);
  for (let next = first.next; next !== null;) {
    const page: Usage = await loadPage(`${path}&cursor=${encodeURIComponent(next)}`, signal);
    add(page.items);
    totals = added(totals, page.totals);
    next = page.next;
  }
  return { items: [...groups.values()], totals, usage: first };
}

const loadPage = (path: string, signal: AbortSignal): Promise<Usage> =>
  persist(
    async () => (await request(path, { signal })).json(),
    () => signal.aborted,
  );

/** Add amounts. Money has six decimals, which sums of binary fractions would lose. */
function added(one: UsageAmounts, other: UsageAmounts): UsageAmounts {
  const sum = { ...one };
  for (const name of AMOUNTS) sum[name] = rounded(one[name] + other[name]);
  for (const name of ESTIMATES) {
    const [first, second] = [one[name], other[name]];
    sum[name] = first === null && second === null ? null : rounded((first ?? 0) + (second ?? 0));
  }
  return sum;
}

const rounded = (amount: number): number => Math.round(amount * 1e6) / 1e6;

/** Return the days from `from` until before `to`, as YYYY-MM-DD. */
export function daysOf(from: string, to: string): string[] {
  const days: string[] = [];
  for (let day = from; day < to; day = dayAfter(day)) days.push(day);
  return days;
}

export const dayAfter = (day: string): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
