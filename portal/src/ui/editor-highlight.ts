/**
 * Colors of Python and SQL, by regular expressions.
 *
 * CodeMirror's own languages need three more packages, 20 kB of the portal's 150 kB. A file is read from its
 * start to the end of the visible part, because a string can have many lines: 1 MiB takes some 20 ms.
 */

import { Decoration, EditorView, ViewPlugin, type DecorationSet, type ViewUpdate } from "@codemirror/view";
import type { EditorLanguage } from "./editor";

type Kind = "comment" | "string" | "number" | "name" | "keyword";

const words = (text: string) => new Set(text.split(" "));

const PYTHON_KEYWORDS = words(
  "False None True and as assert async await break case class continue def del elif else except finally for from " +
    "global if import in is lambda match nonlocal not or pass raise return self try type while with yield",
);
/** Athena's SQL is Trino's, plus the DDL of Hive. */
const SQL_KEYWORDS = words(
  "add all alter analyze and any as asc between by case cast columns comment create cross cube current_date " +
    "current_timestamp database databases delete desc describe distinct drop else end escape except execute exists " +
    "explain external extract false fetch filter first for format from full function functions group grouping having " +
    "if in inner insert intersect interval into is join last lateral left like limit location map matched merge msck " +
    "natural not null nulls offset on optimize or order ordinality outer over partition partitioned partitions " +
    "prepare properties range recursive rename repair replace right rollup row rows schema schemas select serde set " +
    "sets show some stored table tables tablesample tblproperties then to true truncate try_cast unbounded union " +
    "unload unnest update using vacuum values view views when where window with",
);

interface Language {
  /** Its groups have the names of kinds, and `word`. */
  token: RegExp;
  isKeyword: (word: string) => boolean;
}

/** Quoted by `quote`, with backslash escapes. Without `isLong`, it ends at the end of the line. */
const quoted = (quote: string, isLong = false) =>
  isLong
    ? String.raw`${quote}(?:\\[^]|[^\\])*?(?:${quote}|$(?![^]))`
    : String.raw`${quote}(?:\\[^]|[^${quote}\\\n])*${quote}?`;
const PYTHON_STRING = [quoted('"""', true), quoted("'''", true), quoted('"'), quoted("'")].join("|");

const LANGUAGES: Partial<Record<EditorLanguage, Language>> = {
  python: {
    token: new RegExp(
      String.raw`(?<comment>#.*)|(?<string>(?:\b[rRbBfFuU]{1,2})?(?:${PYTHON_STRING}))` +
        String.raw`|(?<name>^[ \t]*@[\w.]+|(?<=\b(?:def|class)\s+)\w+)|(?<number>\b\d[\w.]*)|(?<word>[^\W\d]\w*)`,
      "gm",
    ),
    isKeyword: (word) => PYTHON_KEYWORDS.has(word),
  },
  sql: {
    token:
      /(?<comment>--.*|\/\*[^]*?(?:\*\/|$(?![^])))|(?<string>'[^']*'?)|(?<name>"[^"]*"?|`[^`]*`?|\b\w+(?=\())|(?<number>\b\d[\w.]*)|(?<word>[^\W\d]\w*)/gm,
    isKeyword: (word) => SQL_KEYWORDS.has(word.toLowerCase()),
  },
};

const MARKS: Record<Kind, Decoration> = {
  comment: Decoration.mark({ class: "cm-code-comment" }),
  string: Decoration.mark({ class: "cm-code-string" }),
  number: Decoration.mark({ class: "cm-code-number" }),
  name: Decoration.mark({ class: "cm-code-name" }),
  keyword: Decoration.mark({ class: "cm-code-keyword" }),
};

function colors(view: EditorView, { token, isKeyword }: Language): DecorationSet {
  const { from, to } = view.viewport;
  const ranges = [];
  for (const match of view.state.doc.sliceString(0, to).matchAll(token)) {
    const end = match.index + match[0].length;
    if (end <= from) continue;
    const kind = kindOf(match.groups ?? {}, isKeyword);
    if (kind) ranges.push(MARKS[kind].range(match.index, end));
  }
  return Decoration.set(ranges);
}

function kindOf({ word, ...groups }: Record<string, string>, isKeyword: Language["isKeyword"]): Kind | undefined {
  if (word !== undefined) return isKeyword(word) ? "keyword" : undefined;
  return Object.keys(groups).find((name) => groups[name] !== undefined) as Kind | undefined;
}

export function highlighting(name: EditorLanguage) {
  const language = LANGUAGES[name];
  if (!language) return [];
  return ViewPlugin.define(
    (view) => ({
      shown: colors(view, language),
      update(update: ViewUpdate) {
        if (update.docChanged || update.viewportChanged) this.shown = colors(update.view, language);
      },
    }),
    { decorations: (plugin) => plugin.shown },
  );
}
