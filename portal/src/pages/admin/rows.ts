/** Environments as the lists of admins have them, and what the lists show. */

import { store } from "../../store";
import type { Environment, Failure, Freeze, Status } from "../../api/schema";

export type Row = Pick<Environment, "id" | "owner" | "status" | "reason" | "created_at" | "expires_at" | "queue"> & {
  failure: Pick<Failure, "cause" | "message"> | null;
  frozen: Pick<Freeze, "by_type" | "reason"> | null;
  budget: { spent_usd: number };
};

export const LIVE: Status[] = [
  "QUEUED",
  "CREATING",
  "SEEDING",
  "READY",
  "UPDATING",
  "RESETTING",
  "DELETING",
  "FAILED",
];

/** Names of causes, as a sentence can contain them. */
export const CAUSES: Record<Failure["cause"], string> = {
  permission: "Permission missing",
  quota: "AWS quota reached",
  name_conflict: "Name already in use",
  throttling: "Throttled by AWS",
  invalid_request: "Settings that AWS rejected",
  internal: "Internal error",
};

const FIELDS =
  "id,owner,status,reason,created_at,expires_at,queue,failure.cause,failure.message,frozen.by_type,frozen.reason,budget.spent_usd";

/**
 * The list of each status: together, the live environments without all those that were ever deleted. The index has
 * one partition per status.
 */
export const listsOf = (statuses: Status[]): string[] =>
  statuses.map((status) => `/environments?limit=100&status=${status}&fields=${FIELDS}`);

export type Column = "owner" | "status" | "expires" | "created" | "spent";

export interface View {
  statuses: ReadonlySet<Status>;
  search: string;
  owner: string;
  frozen: "" | "yes" | "no";
  cause: Failure["cause"] | "";
  sort: Column;
  isDescending: boolean;
  /** The row whose environment was opened, and where the page was scrolled to. */
  opened: { id: string; scrollY: number; shown: number } | null;
}

export const EVERYTHING: Pick<View, "statuses" | "search" | "owner" | "frozen" | "cause"> = {
  statuses: new Set(),
  search: "",
  owner: "",
  frozen: "",
  cause: "",
};

/** What an admin chose to see. It outlives a visit to one environment. */
export const view = store<View>({ ...EVERYTHING, sort: "created", isDescending: true, opened: null });

export function change(changes: Partial<View>): void {
  view.value = { ...view.value, ...changes };
}

/** Return the rows that a view shows, in its order. */
export function shown(rows: Row[], { statuses, search, owner, frozen, cause, sort, isDescending }: View): Row[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = rows.filter(
    (row) =>
      (statuses.size === 0 ? row.status !== "DELETED" : statuses.has(row.status)) &&
      (owner === "" || row.owner === owner) &&
      (frozen === "" || (row.frozen !== null) === (frozen === "yes")) &&
      (cause === "" || row.failure?.cause === cause) &&
      words.every((word) => textOf(row).includes(word)),
  );
  const compare = ORDERS[sort];
  const sign = isDescending ? -1 : 1;
  return found.sort((one, other) => sign * compare(one, other) || (one.id < other.id ? -1 : 1));
}

const textOf = (row: Row): string =>
  [row.id, row.owner, row.status, row.reason, row.failure?.message, row.frozen?.reason, row.frozen && "frozen"]
    .join(" ")
    .toLowerCase();

const collator = new Intl.Collator();
const text = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
const order = (status: Status): number => [...LIVE, "DELETED"].indexOf(status);

const ORDERS: Record<Column, (one: Row, other: Row) => number> = {
  owner: (one, other) => collator.compare(one.owner, other.owner),
  status: (one, other) => order(one.status) - order(other.status),
  expires: (one, other) => text(one.expires_at, other.expires_at),
  created: (one, other) => text(one.created_at, other.created_at),
  spent: (one, other) => one.budget.spent_usd - other.budget.spent_usd,
};

/** Return how many rows have each value of `key`, most first. Null is left out. */
export function counts<K extends string>(rows: Row[], key: (row: Row) => K | null | undefined): [K, number][] {
  const found = new Map<K, number>();
  for (const row of rows) {
    const value = key(row);
    if (value !== null && value !== undefined) found.set(value, (found.get(value) ?? 0) + 1);
  }
  return [...found].sort(([, one], [, other]) => other - one);
}
