/** Owners as they are pasted: a column of a spreadsheet, lines, or CSV. */

import type { FieldProblem } from "../../api/schema";

export interface PastedOwner {
  name: string;
  /** Line of the pasted text, from 1. */
  line: number;
}

interface Pasted {
  owners: PastedOwner[];
  /** Names that were there more than once. They count once. */
  repeated: string[];
  /** The heading of the column, which is no owner. */
  heading: string | null;
}

const HEADINGS = new Set(["owner", "owners", "email", "e-mail", "mail", "user", "username", "name"]);
/** A quoted value in which a quote is doubled, or one without separators. */
const VALUE = /"((?:[^"]|"")*)"|([^",;\t]+)/g;

export function parseOwners(text: string): Pasted {
  const all: PastedOwner[] = text.split(/\r?\n/).flatMap((line, at) =>
    [...line.matchAll(VALUE)]
      .map((match) => (match[1]?.replaceAll('""', '"') ?? match[2] ?? "").trim())
      .filter((name) => name !== "")
      .map((name) => ({ name, line: at + 1 })),
  );
  const heading =
    all.length > 1 && HEADINGS.has(all[0]?.name.toLowerCase() ?? "") ? (all.shift()?.name ?? null) : null;
  const owners: PastedOwner[] = [];
  const known = new Set<string>();
  const repeated = new Set<string>();
  for (const each of all) {
    if (known.has(each.name)) repeated.add(each.name);
    else owners.push(each);
    known.add(each.name);
  }
  return { owners, repeated: [...repeated], heading };
}

/** Return what the API says is wrong, by lines of the pasted text. `pointer` is where the names were sent. */
export function errorsByLine(pasted: PastedOwner[], errors: FieldProblem[], pointer: string): string[] {
  return errors.flatMap((each) => {
    if (each.pointer === pointer) return [each.detail];
    const index = indexIn(each.pointer ?? "", pointer);
    const owner = index === null ? undefined : pasted[index];
    if (!owner) return [];
    // "The same owner as /owners/3." names the other one by its line.
    const detail = each.detail.replace(new RegExp(`${pointer}/(\\d+)`, "g"), (text: string, number: string) => {
      const other = pasted[Number(number)];
      return other ? `“${other.name}” in line ${other.line}` : text;
    });
    return [`Line ${owner.line}, “${owner.name}”: ${detail}`];
  });
}

function indexIn(pointer: string, list: string): number | null {
  const rest = pointer.startsWith(`${list}/`) ? pointer.slice(list.length + 1) : "";
  return /^\d+$/.test(rest) ? Number(rest) : null;
}
