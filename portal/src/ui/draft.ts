/** What a user types, kept in this tab until it is sent: it survives another page, a reload and a new sign-in. */

import { useCallback, useState } from "preact/hooks";

const PREFIX = "terraglue.draft.";

/** Like useState, but the value is in session storage under `key`. Undefined: nothing typed. Not for secrets. */
export function useDraft<T>(key: string): [draft: T | undefined, set: (draft: T | undefined) => void] {
  const [kept, setKept] = useState(() => ({ key, draft: read<T>(key) }));
  const current = kept.key === key ? kept.draft : read<T>(key);
  const set = useCallback(
    (draft: T | undefined) => {
      if (draft === undefined) sessionStorage.removeItem(PREFIX + key);
      else sessionStorage.setItem(PREFIX + key, JSON.stringify(draft));
      setKept({ key, draft });
    },
    [key],
  );
  return [current, set];
}

/** Return whether there is a draft under `key`. */
export const hasKept = (key: string): boolean => read(key) !== undefined;

function read<T>(key: string): T | undefined {
  const text = sessionStorage.getItem(PREFIX + key);
  try {
    return text === null ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}
