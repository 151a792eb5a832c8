/** Requests about job files. */

import { request } from "../../api/client";
import type { FolderUpload, UploadedJobFile } from "../../api/schema";

export interface Content {
  /** With "\n" at the end of each line: a "\r" that stays inside of a line would break it in two. */
  text: string;
  /** Of the file's lines. */
  ending: "\n" | "\r\n";
  /** Of the bytes, as the list of files has it. */
  sha256: string;
}

/** SHA-256 of the content that a change replaces. Null: there must be no file. */
export type Base = string | null;

const ask = (environmentId: string, path: string, options: RequestInit): Promise<Response> =>
  request(`/environments/${environmentId}/job/files${path}`, options);

const only = (base: Base): Record<string, string> =>
  base === null ? { "If-None-Match": "*" } : { "If-Match": `"${base}"` };

/** Return the file, also if it is no text. */
export async function readBytes(environmentId: string, path: string): Promise<ArrayBuffer> {
  const headers = { Accept: /\.(zip|whl)$/.test(path) ? "application/zip" : "text/plain" };
  return (await ask(environmentId, `/${path}`, { headers })).arrayBuffer();
}

export async function readText(environmentId: string, path: string): Promise<Content> {
  const bytes = await readBytes(environmentId, path);
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const ending = text.includes("\r\n") ? "\r\n" : "\n";
  return { text: text.replaceAll("\r\n", "\n"), ending, sha256: await digest(bytes) };
}

/** Write a file if it is still the one that was changed. A repetition changes nothing. */
export async function write(
  environmentId: string,
  path: string,
  content: BodyInit,
  base: Base,
): Promise<UploadedJobFile> {
  const headers = { ...only(base), "Content-Type": "application/octet-stream" };
  return (await ask(environmentId, `/${path}`, { method: "PUT", headers, body: content })).json();
}

export async function remove(environmentId: string, path: string, base: string): Promise<void> {
  await ask(environmentId, `/${path}`, { method: "DELETE", headers: only(base) });
}

/** Write all files of an archive, or none. */
export async function writeFolder(
  environmentId: string,
  archive: Blob,
  mediaType: string,
  isReplacing: boolean,
): Promise<FolderUpload> {
  const query = isReplacing ? "?replace=true" : "";
  const headers = { "Content-Type": mediaType };
  return (await ask(environmentId, query, { method: "PUT", headers, body: archive })).json();
}

async function digest(bytes: ArrayBuffer): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
