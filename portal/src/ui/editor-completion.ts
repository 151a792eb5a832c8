/** Shows the rest of a known name behind the cursor; Tab accepts it. */

import { StateEffect, StateField, type EditorState } from "@codemirror/state";
import { Decoration, EditorView, WidgetType, type Command, type DecorationSet } from "@codemirror/view";

export const setNames = StateEffect.define<readonly string[]>();

const SHORTEST = 2;

const names = StateField.define<readonly string[]>({
  create: () => [],
  update: (known, { effects }) => effects.find((each) => each.is(setNames))?.value ?? known,
});

/** Return what would complete the word before the cursor, or "". */
function restOf(state: EditorState): string {
  const { head, empty } = state.selection.main;
  const line = state.doc.lineAt(head);
  const [word] = /\w*$/.exec(line.text.slice(0, head - line.from)) ?? [""];
  const isInWord = /^\w/.test(line.text.slice(head - line.from));
  if (!empty || isInWord || state.readOnly || word.length < SHORTEST) return "";
  const start = word.toLowerCase();
  const name = state.field(names).find((each) => each.length > word.length && each.toLowerCase().startsWith(start));
  return name?.slice(word.length) ?? "";
}

class Rest extends WidgetType {
  constructor(readonly text: string) {
    super();
  }

  override eq(other: Rest): boolean {
    return other.text === this.text;
  }

  toDOM(): HTMLElement {
    const element = document.createElement("span");
    element.className = "cm-rest";
    element.textContent = this.text;
    element.ariaHidden = "true";
    return element;
  }
}

/** What is shown now: nothing until the user types. */
const shown = StateField.define<string>({
  create: () => "",
  update(before, transaction) {
    if (transaction.docChanged) return transaction.isUserEvent("input.type") ? restOf(transaction.state) : "";
    return transaction.selection ? "" : before;
  },
  provide: (field) =>
    EditorView.decorations.from(field, (text) => (view): DecorationSet => {
      if (text === "") return Decoration.none;
      const widget = Decoration.widget({ widget: new Rest(text), side: 1 });
      return Decoration.set(widget.range(view.state.selection.main.head));
    }),
});

export const acceptRest: Command = (view) => {
  const text = view.state.field(shown);
  if (text === "") return false;
  const { head } = view.state.selection.main;
  view.dispatch({
    changes: { from: head, insert: text },
    selection: { anchor: head + text.length },
    userEvent: "input.complete",
  });
  return true;
};

export const completion = [names, shown];
