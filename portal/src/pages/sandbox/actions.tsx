/** What one can do with an environment: extend, reset, retry, delete. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { api, body } from "../../api/client";
import type { Environment } from "../../api/schema";
import { useCommand, type Command } from "../../api/use-command";
import { useMe } from "../../me";
import { ProblemText } from "../../ui/basics";
import { ConfirmDialog } from "../../ui/confirm-dialog";
import { Dialog } from "../../ui/dialog";
import { errorAt, Field } from "../../ui/form";
import { dateTime, timeZone } from "../../ui/format";

export interface ActionProps {
  environment: Environment;
  /** The environment is another one now. */
  onDone: () => void;
}

const of = (environment: Environment) => ({ params: { path: { environment_id: environment.id } } });

export function RetryButton({ environment, onDone }: ActionProps) {
  const retry = useCommand((headers) =>
    body(api.POST("/environments/{environment_id}/retry", { ...of(environment), headers })),
  );
  return (
    <>
      <button
        type="button"
        class="primary"
        disabled={retry.isBusy}
        onClick={async () => {
          if (await retry.run()) onDone();
        }}
      >
        Try again
      </button>
      <ProblemText problem={retry.problem} />
    </>
  );
}

export function ResetButton({ environment, onDone }: ActionProps) {
  const reset = useCommand((headers) =>
    body(api.POST("/environments/{environment_id}/reset", { ...of(environment), headers })),
  );
  return (
    <Confirmed name="Reset" title="Reset the sandbox?" action="Reset" command={reset} onDone={onDone}>
      <p>Its data, tables, scripts and resources become those of release {environment.release} again.</p>
      <p>
        <strong>You lose</strong> everything else in it: tables and files that jobs and queries wrote, job files that
        you uploaded, and what was changed by hand. Download your job files first.
      </p>
      <p>Settings, runs, cost and the timeline stay.</p>
    </Confirmed>
  );
}

export function DeleteButton({ environment, onDone }: ActionProps) {
  const remove = useCommand(() => body(api.DELETE("/environments/{environment_id}", of(environment))));
  return (
    <Confirmed name="Delete" title="Delete the sandbox?" action="Delete for good" command={remove} onDone={onDone}>
      <p>
        The sandbox <code>{environment.id}</code> of {environment.owner} is removed with{" "}
        <strong>all of its data, tables, job files and query results</strong>. This cannot be undone.
      </p>
      <p>Then you see a receipt of what was removed. History and cost stay. A new sandbox can be created at once.</p>
    </Confirmed>
  );
}

/** A button whose command runs after a dialog has explained it. */
function Confirmed<R>(props: {
  name: string;
  title: string;
  action: string;
  command: Command<[], R>;
  onDone: () => void;
  children: ComponentChildren;
}) {
  const { name, title, action, command, onDone, children } = props;
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" class={name === "Delete" ? "danger" : ""} onClick={() => setOpen(true)}>
        {name}
      </button>
      {isOpen && (
        <ConfirmDialog
          title={title}
          button={action}
          isDanger
          cancel="Keep it"
          command={command}
          onClose={() => {
            setOpen(false);
            command.clear();
          }}
          onDone={onDone}
        >
          {children}
        </ConfirmDialog>
      )}
    </>
  );
}

export function ExtendButton({ environment, onDone }: ActionProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        Extend
      </button>
      {isOpen && <ExtendDialog environment={environment} onDone={onDone} onClose={() => setOpen(false)} />}
    </>
  );
}

const DAYS = [1, 3, 7, 14, 30];

function ExtendDialog({ environment, onDone, onClose }: ActionProps & { onClose: () => void }) {
  const most = useMe().data?.limits.expires_in_hours;
  const [hours, setHours] = useState("72");
  const extend = useCommand((_, expires_in_hours: number) =>
    body(api.PATCH("/environments/{environment_id}", { ...of(environment), body: { expires_in_hours } })),
  );
  const isNumber = /^\d{1,5}$/.test(hours.trim());
  const pointer = "/expires_in_hours";
  const error = errorAt(extend.problem, pointer);
  const send = async (event: Event) => {
    event.preventDefault();
    // What is no number goes to the API as well: it says what is wrong.
    if (await extend.run(isNumber ? Number(hours) : (hours as unknown as number))) {
      onClose();
      onDone();
    }
  };
  return (
    <Dialog title="Keep it for longer" onClose={onClose}>
      <p>
        It expires on {dateTime(environment.expires_at)} {timeZone()} now. The new time counts from this moment.
      </p>
      <form class="edit" noValidate onSubmit={(event) => void send(event)}>
        <Field
          kind="number"
          label="Hours from now"
          hint={most ? `1 to ${most}.` : undefined}
          error={error}
          value={hours}
          onChange={setHours}
        />
        <div class="actions">
          {DAYS.filter((days) => !most || days * 24 <= most).map((days) => (
            <button key={days} type="button" class="quiet" onClick={() => setHours(String(days * 24))}>
              {days === 1 ? "1 day" : `${days} days`}
            </button>
          ))}
        </div>
        {isNumber && (
          <p class="soft">
            Then it expires on {dateTime(new Date(Date.now() + Number(hours) * 3_600_000).toISOString())}.
          </p>
        )}
        <ProblemText problem={extend.problem} without={(each) => each === pointer} />
        <div class="actions">
          <button type="submit" class="primary" disabled={extend.isBusy}>
            Extend
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}
