/** Changes of job files that are not saved, in session storage: they survive other pages, a reload and a sign-in. */

import { store } from "../../store";
import type { Base, Content } from "./files";

export interface Draft extends Pick<Content, "text" | "ending"> {
  /** What the user began to change. */
  base: Base;
}

const PREFIX = "terraglue.draft.code/";
const keyOf = (environmentId: string, path: string) => `${PREFIX}${environmentId}/${path}`;

/** Drafts by environment and path. */
export const drafts = store<ReadonlyMap<string, Draft>>(stored());
/** Whether the browser has no place for the drafts, so that a reload would lose them. */
export const isFull = store(false);

function stored(): Map<string, Draft> {
  const found = new Map<string, Draft>();
  for (const key of Object.keys(sessionStorage).filter((each) => each.startsWith(PREFIX))) {
    found.set(key, JSON.parse(sessionStorage.getItem(key) ?? "null") as Draft);
  }
  return found;
}

export const draftOf = (environmentId: string, path: string): Draft | undefined =>
  drafts.value.get(keyOf(environmentId, path));

/** Return the paths of an environment's files that have drafts. */
export function draftPaths(environmentId: string): string[] {
  const start = keyOf(environmentId, "");
  return [...drafts.value.keys()].filter((key) => key.startsWith(start)).map((key) => key.slice(start.length));
}

export function keepDraft(environmentId: string, path: string, draft: Draft): void {
  const key = keyOf(environmentId, path);
  drafts.value = new Map(drafts.value).set(key, draft);
  try {
    sessionStorage.setItem(key, JSON.stringify(draft));
    isFull.value = false;
  } catch {
    isFull.value = true;
  }
}

export function dropDraft(environmentId: string, path: string): void {
  const key = keyOf(environmentId, path);
  const others = new Map(drafts.value);
  others.delete(key);
  drafts.value = others;
  sessionStorage.removeItem(key);
}

/** A draft was saved: drop it, or keep what was typed meanwhile as a change of what was saved. */
export function savedDraft(environmentId: string, path: string, saved: string, sha256: string): void {
  const now = draftOf(environmentId, path);
  if (now === undefined || now.text === saved) dropDraft(environmentId, path);
  else keepDraft(environmentId, path, { ...now, base: sha256 });
}
