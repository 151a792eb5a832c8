/** The user and their environment, for all pages: one poll of `GET /me`. */

import { createContext, type ComponentChildren } from "preact";
import { useContext } from "preact/hooks";
import type { Environment, Me } from "./api/schema";
import { useGet, type Got } from "./api/use-get";

const Context = createContext<Got<Me>>({ data: undefined, problem: undefined, refresh: () => {} });

export function SignedIn({ children }: { children: ComponentChildren }) {
  const me = useGet<Me>("/me", { every: 30 });
  return <Context.Provider value={me}>{children}</Context.Provider>;
}

export const useMe = (): Got<Me> => useContext(Context);

/** The user's live environment. Null: there is none. Undefined: not known yet. */
export function useMyEnvironment(): Environment | null | undefined {
  return useMe().data?.environment;
}
