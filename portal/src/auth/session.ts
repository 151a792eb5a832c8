/**
 * The signed-in user and their tokens, which stay in the memory of the page.
 *
 * `sign-in.ts` signs users in and out. Requests get their token here. While the sign-in is expired, they wait
 * until the user signs in again, so pages keep what they show and what the user typed.
 */

import { store } from "../store";
import * as oauth from "oauth4webapi";
import type { SignIn } from "../config";

export interface SignedIn {
  state: "signed-in";
  /** The user's subject at the identity provider. */
  user: string;
  token: string;
  /** In milliseconds since the epoch, as `issuedAt`. */
  expiresAt: number;
  issuedAt: number;
  refreshToken: string | null;
}

export type Session =
  | { state: "starting" }
  /** The window in which the user signed in again for another one. */
  | { state: "handed-over" }
  | { state: "signed-out"; reason: string | null; isPossible: boolean }
  | { state: "expired"; user: string; reason: string | null }
  | SignedIn;

export const session = store<Session>({ state: "starting" });

/** Whether the identity provider does not answer. */
export const providerIsLost = store(false);

/** Tokens are renewed this long before they expire. */
const RENEW_MILLISECONDS = 60_000;
/** A token that the API refuses so soon after its issue is not expired. */
const NEW_MILLISECONDS = 15_000;
const TIMEOUT_MILLISECONDS = 20_000;
/** Clocks of users' computers are wrong by minutes. */
const CLOCK_SECONDS = 300;

let provider: SignIn;
let renewal: Promise<Renewal> | null = null;

type Renewal = "renewed" | "refused" | "unreachable";

export const getProvider = (): SignIn => provider;
export function useProvider(signIn: SignIn): void {
  provider = signIn;
}

export const server = (): oauth.AuthorizationServer => ({
  issuer: provider.issuer,
  authorization_endpoint: provider.authorization_endpoint,
  token_endpoint: provider.token_endpoint,
});
export const client = (): oauth.Client => ({ client_id: provider.client_id, [oauth.clockTolerance]: CLOCK_SECONDS });
/** The laptop's identity provider has no TLS. */
export const options = () => ({
  [oauth.allowInsecureRequests]: new URL(provider.token_endpoint).protocol === "http:",
  signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
});

/** The identity provider does not answer, so there is no token. */
export class ProviderLost extends Error {}

function providerLost(): ProviderLost {
  providerIsLost.value = true;
  return new ProviderLost("The sign-in service does not answer.");
}

/** Return a token for the API. Waits while the user must sign in. Rejects with `ProviderLost`, or if aborted. */
export async function token(abort: AbortSignal): Promise<string> {
  for (;;) {
    const now = session.value;
    if (now.state !== "signed-in") {
      await changed(abort);
      continue;
    }
    if (now.expiresAt - Date.now() > RENEW_MILLISECONDS) return now.token;
    const result = await renew();
    const then = session.value;
    if (then.state === "signed-in" && then.expiresAt > Date.now()) return then.token;
    if (result === "unreachable") throw providerLost();
    expire(null);
  }
}

/** The API refused a token. Get another one, or expire the sign-in. Rejects with `ProviderLost`. */
export async function replace(refused: string): Promise<void> {
  const now = session.value;
  if (now.state !== "signed-in" || now.token !== refused) return;
  if (Date.now() - now.issuedAt < NEW_MILLISECONDS) {
    expire("The service does not accept your sign-in.");
    return;
  }
  const result = await renew();
  if (result === "unreachable") throw providerLost();
  if (result === "refused") expire(null);
}

/** The user must sign in again. The page keeps what it shows. */
export function expire(reason: string | null): void {
  const now = session.value;
  if (now.state === "signed-in") session.value = { state: "expired", user: now.user, reason };
}

export function signedIn(next: SignedIn): void {
  providerIsLost.value = false;
  session.value = next;
}

/** Return the session of a token response. */
export function fromResponse(result: oauth.TokenEndpointResponse, before: SignedIn | null = null): SignedIn {
  const chosen = provider.token === "id_token" ? result.id_token : result.access_token;
  if (chosen === undefined) throw new Error(`The sign-in service returned no ${provider.token}.`);
  const claims = oauth.getValidatedIdTokenClaims(result);
  const seconds = provider.token === "id_token" && claims ? claims.exp - claims.iat : (result.expires_in ?? 3600);
  return {
    state: "signed-in",
    user: claims?.sub ?? before?.user ?? "",
    token: chosen,
    issuedAt: Date.now(),
    expiresAt: Date.now() + seconds * 1000,
    refreshToken: result.refresh_token ?? before?.refreshToken ?? null,
  };
}

/** Renew the token once for all callers that wait for it. */
function renew(): Promise<Renewal> {
  renewal ??= renewed().finally(() => (renewal = null));
  return renewal;
}

async function renewed(): Promise<Renewal> {
  const before = session.value;
  if (before.state !== "signed-in" || before.refreshToken === null) return "refused";
  try {
    const response = await oauth.refreshTokenGrantRequest(
      server(),
      client(),
      oauth.None(),
      before.refreshToken,
      options(),
    );
    if (response.status === 429 || response.status >= 500) return "unreachable";
    const after = fromResponse(await oauth.processRefreshTokenResponse(server(), client(), response), before);
    if (session.value !== before) return "refused"; // signed out meanwhile
    signedIn(after);
    return "renewed";
  } catch (error) {
    const isAnswer = error instanceof oauth.ResponseBodyError || error instanceof oauth.OperationProcessingError;
    return isAnswer ? "refused" : "unreachable";
  }
}

function changed(abort: AbortSignal): Promise<void> {
  const before = session.value;
  return new Promise((resolve, reject) => {
    const stop = session.subscribe((now) => {
      if (now === before) return;
      stop();
      resolve();
    });
    abort.addEventListener("abort", () => {
      stop();
      reject(abort.reason as Error);
    });
  });
}
