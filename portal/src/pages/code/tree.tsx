/** The files as a tree of links. */

import { Link } from "wouter-preact";
import type { JobFile, SettingsShown } from "../../api/schema";
import { draftOf } from "./drafts";
import { linkTo, nameOf, treeOf, usesOf, type Folder } from "./paths";

interface Props {
  environmentId: string;
  /** Those of the API, and drafts of new ones. */
  paths: Iterable<string>;
  files: readonly JobFile[];
  settings: SettingsShown;
  open: string | null;
}

export function Tree({ paths, ...rest }: Props) {
  const root = treeOf(paths);
  if (root.files.length + root.folders.length === 0) return <p class="empty">There are no files yet.</p>;
  return (
    <nav class="tree" aria-label="Files">
      <Entries folder={root} {...rest} />
    </nav>
  );
}

function Entries({ folder, ...rest }: Omit<Props, "paths"> & { folder: Folder }) {
  return (
    <ul>
      {folder.folders.map((each) => (
        <li key={`${each.name}/`}>
          <details open>
            <summary>{each.name}/</summary>
            <Entries folder={each} {...rest} />
          </details>
        </li>
      ))}
      {folder.files.map((path) => (
        <File key={path} path={path} {...rest} />
      ))}
    </ul>
  );
}

function File({ environmentId, path, files, settings, open }: Omit<Props, "paths"> & { path: string }) {
  const isUnsaved = draftOf(environmentId, path) !== undefined;
  const marks = [
    ...usesOf(path, settings),
    ...(isUnsaved ? [files.some((each) => each.path === path) ? "unsaved" : "new, unsaved"] : []),
  ];
  return (
    <li>
      <Link href={linkTo(path)} aria-current={path === open ? "page" : undefined}>
        {nameOf(path)}
        {marks.map((mark) => (
          <span key={mark} class={`badge ${mark.endsWith("unsaved") ? "busy" : ""}`}>
            {mark}
          </span>
        ))}
      </Link>
    </li>
  );
}
