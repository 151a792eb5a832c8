/** A dialog that sends one command, and stays open with the reason if the API refuses it. */

import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { Command } from "../api/use-command";
import { ProblemText } from "./basics";
import { Dialog } from "./dialog";
import { focusFirstError } from "./form";

export function ConfirmDialog<R>(props: {
  title: string;
  button: string;
  /** The command cannot be undone. */
  isDanger?: boolean;
  cancel?: string;
  command: Command<[], R>;
  /** Pointers whose errors a field shows. */
  shownFields?: string[];
  onClose: () => void;
  onDone: (result: R) => void;
  children: ComponentChildren;
}) {
  const { title, button, isDanger, cancel = "Cancel", command, shownFields = [], onClose, onDone, children } = props;
  const form = useRef<HTMLFormElement>(null);
  const send = async (event: Event) => {
    event.preventDefault();
    const result = await command.run();
    if (result === undefined) {
      focusFirstError(form.current);
      return;
    }
    onClose();
    onDone(result);
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form ref={form} class="stack" onSubmit={(event) => void send(event)}>
        {children}
        <ProblemText problem={command.problem} without={(pointer) => shownFields.includes(pointer)} />
        <div class="actions">
          <button class={isDanger ? "danger" : "primary"} disabled={command.isBusy}>
            {command.isBusy ? "Sending …" : button}
          </button>
          <button type="button" onClick={onClose}>
            {cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
