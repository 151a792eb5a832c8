/** Paths of job files: addresses, folders, and what an editor does with a file. */

import type { SettingsShown } from "../../api/schema";
import type { EditorLanguage } from "../../ui/editor";

export interface Place {
  path: string | null;
  /** From 1. */
  line: number | undefined;
}

/** Return the file and line of an address such as `/code/src/main.py:84`. */
export function placeOf(location: string): Place {
  const [, path = null, line] = /^\/code\/(.+?)(?::(\d+))?$/.exec(location) ?? [];
  return { path, line: line === undefined ? undefined : Number(line) };
}

export const linkTo = (path: string, line?: number | null) => `/code/${path}${line ? `:${line}` : ""}`;

export const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);

/** Return whether a file is a library, which has no text. */
export const isBinary = (path: string) => /\.(zip|whl)$/.test(path);

export function languageOf(path: string): EditorLanguage {
  return path.endsWith(".py") ? "python" : path.endsWith(".sql") ? "sql" : "text";
}

/** Return the smallest content that the API accepts for a new file. */
export const startOf = (path: string) => (path.endsWith(".json") ? "{}\n" : "");

export interface Folder {
  name: string;
  folders: Folder[];
  /** Paths. */
  files: string[];
}

export function treeOf(paths: Iterable<string>): Folder {
  const root: Folder = { name: "", folders: [], files: [] };
  for (const path of [...paths].sort()) {
    let folder = root;
    for (const name of path.split("/").slice(0, -1)) {
      let next = folder.folders.find((each) => each.name === name);
      if (!next) folder.folders.push((next = { name, folders: [], files: [] }));
      folder = next;
    }
    folder.files.push(path);
  }
  return root;
}

/** Return what the jobs do with a file, such as "script of etl". */
export function usesOf(path: string, settings: SettingsShown): string[] {
  return settings.jobs.flatMap((job) => [
    ...(job.script === path ? [`script of ${job.name}`] : []),
    ...(job.extra_files.includes(path) ? [`extra file of ${job.name}`] : []),
  ]);
}
