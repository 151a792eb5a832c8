/** Actions of a cohort, each with a dry run first, and changes of its members. */

import { useRef, useState } from "preact/hooks";
import { api, body } from "../../api/client";
import { useCommand } from "../../api/use-command";
import type { Cohort, CohortAction, CohortPlan } from "../../api/schema";
import { ProblemText } from "../../ui/basics";
import { Dialog } from "../../ui/dialog";
import { errorAt, Field, focusFirstError } from "../../ui/form";
import { count } from "../../ui/format";
import { ConfirmDialog } from "../../ui/confirm-dialog";
import { Plan, willChange } from "./cohort-plan";
import { ACTIONS } from "./cohorts";
import { errorsByLine, parseOwners } from "./owners";
import { OwnersField } from "./owners-field";

export function CohortActions({ cohort, onDone }: { cohort: Cohort; onDone: () => void }) {
  const [open, setOpen] = useState<CohortAction | "members">();
  const close = () => setOpen(undefined);
  return (
    <div class="actions">
      {(Object.keys(ACTIONS) as CohortAction[]).map((action) => (
        <button
          key={action}
          type="button"
          class={ACTIONS[action].isDanger ? "danger" : undefined}
          onClick={() => setOpen(action)}
        >
          {ACTIONS[action].name}
        </button>
      ))}
      <button type="button" onClick={() => setOpen("members")}>
        Change members
      </button>
      {open === "members" && <ChangeMembers cohort={cohort} onClose={close} onDone={onDone} />}
      {open && open !== "members" && <Act action={open} cohort={cohort} onClose={close} onDone={onDone} />}
    </div>
  );
}

interface DialogProps {
  cohort: Cohort;
  onClose: () => void;
  onDone: () => void;
}

function Act({ action, cohort, onClose, onDone }: DialogProps & { action: CohortAction }) {
  const form = useRef<HTMLFormElement>(null);
  const [hours, setHours] = useState("24");
  const [reason, setReason] = useState("");
  const [plan, setPlan] = useState<CohortPlan>();
  const words = ACTIONS[action];
  const command = useCommand((headers, isDry: boolean) =>
    body(
      api.POST("/cohorts/{cohort_id}/{action}", {
        params: { path: { cohort_id: cohort.id, action } },
        headers,
        body: {
          dry_run: isDry,
          hours: action === "extend" ? Number(hours) : null,
          reason: action === "freeze" ? reason : null,
        },
      }),
    ),
  );
  const send = async (event: Event) => {
    event.preventDefault();
    const result = await command.run(plan === undefined);
    if (result === undefined) focusFirstError(form.current);
    else if (plan === undefined) setPlan(result as CohortPlan);
    else {
      onClose();
      onDone();
    }
  };
  const changed = (set: (value: string) => void) => (value: string) => {
    set(value);
    setPlan(undefined);
  };
  const error = (pointer: string) => errorAt(command.problem, pointer);
  return (
    <Dialog title={`${words.name}: ${cohort.name}`} onClose={onClose}>
      <form ref={form} class="stack" onSubmit={(event) => void send(event)}>
        <p>{words.text}</p>
        {action === "extend" && (
          <Field
            kind="number"
            label="Hours from now"
            value={hours}
            onChange={changed(setHours)}
            error={error("/hours")}
          />
        )}
        {action === "freeze" && (
          <Field
            label="Reason"
            hint="The owners see it."
            required
            value={reason}
            onChange={changed(setReason)}
            error={error("/reason")}
          />
        )}
        {plan && <Plan plan={plan} />}
        <ProblemText problem={command.problem} without={(pointer) => ["/hours", "/reason"].includes(pointer)} />
        <div class="actions">
          {plan === undefined ? (
            <button class="primary" disabled={command.isBusy}>
              {command.isBusy ? "Checking …" : "Check what would happen"}
            </button>
          ) : (
            <button class={words.isDanger ? "danger" : "primary"} disabled={command.isBusy || willChange(plan) === 0}>
              {command.isBusy
                ? "Sending …"
                : `${words.name}: ${count(willChange(plan))} of ${count(plan.members.length)}`}
            </button>
          )}
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function ChangeMembers({ cohort, onClose, onDone }: DialogProps) {
  const [add, setAdd] = useState("");
  const [remove, setRemove] = useState("");
  const [added, removed] = [parseOwners(add).owners, parseOwners(remove).owners];
  const command = useCommand((headers) =>
    body(
      api.PATCH("/cohorts/{cohort_id}", {
        params: { path: { cohort_id: cohort.id } },
        headers,
        body: { add: added.map((each) => each.name), remove: removed.map((each) => each.name) },
      }),
    ),
  );
  const errors = command.problem?.errors ?? [];
  return (
    <ConfirmDialog
      title={`Members of ${cohort.name}`}
      button={`Add ${count(added.length)}, remove ${count(removed.length)}`}
      command={command}
      shownFields={errors.flatMap(({ pointer }) =>
        /^\/(add|remove)(\/|$)/.test(pointer ?? "") && pointer ? [pointer] : [],
      )}
      onClose={onClose}
      onDone={onDone}
    >
      <OwnersField label="Add owners" text={add} onChange={setAdd} errors={errorsByLine(added, errors, "/add")} />
      <OwnersField
        label="Remove owners"
        hint="They keep their environments, which later actions of the cohort no longer change."
        text={remove}
        onChange={setRemove}
        errors={errorsByLine(removed, errors, "/remove")}
      />
    </ConfirmDialog>
  );
}
