/** SQL drafts of an environment. They survive a reload of the tab, and never hold a token. */

import { useCallback, useEffect, useState } from "preact/hooks";

export interface Draft {
  id: string;
  name: string;
  sql: string;
  /** Short name of the database. Empty: the API's default. */
  database: string;
  /** Values of question marks in the SQL, as SQL literals. */
  parameters: string[];
  /** The query that this draft ran last. */
  queryId: string | null;
}

export interface Drafts {
  list: Draft[];
  active: string;
}

type NewDraft = Pick<Draft, "sql" | "database"> & Partial<Draft>;

const key = (environmentId: string) => `terraglue.sql.${environmentId}`;

function create(draft: NewDraft, number: number): Draft {
  return { name: `Query ${number}`, parameters: [], queryId: null, ...draft, id: crypto.randomUUID() };
}

function load(environmentId: string): Drafts {
  try {
    const stored = JSON.parse(sessionStorage.getItem(key(environmentId)) ?? "") as Drafts;
    if (stored.list.length > 0) return stored;
  } catch {
    // Nothing stored yet, or not by this version.
  }
  const first = create({ sql: "", database: "" }, 1);
  return { list: [first], active: first.id };
}

function save(environmentId: string, drafts: Drafts): void {
  try {
    sessionStorage.setItem(key(environmentId), JSON.stringify(drafts));
  } catch {
    // The storage is full or not allowed: the drafts live as long as the page.
  }
}

function added(drafts: Drafts, draft: NewDraft): Drafts {
  const fresh = create(draft, drafts.list.length + 1);
  const list = drafts.list.filter((each) => each.sql.trim() !== "");
  return { list: [...list, fresh], active: fresh.id };
}

/** Add a draft from another page. */
export function addDraft(environmentId: string, draft: NewDraft): void {
  save(environmentId, added(load(environmentId), draft));
}

export function useDrafts(environmentId: string) {
  const [drafts, setDrafts] = useState(() => load(environmentId));
  useEffect(() => save(environmentId, drafts), [environmentId, drafts]);
  const active = drafts.list.find((each) => each.id === drafts.active) ?? (drafts.list[0] as Draft);

  /** Change a draft, by default the active one. */
  const change = useCallback(
    (changes: Partial<Draft>, id?: string) =>
      setDrafts((before) => ({
        ...before,
        list: before.list.map((each) => (each.id === (id ?? before.active) ? { ...each, ...changes } : each)),
      })),
    [],
  );
  const choose = useCallback((id: string) => setDrafts((before) => ({ ...before, active: id })), []);
  const add = useCallback((draft: NewDraft) => setDrafts((before) => added(before, draft)), []);
  const remove = useCallback(
    (id: string) =>
      setDrafts((before) => {
        const index = before.list.findIndex((each) => each.id === id);
        const list = before.list.filter((each) => each.id !== id);
        if (list.length === 0) list.push(create({ sql: "", database: "" }, 1));
        const next = list[Math.min(index, list.length - 1)] as Draft;
        return { list, active: before.active === id ? next.id : before.active };
      }),
    [],
  );
  return { drafts: drafts.list, active, change, choose, add, remove };
}
