/**
 * Signing in and out: OpenID Connect authorization code flow with PKCE (RFC 7636), by oauth4webapi.
 *
 * The first sign-in leaves the page and returns to it; session storage has what that needs: the verifier, the
 * state and the page to return to. After a reload, the identity provider's own session signs in again. When the
 * sign-in expires, another window signs in and hands its code over, so the page stays as it is.
 */

import * as oauth from "oauth4webapi";
import { loadConfig, pageUrl, type SignIn } from "../config";
import { client, fromResponse, getProvider, options, server, session, signedIn, useProvider } from "./session";

const PENDING = "terraglue.sign-in";
const RETURNING = "terraglue.signed-in";
const USER = "terraglue.user";
const CHANNEL = "terraglue.session";
const HAND_OVER_MILLISECONDS = 1_000;
const NEW_TAB_MILLISECONDS = 150;
const PROBE_MILLISECONDS = 10_000;
const PROVIDER_IS_LOST = "The sign-in service does not answer. Try again in a moment.";
const NO_WINDOW = "The browser did not open a window to sign in.";
const CANCELLED = "Signing in was cancelled.";

interface Pending {
  verifier: string;
  state: string;
}

type Message =
  | { kind: "signed-out" }
  /** A new tab asks whether to sign in without a click, and a tab that is signed in answers. Neither has tokens. */
  | { kind: "new" }
  | { kind: "signed-in" }
  /** The answer of the identity provider, from the window that received it. */
  | { kind: "answer"; query: string }
  | { kind: "taken"; state: string };

const channel = new BroadcastChannel(CHANNEL);
/** The sign-in in another window, for this one. */
let awaited: (Pending & { url: string }) | null = null;

/** Continue a sign-in that returns from the provider, that of this tab before a reload, or that of another tab. */
export async function start(signIn: SignIn | null): Promise<void> {
  if (signIn === null) {
    impossible("Signing in is not configured: the operator of this service must set SIGN_IN_CLIENT_ID.");
    return;
  }
  useProvider(signIn);
  channel.addEventListener("message", (event: MessageEvent<Message>) => void receive(event.data));
  // The browser may restore this page as it was when it left for the provider.
  addEventListener("pageshow", (event) => {
    if (event.persisted && session.value.state === "starting") signedOut(null);
  });
  if (!isSecureContext) {
    impossible(
      `Signing in needs an encrypted connection. Open this page with https:// instead of ${location.origin}, or on its own computer at http://localhost.`,
    );
    return;
  }
  const url = new URL(location.href);
  if (url.searchParams.has("state")) await finish(url);
  else if (sessionStorage.getItem(RETURNING) || (await isSignedInElsewhere())) await leave(true);
  else signedOut(null);
}

/** Go to the identity provider's sign-in page. */
export const signIn = (): Promise<void> => leave(false);

/** Sign in in another window, so that this page stays as it is. */
export async function signInAgain(): Promise<void> {
  await loadConfig()
    .then((config) => config.sign_in && useProvider(config.sign_in))
    .catch(() => {}); // the known provider still serves
  if (!(await answers())) {
    stillExpired(PROVIDER_IS_LOST);
    return;
  }
  awaited = await newRequest();
  const opened = window.open(awaited.url, "terraglue-sign-in", "popup,width=480,height=720");
  stillExpired(opened ? null : NO_WINDOW);
}

/** Forget the tokens, here and in other tabs, and end the provider's session. */
export async function signOut(): Promise<void> {
  forgetUser();
  channel.postMessage({ kind: "signed-out" } satisfies Message);
  const endpoint = getProvider().end_session_endpoint;
  if (endpoint === null) {
    signedOut(null);
    return;
  }
  session.value = { state: "starting" };
  if (!(await answers())) {
    signedOut(
      "You are signed out here. The sign-in service does not answer, so it may not ask who you are next time.",
    );
    return;
  }
  const url = new URL(endpoint);
  // Cognito's name of the parameter, and that of OpenID Connect RP-Initiated Logout.
  const [client_id, names] = [getProvider().client_id, { logout_uri: pageUrl, post_logout_redirect_uri: pageUrl }];
  url.search = new URLSearchParams({ client_id, ...names }).toString();
  location.assign(url);
}

async function leave(isAutomatic: boolean): Promise<void> {
  session.value = { state: "starting" };
  if (!(await answers())) {
    signedOut(PROVIDER_IS_LOST);
    return;
  }
  const { url, ...pending } = await newRequest();
  sessionStorage.setItem(PENDING, JSON.stringify({ ...pending, hash: location.hash }));
  // Not to be returned to with the back button, which would only leave again.
  if (isAutomatic) location.replace(url);
  else location.assign(url);
}

