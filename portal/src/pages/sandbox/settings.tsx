/** Ask for a sandbox, and change the settings of a live one. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { api, body } from "../../api/client";
import type { Environment, Me } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { ProblemText, Section, Waiting } from "../../ui/basics";
import { dateTime, usd } from "../../ui/format";
import type { ActionProps } from "./actions";
import { hasKept } from "../../ui/draft";
import { EditForm, type Body } from "./edit-form";
import type { Node } from "./schema";
import { useForm } from "./use-form";
import { group } from "./values";

export function CreatePanel({ me, onCreated }: { me: Me; onCreated: (created: Environment) => void }) {
  const draftKey = `create.${me.owner}`;
  // Not in the form's own state: the button must say that it does not send what is typed in a closed form.
  const hasDraft = hasKept(draftKey);
  const [isOpen, setOpen] = useState(hasDraft);
  const create = useCommand((headers, settings: Body) =>
    body(api.POST("/environments", { body: settings as never, headers })),
  );
  const send = async (settings: Body) => {
    const created = await create.run(settings);
    if (created) onCreated(created);
    return created !== undefined;
  };
  const { creations, limits } = me;
  return (
    <Section title="Create a sandbox">
      <p>
        Buckets with sample data, databases with tables, a Glue job that builds a table of orders, and SQL: all of it
        is yours, and is removed after {Math.min(72, limits.expires_in_hours)} hours unless you extend it. It takes a
        few minutes. Runs and queries are charged to your budget of {usd(limits.budget_usd)} for {limits.budget_days}{" "}
        days.
      </p>
      {creations.next_at && (
        <p role="note">
          You have created {creations.used} of {creations.limit} sandboxes within 24 hours. You can create the next
          one on {dateTime(creations.next_at)}.
        </p>
      )}
      {!isOpen && (
        <>
          <div class="actions">
            <button type="button" class="primary big" disabled={create.isBusy} onClick={() => void send({})}>
              {hasDraft ? "Create it with the defaults" : "Create my sandbox"}
            </button>
          </div>
          {hasDraft && (
            <p class="soft">You have changed settings below. Open them to create your sandbox with them.</p>
          )}
          <ProblemText problem={create.problem} />
        </>
      )}
      <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Choose settings</summary>
        {isOpen && <CreateForm draftKey={draftKey} problem={create.problem} isBusy={create.isBusy} send={send} />}
      </details>
    </Section>
  );
}

function CreateForm(props: {
  draftKey: string;
  problem: Parameters<typeof EditForm>[0]["problem"];
  isBusy: boolean;
  send: (settings: Body) => Promise<boolean>;
}) {
  const { root, problem } = useForm("EnvironmentRequest");
  const before = useMemo(() => root && group(root, {}), [root]);
  if (!root || !before) return problem ? <ProblemText problem={problem} /> : <Waiting what="the settings" />;
  return (
    <EditForm
      label="Settings"
      root={root}
      before={before}
      draftKey={props.draftKey}
      problem={props.problem}
      isBusy={props.isBusy}
      submit="Create my sandbox"
      onSubmit={props.send}
    />
  );
}

/** Change the settings, data set or release of a live environment. */
export function ChangePanel({ environment, onDone, onClose }: ActionProps & { onClose: () => void }) {
  const form = useForm("EnvironmentChange");
  const root = useMemo(() => form.root && changeable(form.root), [form.root]);
  const before = useMemo(
    () => root && group(root, current(environment)),
    [root, environment.id, environment.updated_at],
  );
  const change = useCommand((_, changes: Body) =>
    body(
      api.PATCH("/environments/{environment_id}", {
        params: { path: { environment_id: environment.id } },
        body: changes as never,
      }),
    ),
  );
  const box = useRef<HTMLParagraphElement>(null);
  // The button that opened it is gone.
  useEffect(() => box.current?.focus(), []);
  return (
    <Section title="Change settings">
      <p class="soft" ref={box} tabIndex={-1}>
        Only what you change is sent. Data that you wrote stay. Bucket names and the name of the main job cannot
        change.
      </p>
      {root && before ? (
        <EditForm
          label="Change settings"
          root={root}
          before={before}
          draftKey={`change.${environment.id}`}
          problem={change.problem}
          isBusy={change.isBusy}
          submit="Save changes"
          onSubmit={async (changes) => {
            const after = await change.run(changes);
            if (after) {
              onDone();
              onClose();
            }
            return after !== undefined;
          }}
          onCancel={onClose}
        />
      ) : form.problem ? (
        <ProblemText problem={form.problem} />
      ) : (
        <Waiting what="the settings" />
      )}
    </Section>
  );
}

/** What has a place of its own on the page, or cannot change. */
const ELSEWHERE = new Set(["/expires_in_hours", "/notifications"]);
const FIXED = new Set([
  "/settings/expires_in_hours",
  "/settings/buckets",
  "/settings/job/name",
  "/settings/job/files_prefix",
]);

function changeable(root: Node, pointer = ""): Node {
  const children = root.children
    .filter((child) => !ELSEWHERE.has(`${pointer}/${child.name}`) && !FIXED.has(`${pointer}/${child.name}`))
    .map((child) => (child.kind === "group" ? changeable(child, `${pointer}/${child.name}`) : child));
  return { ...root, children };
}

/** The environment as values of the form: its jobs after the main one apart. */
function current(environment: Environment): Record<string, unknown> {
  const { settings, data, release } = environment;
  return { data, release, settings: { ...settings, jobs: settings.jobs.slice(1) } };
}
