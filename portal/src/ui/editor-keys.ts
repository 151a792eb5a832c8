/**
 * Keys of an editor of code.
 *
 * Those of CodeMirror's `standardKeymap` that move the cursor, and own ones that need no syntax tree: the tree
 * would be 20 kB more.
 */

import {
  cursorCharLeft,
  cursorCharRight,
  cursorDocEnd,
  cursorDocStart,
  cursorGroupLeft,
  cursorGroupRight,
  cursorLineBoundaryBackward,
  cursorLineBoundaryForward,
  cursorLineDown,
  cursorLineUp,
  cursorPageDown,
  cursorPageUp,
  selectAll,
  selectCharLeft,
  selectCharRight,
  selectDocEnd,
  selectDocStart,
  selectGroupLeft,
  selectGroupRight,
  selectLineBoundaryBackward,
  selectLineBoundaryForward,
  selectLineDown,
  selectLineUp,
  selectPageDown,
  selectPageUp,
} from "@codemirror/commands";
import { EditorSelection, type ChangeSpec, type EditorState, type Line } from "@codemirror/state";
import { EditorView, type Command, type KeyBinding } from "@codemirror/view";
import type { EditorLanguage } from "./editor";

const INDENT = 4;
const COMMENTS: Partial<Record<EditorLanguage, string>> = { python: "#", sql: "--" };

const leading = (text: string) => text.length - text.trimStart().length;

function selectedLines(state: EditorState): Line[] {
  const numbers = new Set<number>();
  for (const { from, to } of state.selection.ranges) {
    for (let number = state.doc.lineAt(from).number; number <= state.doc.lineAt(to).number; number++) {
      numbers.add(number);
    }
  }
  return [...numbers].map((number) => state.doc.line(number));
}

/** Change each selected line. */
const onLines =
  (change: (line: Line, lines: Line[]) => ChangeSpec): Command =>
  (view) => {
    const { state } = view;
    if (state.readOnly) return false;
    const lines = selectedLines(state);
    view.dispatch({ changes: lines.map((line) => change(line, lines)), userEvent: "input.indent" });
    return true;
  };

const indentMore = onLines((line) => (line.length > 0 ? { from: line.from, insert: " ".repeat(INDENT) } : []));
const indentLess = onLines((line) => {
  const excess = Math.min(leading(line.text), line.text.startsWith("\t") ? 1 : INDENT);
  return { from: line.from, to: line.from + excess };
});

/** Insert spaces up to the next stop, or indent the selected lines. */
const tab: Command = (view) => {
  const { state } = view;
  if (state.readOnly) return false;
  if (!state.selection.main.empty) return indentMore(view);
  view.dispatch(
    state.changeByRange(({ head }) => {
      const width = INDENT - ((head - state.doc.lineAt(head).from) % INDENT);
      return {
        changes: { from: head, insert: " ".repeat(width) },
        range: EditorSelection.cursor(head + width),
      };
    }),
    { userEvent: "input", scrollIntoView: true },
  );
  return true;
};