/** Return whether the provider can be reached: a browser's own error page would say less. */
async function answers(): Promise<boolean> {
  const probe = { method: "HEAD", mode: "no-cors", signal: AbortSignal.timeout(PROBE_MILLISECONDS) } as const;
  return fetch(getProvider().token_endpoint, probe).then(
    () => true,
    () => false,
  );
}

async function newRequest(): Promise<Pending & { url: string }> {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(getProvider().authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: getProvider().client_id,
    redirect_uri: pageUrl,
    response_type: "code",
    scope: getProvider().scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  }).toString();
  return { verifier, state, url: url.href };
}

/** The provider returned the user to this page. */
async function finish(url: URL): Promise<void> {
  const stored = sessionStorage.getItem(PENDING);
  sessionStorage.removeItem(PENDING);
  const pending = stored ? (JSON.parse(stored) as Pending & { hash: string }) : null;
  history.replaceState(null, "", pageUrl + (pending?.hash ?? ""));
  if (pending === null || pending.state !== url.searchParams.get("state")) {
    if (await isTaken(url)) {
      session.value = { state: "handed-over" };
      window.close();
    } else if (sessionStorage.getItem(RETURNING)) {
      sessionStorage.removeItem(RETURNING);
      await leave(true);
    } else {
      signedOut("This sign-in did not begin in this tab, or it is too old. Sign in again.");
    }
    return;
  }
  try {
    await exchange(url, pending);
  } catch (error) {
    sessionStorage.removeItem(RETURNING);
    signedOut(explained(error as Error));
  }
}

/** Return whether another window waits for this answer of the provider. */
function isTaken(url: URL): Promise<boolean> {
  const state = url.searchParams.get("state");
  return replied(
    { kind: "answer", query: url.search },
    HAND_OVER_MILLISECONDS,
    (reply) => reply.kind === "taken" && reply.state === state,
  );
}

function isSignedInElsewhere(): Promise<boolean> {
  return replied({ kind: "new" }, NEW_TAB_MILLISECONDS, (reply) => reply.kind === "signed-in");
}

/** Send a message to the other tabs, and return whether one replies. */
function replied(message: Message, milliseconds: number, isReply: (reply: Message) => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    channel.addEventListener("message", (event: MessageEvent<Message>) => {
      if (isReply(event.data)) resolve(true);
    });
    channel.postMessage(message);
    setTimeout(() => resolve(false), milliseconds);
  });
}

async function receive(message: Message): Promise<void> {
  if (message.kind === "signed-out") {
    const { state } = session.value;
    if (state !== "signed-in" && state !== "expired") return;
    forgetUser();
    signedOut("You signed out in another tab.");
  } else if (message.kind === "new" && session.value.state === "signed-in") {
    channel.postMessage({ kind: "signed-in" } satisfies Message);
  } else if (message.kind === "answer" && awaited !== null && session.value.state === "expired") {
    const url = new URL(pageUrl + message.query);
    const { state, verifier } = awaited;
    if (url.searchParams.get("state") !== state) return;
    awaited = null;
    channel.postMessage({ kind: "taken", state } satisfies Message);
    try {
      await exchange(url, { state, verifier });
    } catch (error) {
      stillExpired(explained(error as Error));
    }
  }
}

/** Exchange the code for tokens. */
async function exchange(url: URL, pending: Pending): Promise<void> {
  const parameters = oauth.validateAuthResponse(server(), client(), url, pending.state);
  const response = await oauth.authorizationCodeGrantRequest(
    server(),
    client(),
    oauth.None(),
    parameters,
    pageUrl,
    pending.verifier,
    options(),
  );
  const next = fromResponse(await oauth.processAuthorizationCodeResponse(server(), client(), response));
  const former = sessionStorage.getItem(USER);
  if (former !== null && former !== next.user) forgetUser();
  sessionStorage.setItem(RETURNING, "yes");
  sessionStorage.setItem(USER, next.user);
  const before = session.value;
  // Of another user, nothing may stay in memory or on the screen.
  if (before.state === "expired" && before.user !== next.user) location.reload();
  else signedIn(next);
}

function stillExpired(reason: string | null): void {
  const now = session.value;
  if (now.state === "expired") session.value = { ...now, reason };
}

function impossible(reason: string): void {
  session.value = { state: "signed-out", reason, isPossible: false };
}

function signedOut(reason: string | null): void {
  session.value = { state: "signed-out", reason, isPossible: true };
}

/** Drafts are in session storage too. */
function forgetUser(): void {
  sessionStorage.clear();
}

function explained(error: Error): string {
  if (error instanceof oauth.AuthorizationResponseError && error.error === "access_denied") return CANCELLED;
  if (error instanceof TypeError || error.name === "TimeoutError") return PROVIDER_IS_LOST;
  const named = error as Error & { error?: string; error_description?: string };
  return `Signing in failed: ${named.error_description ?? named.error ?? error.message}. Try again.`;
}
