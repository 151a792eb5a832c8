/** The API, typed by its OpenAPI document (`npm run types`). */

import type { Client } from "openapi-fetch";
import { pageUrl } from "../config";
import * as auth from "../auth/session";
import { answered, lost, pause, sleep } from "./connection";
import type { paths, Problem } from "./schema";

/** The API did not answer, or a gateway answered in its place. */
export class ConnectionLost extends Error {}

/** An error response of the API. */
export class ApiError extends Error {
  constructor(
    readonly problem: Problem,
    readonly retryAfterSeconds: number | null,
  ) {
    super(problem.detail || problem.title);
  }
}

interface Stored {
  tag: string;
  text: string;
  headers: Headers;
}

const STORED_RESPONSES = 200;
/** Of one user: each other user begins with a new page (`auth/sign-in.ts`). */
const stored = new Map<string, Stored>();
const BODYLESS = new Set([204, 205, 304]);
const GATEWAY_STATUSES = new Set([502, 503, 504]);

let base = pageUrl.replace(/\/$/, "");

/** Use the API at another URL than this page's. */
export function useApiAt(url: string): void {
  base = url.replace(/\/$/, "");
}

/** Segments that browsers resolve: the request would go elsewhere. Anybody can write them into an address. */
const DOTS = /[/\\](\.|%2e){1,2}(?=[/\\#]|$)/i;

/**
 * Send a request to a path of the API, such as `/environments?limit=5`, and return a response of success.
 *
 * Rejects with `ApiError`, or with `ConnectionLost`.
 */
export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  if (DOTS.test(path.replace(/\?.*/s, ""))) {
    throw new ApiError(problem(404, "not_found", "Not found", `Nothing has the address ${path}.`), null);
  }
  const response = await send(new Request(base + path, options));
  if (response.headers.get("Content-Type")?.startsWith("text/html")) {
    const detail = "Something between the browser and the service answered. The page keeps trying.";
    throw new ApiError(problem(502, "unexpected", "The answer is not the service's", detail), 5);
  }
  if (response.ok) return response;
  const wait = Number(response.headers.get("Retry-After"));
  throw new ApiError(problemOf(parsed(await response.text()), response.status), wait > 0 ? wait : null);
}

/** Repeat `act` while the API is lost, or asks to repeat it later. Gives up when `isOver`. */
export async function persist<T>(act: () => Promise<T>, isOver: (attempt: number) => boolean): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      const isLater = error instanceof ApiError && error.retryAfterSeconds !== null && error.problem.status >= 429;
      if (isOver(attempt) || !(isLater || error instanceof ConnectionLost)) throw error;
      await sleep(isLater ? (error.retryAfterSeconds ?? 1) * 1000 : pause(attempt));
    }
  }
}

/**
 * Send a request with the user's token. While their sign-in is expired, it waits until they sign in again.
 *
 * GET requests send the ETag of the last response, and 304 returns that.
 */
async function send(request: Request): Promise<Response> {
  try {
    for (;;) {
      const token = await auth.token(request.signal);
      const response = await attempt(request.clone(), token);
      if (response.status !== 401) return response;
      await auth.replace(token);
    }
  } catch (error) {
    if (error instanceof auth.ProviderLost) throw new ConnectionLost(error.message);
    throw error;
  }
}

async function attempt(request: Request, token: string): Promise<Response> {
  const headers = new Headers(request.headers);
  headers.set("Authorization", `Bearer ${token}`);
  const known = request.method === "GET" && headers.get("Accept") === null ? stored.get(request.url) : undefined;
  if (known) headers.set("If-None-Match", known.tag);
  let response: Response;
  try {
    const streamed = await fetch(new Request(request, { headers, cache: "no-store" }));
    // The API can also be lost while the body is on its way.
    const bytes = await streamed.arrayBuffer();
    const { status, statusText } = streamed;
    response = new Response(BODYLESS.has(status) ? null : bytes, { status, statusText, headers: streamed.headers });
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    lost();
    throw new ConnectionLost("The API does not answer.");
  }
  const isProblem = response.headers.get("Content-Type")?.startsWith("application/problem+json") ?? false;
  if (GATEWAY_STATUSES.has(response.status) && !isProblem) {
    lost();
    throw new ConnectionLost(`The API does not answer (${response.status}).`);
  }
  answered();
  if (response.status === 304 && known) {
    const merged = new Headers(known.headers);
    response.headers.forEach((value, name) => merged.set(name, value));
    return new Response(known.text, { status: 200, headers: merged });
  }
  return keep(request, response);
}

async function keep(request: Request, response: Response): Promise<Response> {
  const tag = response.headers.get("ETag");
  if (request.method !== "GET" || response.status !== 200 || tag === null) return response;
  const text = await response.clone().text();
  stored.delete(request.url);
  stored.set(request.url, { tag, text, headers: response.headers });
  for (const oldest of stored.keys()) {
    if (stored.size <= STORED_RESPONSES) break;
    stored.delete(oldest);
  }
  return response;
}

interface Init {
  params?: { path?: Record<string, string>; query?: Record<string, unknown> };
  headers?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal;
}

/** The typed client: openapi-fetch's types. Its code would do the same in 3 kB, of the 150 that the portal has. */
export const api = Object.fromEntries(
  ["GET", "POST", "PUT", "PATCH", "DELETE"].map((method) => [
    method,
    async (path: string, { params = {}, headers, body: json, signal }: Init = {}) => {
      const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params.path?.[name] ?? ""));
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(params.query ?? {})) {
        if (value !== undefined && value !== null) query.set(name, String(value));
      }
      const response = await request(`${filled}${query.size > 0 ? `?${query}` : ""}`, {
        method,
        headers: { ...headers, ...(json === undefined ? {} : { "Content-Type": "application/json" }) },
        // Bytes: Chromium streams the body of a copied request, which needs HTTP/2.
        body: json === undefined ? null : new TextEncoder().encode(JSON.stringify(json)),
        signal: signal ?? null,
      });
      return { data: parsed(await response.text()), response };
    },
  ]),
) as unknown as Client<paths>;

function parsed(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined; // not the API's: `problemOf` says so
  }
}

/** Return the body of a response of `api`. */
export async function body<T>(result: Promise<{ data?: T }>): Promise<T> {
  return (await result).data as T;
}

function problemOf(error: unknown, status: number): Problem {
  if (typeof error === "object" && error !== null && "code" in error) return error as Problem;
  const title = `Unexpected response with status ${status}`;
  return problem(status, "unexpected", title, title);
}

const problem = (status: number, code: string, title: string, detail: string) =>
  ({ title, status, detail, code, errors: [] }) as unknown as Problem;
