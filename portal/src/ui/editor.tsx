/** Editor of code: CodeMirror, which loads when the first editor is shown. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { CodeView } from "./codemirror";
import { loaded } from "./boundary";
import "../styles/editor.css";

export type EditorLanguage = "python" | "sql" | "text";

/** A message at a line, from 1. The column, from 1, is marked if it is known. */
export interface EditorProblem {
  line: number;
  column?: number | null | undefined;
  message: string;
  isWarning?: boolean | undefined;
}

interface EditorProps {
  value: string;
  onChange: (value: string) => void;
  language: EditorLanguage;
  /** Name of the editor for screen readers. */
  label: string;
  readOnly?: boolean | undefined;
  /** Shown below their lines. The cursor moves to the first error when they change. */
  problems?: readonly EditorProblem[] | undefined;
  /** Names that Tab completes, for example of tables and columns. The first that fits is shown behind the cursor. */
  completions?: readonly string[] | undefined;
  /** Ctrl+Enter, or Cmd+Enter. */
  onSubmit?: (() => void) | undefined;
  /** Moves the cursor and the focus to this line, from 1. */
  goTo?: number | undefined;
}

/** How the keyboard leaves the editor (WCAG 2.1.2). */
export const KEYS = "Tab indents. To leave the editor, press Esc and then Tab.";

const NONE: readonly never[] = [];

/** Changes of `label` and `language` have no effect: give each document a `key` of its own, also for its undo. */
export function Editor(props: EditorProps) {
  const { value, language, label, readOnly = false, problems = NONE, completions = NONE, goTo } = props;
  const host = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const [view, setView] = useState<CodeView>();
  const [error, setError] = useState<Error>();

  useEffect(() => {
    let isGone = false;
    let created: CodeView | undefined;
    const create = ({ createCodeView }: typeof import("./codemirror")) => {
      if (isGone || !host.current) return;
      created = createCodeView(host.current, {
        value: latest.current.value,
        language,
        label,
        onChange: (text) => latest.current.onChange(text),
        onSubmit: () => latest.current.onSubmit?.(),
      });
      setView(created);
    };
    loaded(() => import("./codemirror"))
      .then(create)
      .catch(setError);
    return () => {
      isGone = true;
      created?.destroy();
    };
  }, []);

  // Before the next key: an effect that runs later would replace what was typed meanwhile.
  useLayoutEffect(() => view?.setValue(value), [view, value]);
  useEffect(() => view?.setReadOnly(readOnly), [view, readOnly]);
  useEffect(() => view?.setCompletions(completions), [view, completions]);
  // By content: a page may build the array in each render, and the cursor moves when it changes.
  useEffect(() => view?.setProblems(problems), [view, JSON.stringify(problems)]);
  useEffect(() => {
    if (goTo !== undefined) view?.goTo(goTo);
  }, [view, goTo]);

  if (error) throw error; // shown by the boundary
  return (
    <div class="editor" aria-busy={!view}>
      {!view && (
        <p class="waiting" role="status">
          Loading the editor …
        </p>
      )}
      <div ref={host} class="editor-host" />
      {!readOnly && <p class="editor-hint">{KEYS}</p>}
    </div>
  );
}
