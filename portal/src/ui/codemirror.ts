/** CodeMirror 6 for Python and SQL, in a shadow root. */

import { history, historyKeymap } from "@codemirror/commands";
import { Annotation, Compartment, EditorState } from "@codemirror/state";
import { EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { KEYS, type EditorLanguage, type EditorProblem } from "./editor";
import { acceptRest, completion, setNames } from "./editor-completion";
import { highlighting } from "./editor-highlight";
import { keysOf, typing } from "./editor-keys";
import { problemMarks, setMarks } from "./editor-marks";

export interface CodeView {
  setValue: (value: string) => void;
  setReadOnly: (isReadOnly: boolean) => void;
  setProblems: (problems: readonly EditorProblem[]) => void;
  setCompletions: (names: readonly string[]) => void;
  goTo: (line: number, column?: number | null) => void;
  destroy: () => void;
}

interface Options {
  value: string;
  language: EditorLanguage;
  label: string;
  onChange: (value: string) => void;
  onSubmit: () => void;
}

const theme = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "var(--small)" },
  "&.cm-focused": { outline: "none" }, // editor.css has one
  ".cm-scroller": {
    fontFamily: 'ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace',
    lineHeight: "1.5",
    maxHeight: "var(--editor-max, 70vh)",
    overflow: "auto",
  },
  ".cm-content, .cm-gutter": { minHeight: "var(--editor-min, 8rem)" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-gutters": { color: "var(--soft)", backgroundColor: "var(--raised)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--code-active)" },
  ".cm-code-comment": { color: "var(--soft)" },
  ".cm-code-string": { color: "var(--code-string)" },
  ".cm-code-number": { color: "var(--code-number)" },
  ".cm-code-name": { color: "var(--code-name)" },
  ".cm-code-keyword": { color: "var(--code-keyword)" },
  ".cm-rest": { color: "var(--soft)" },
  ".cm-problem-line": { backgroundColor: "var(--bad-back)" },
  ".cm-problem-line.cm-warning": { backgroundColor: "var(--busy-back)" },
  ".cm-problem-place": { textDecoration: "underline wavy var(--bad)" },
  ".cm-problem": {
    padding: "0.125rem 0.5rem",
    fontFamily: "system-ui, sans-serif",
    whiteSpace: "pre-wrap",
    color: "var(--bad)",
    backgroundColor: "var(--bad-back)",
    borderLeft: "4px solid currentColor",
  },
  ".cm-problem.cm-warning": { color: "var(--busy)", backgroundColor: "var(--busy-back)" },
});

/** Marks changes that come from the page and not from the user. */
const FromPage = Annotation.define<true>();

/**
 * Create an editor inside of `host`.
 *
 * CodeMirror's styles are a style sheet of script. In a shadow root it uses `adoptedStyleSheets`, which a
 * Content-Security-Policy with `style-src 'self'` allows; in a document it would use a <style> element.
 */
export function createCodeView(host: HTMLElement, { value, language, label, onChange, onSubmit }: Options): CodeView {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const editable = new Compartment();
  const hint = document.createElement("p");
  hint.id = "hint";
  hint.hidden = true;
  hint.textContent = KEYS;
  root.replaceChildren(hint);
  let text = value;

  const submit = () => {
    onSubmit();
    return true;
  };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: value,
      extensions: [
        keymap.of([
          { key: "Mod-Enter", run: submit },
          { key: "Tab", run: acceptRest },
        ]),
        completion,
        typing,
        lineNumbers(),
        history(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        EditorView.lineWrapping,
        keymap.of([...keysOf(language), ...historyKeymap]),
        EditorState.lineSeparator.of("\n"),
        editable.of([]),
        highlighting(language),
        theme,
        problemMarks,
        EditorView.contentAttributes.of({ tabindex: "0", "aria-label": label, "aria-describedby": hint.id }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged || update.transactions.some((each) => each.annotation(FromPage))) return;
          text = update.state.doc.toString();
          onChange(text);
        }),
      ],
    }),
  });

  const goTo = (number: number, column?: number | null) => {
    const { doc } = view.state;
    const line = doc.line(Math.min(Math.max(1, number), doc.lines));
    const position = Math.min(line.to, line.from + Math.max(0, (column ?? 1) - 1));
    view.dispatch({
      selection: { anchor: position },
      effects: EditorView.scrollIntoView(position, { y: "center" }),
    });
    view.focus();
  };

  return {
    goTo,
    setValue(changed) {
      if (changed === text) return;
      text = changed;
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: changed },
        annotations: FromPage.of(true),
      });
    },
    setReadOnly(isReadOnly) {
      view.dispatch({ effects: editable.reconfigure(isReadOnly ? EditorState.readOnly.of(true) : []) });
    },
    setProblems(problems) {
      view.dispatch({ effects: setMarks.of(problems) });
      const first = problems.find((each) => !each.isWarning);
      if (first) goTo(first.line, first.column);
    },
    setCompletions: (names) => view.dispatch({ effects: setNames.of(names) }),
    destroy: () => view.destroy(),
  };
}
