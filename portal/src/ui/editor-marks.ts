/** Messages below the lines of an editor that they are about. Unlike tooltips, the keyboard and phones reach them. */

import { StateEffect, StateField, type EditorState } from "@codemirror/state";
import { Decoration, EditorView, WidgetType, type DecorationSet } from "@codemirror/view";
import type { EditorProblem } from "./editor";

export const setMarks = StateEffect.define<readonly EditorProblem[]>();

class Message extends WidgetType {
  constructor(readonly problem: EditorProblem) {
    super();
  }

  override eq(other: Message): boolean {
    return other.problem.message === this.problem.message && other.problem.isWarning === this.problem.isWarning;
  }

  toDOM(): HTMLElement {
    const element = document.createElement("div");
    element.className = `cm-problem ${this.problem.isWarning ? "cm-warning" : ""}`;
    element.textContent = `${this.problem.isWarning ? "Warning" : "Error"}: ${this.problem.message}`;
    return element;
  }
}

function marks({ doc }: EditorState, problems: readonly EditorProblem[]): DecorationSet {
  const ranges = problems.flatMap((problem) => {
    const line = doc.line(Math.min(Math.max(1, problem.line), doc.lines));
    const start = line.from + (problem.column ?? Infinity) - 1;
    const kind = problem.isWarning ? "cm-warning" : "";
    return [
      Decoration.line({ class: `cm-problem-line ${kind}` }).range(line.from),
      ...(start < line.to ? [Decoration.mark({ class: "cm-problem-place" }).range(start, start + 1)] : []),
      Decoration.widget({ widget: new Message(problem), side: 1, block: true }).range(line.to),
    ];
  });
  return Decoration.set(ranges, true);
}

export const problemMarks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(shown, transaction) {
    let next = shown.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setMarks)) next = marks(transaction.state, effect.value);
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});
