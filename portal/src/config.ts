/** Where the API and the identity provider are: `config.json` beside the page. */

import type { PortalConfig, PortalSignIn } from "./api/schema";

export type SignIn = PortalSignIn;
export type { PortalConfig };

/** URL of this page without query and fragment, with a slash at its end. */
export const pageUrl = new URL(".", document.baseURI).href;

export async function loadConfig(): Promise<PortalConfig> {
  const response = await fetch(new URL("config.json", pageUrl), { cache: "no-cache" });
  if (!response.ok) throw new Error(`config.json has status ${response.status}.`);
  return (await response.json()) as PortalConfig;
}