/** Begin a line with the indent of this one, or a deeper one after a colon or an open bracket. */
const newLine =
  (language: EditorLanguage): Command =>
  (view) => {
    const { state } = view;
    if (state.readOnly) return false;
    view.dispatch(
      state.changeByRange(({ from, to }) => {
        const line = state.doc.lineAt(from);
        const before = line.text.slice(0, from - line.from);
        const isDeeper = language !== "text" && (language === "python" ? /[:([{]\s*$/ : /\(\s*$/).test(before);
        const text = `\n${before.slice(0, leading(before))}${isDeeper ? " ".repeat(INDENT) : ""}`;
        return { changes: { from, to, insert: text }, range: EditorSelection.cursor(from + text.length) };
      }),
      { userEvent: "input", scrollIntoView: true },
    );
    return true;
  };

const deleteSelection: Command = (view) => {
  const { state } = view;
  if (state.selection.main.empty || state.readOnly) return false;
  view.dispatch(state.replaceSelection(""), { userEvent: "delete.selection", scrollIntoView: true });
  return true;
};

/**
 * Replaces the selection by what is typed.
 *
 * Chromium would keep the colors of the selected text, in a style attribute, which the Content-Security-Policy
 * blocks.
 */
export const typing = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { data, inputType } = event;
    const isOurs = inputType === "insertText" && data !== null && !view.composing;
    if (!isOurs || view.state.selection.main.empty || view.state.readOnly) return false;
    view.dispatch(view.state.replaceSelection(data), { userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

/** Remove one indent if the cursor is in the indent of its line. */
const backspace: Command = (view) => {
  const { state } = view;
  const { head, empty } = state.selection.main;
  const line = state.doc.lineAt(head);
  const column = head - line.from;
  const isInIndent = column > 0 && /^ +$/.test(line.text.slice(0, column));
  if (!empty || !isInIndent || state.readOnly || state.selection.ranges.length > 1) return false;
  view.dispatch({
    changes: { from: head - (column % INDENT || INDENT), to: head },
    userEvent: "delete.dedent",
  });
  return true;
};

const toggleComment = (mark: string) =>
  onLines((line, lines) => {
    const filled = lines.filter((each) => each.text.trim() !== "");
    const start = line.from + leading(line.text);
    if (line.text.trim() === "") return [];
    if (!filled.every((each) => each.text.trimStart().startsWith(mark))) return { from: start, insert: `${mark} ` };
    const rest = line.text.slice(start - line.from + mark.length);
    return { from: start, to: start + mark.length + (rest.startsWith(" ") ? 1 : 0) };
  });

/** The browser moves the cursor, too, but reports it late: a quick next key would act at the old place. */
const MOVES: KeyBinding[] = [
  { key: "ArrowLeft", run: cursorCharLeft, shift: selectCharLeft },
  { key: "ArrowRight", run: cursorCharRight, shift: selectCharRight },
  { key: "ArrowUp", run: cursorLineUp, shift: selectLineUp },
  { key: "ArrowDown", run: cursorLineDown, shift: selectLineDown },
  { key: "Mod-ArrowLeft", mac: "Alt-ArrowLeft", run: cursorGroupLeft, shift: selectGroupLeft },
  { key: "Mod-ArrowRight", mac: "Alt-ArrowRight", run: cursorGroupRight, shift: selectGroupRight },
  { mac: "Cmd-ArrowLeft", run: cursorLineBoundaryBackward, shift: selectLineBoundaryBackward },
  { mac: "Cmd-ArrowRight", run: cursorLineBoundaryForward, shift: selectLineBoundaryForward },
  { mac: "Cmd-ArrowUp", run: cursorDocStart, shift: selectDocStart },
  { mac: "Cmd-ArrowDown", run: cursorDocEnd, shift: selectDocEnd },
  { key: "PageUp", run: cursorPageUp, shift: selectPageUp },
  { key: "PageDown", run: cursorPageDown, shift: selectPageDown },
  { key: "Home", run: cursorLineBoundaryBackward, shift: selectLineBoundaryBackward },
  { key: "End", run: cursorLineBoundaryForward, shift: selectLineBoundaryForward },
  { key: "Mod-Home", run: cursorDocStart, shift: selectDocStart },
  { key: "Mod-End", run: cursorDocEnd, shift: selectDocEnd },
  { key: "Mod-a", run: selectAll },
];

export function keysOf(language: EditorLanguage): KeyBinding[] {
  const mark = COMMENTS[language];
  return [
    { key: "Enter", run: newLine(language) },
    { key: "Tab", run: tab, shift: indentLess },
    { key: "Backspace", run: deleteSelection },
    { key: "Delete", run: deleteSelection },
    { key: "Backspace", run: backspace },
    ...MOVES,
    ...(mark ? [{ key: "Mod-/", run: toggleComment(mark) }] : []),
  ];
}
