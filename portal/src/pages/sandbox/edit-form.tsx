/** A form of settings: keeps what is typed, sends what changed, and shows the API's errors beside their fields. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { FieldProblem, Problem } from "../../api/schema";
import { ProblemText } from "../../ui/basics";
import { useDraft } from "../../ui/draft";
import { focusFirstError } from "../../ui/form";
import type { Node } from "./schema";
import { Fields, Group, isShown } from "./schema-form";
import {
  changedAt,
  chosen,
  difference,
  leaves,
  pointerOf,
  type Json,
  type Path,
  type Value,
  type Values,
} from "./values";

export type Body = Record<string, Json>;

interface EditFormProps {
  label: string;
  root: Node;
  before: Values;
  draftKey: string;
  problem: Problem | undefined;
  isBusy: boolean;
  submit: string;
  /** Send it. Return whether it was accepted: then the draft is forgotten. */
  onSubmit: (body: Body) => Promise<boolean>;
  onCancel?: () => void;
}

export function EditForm(props: EditFormProps) {
  const { label, root, before, draftKey, problem, isBusy, submit, onSubmit, onCancel } = props;
  const [draft, setDraft] = useDraft<Values>(draftKey);
  const [edited, setEdited] = useState<string[]>([]);
  const [hasJobs, setHasJobs] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const values = useMemo(() => ({ ...before, ...draft }), [before, draft]);
  const body = useMemo(() => bodyOf(root, before, values), [root, before, values]);
  const settings = root.children.find((child) => child.name === "settings");
  const errors = (problem?.errors ?? [])
    .map((each) => (hasJobs ? ofForm(each) : each))
    .filter((each) => each.pointer && !edited.some((pointer) => `${each.pointer}/`.startsWith(`${pointer}/`)));

  useEffect(() => {
    if (problem) focusFirstError(form.current);
  }, [problem]);

  const onChange = (path: Path, value: Value) => {
    setDraft(changedAt(values, path, value) as Values);
    setEdited([...edited, pointerOf(path)]);
  };
  const send = async (event: Event) => {
    event.preventDefault();
    setEdited([]);
    setHasJobs(JSON.stringify(body).includes('"jobs":'));
    if (await onSubmit(body)) setDraft(undefined);
  };
  const count = leaves(body);
  const shared = { onChange, errors };
  return (
    <form class="edit" aria-label={label} ref={form} onSubmit={(event) => void send(event)} noValidate>
      {settings && (
        <Fields
          {...shared}
          node={{ ...root, children: root.children.filter((child) => child !== settings) }}
          path={[]}
          values={values}
          before={before}
        />
      )}
      <Topics
        {...shared}
        node={settings ?? root}
        path={settings ? ["settings"] : []}
        values={(settings ? values.settings : values) as Values}
        before={(settings ? before.settings : before) as Values}
      />
      <ProblemText problem={problem} without={(pointer) => isShown(root, hasJobs ? formPointer(pointer) : pointer)} />
      <div class="actions">
        <button type="submit" class="primary" disabled={isBusy || (onCancel !== undefined && count === 0)}>
          {submit}
        </button>
        {onCancel && (
          <button
            type="button"
            onClick={() => {
              setDraft(undefined);
              onCancel();
            }}
          >
            Discard
          </button>
        )}
        <span class="soft" role="status">
          {count === 0 ? "Nothing changed yet." : `${count} changed.`}
        </span>
      </div>
    </form>
  );
}

/** Fields that belong together are found by their names, so that those of later releases find their place. */
const TOPICS: [title: string, names: RegExp][] = [
  ["Storage and data", /bucket|data|public/],
  ["Athena", /athena/],
  ["Encryption and access", /kms|encrypt|security|role/],
];

type TopicsProps = Parameters<typeof Fields>[0];

function Topics({ node, values, before, ...rest }: TopicsProps) {
  const isGroup = (child: Node) => child.kind === "group" || child.kind === "groups";
  const topicOf = (child: Node) => TOPICS.find(([, names]) => names.test(child.name))?.[0];
  const first = node.children.filter((child) => FIRST.has(child.name));
  const others = node.children.filter((child) => !first.includes(child));
  const part = (title: string, children: Node[]) => {
    if (children.length === 0) return null;
    const changes = children.reduce(
      (sum, child) => sum + leaves(difference(child, before?.[child.name], values[child.name])),
      0,
    );
    return (
      <Group key={title} title={title} changes={changes}>
        <Fields {...rest} node={{ ...node, children }} values={values} before={before} />
      </Group>
    );
  };
  return (
    <>
      <Fields {...rest} node={{ ...node, children: first }} values={values} before={before} />
      {TOPICS.map(([title]) =>
        part(
          title,
          others.filter((child) => topicOf(child) === title),
        ),
      )}
      <Fields
        {...rest}
        node={{ ...node, children: others.filter((child) => isGroup(child) && !topicOf(child)) }}
        values={values}
        before={before}
      />
      {part(
        "More settings",
        others.filter((child) => !isGroup(child) && !topicOf(child)),
      )}
    </>
  );
}

const FIRST = new Set(["mode", "expires_in_hours", "data"]);

/**
 * Return the request's body: what changed.
 *
 * The form has the main job apart from further ones; the API has `job`, or `jobs` with the main job first.
 */
function bodyOf(root: Node, before: Values, now: Values): Body {
  const body = (difference(root, before, now) ?? {}) as Body;
  const settings = root.children.find((child) => child.name === "settings");
  if (settings && body.settings) {
    return { ...body, settings: withJobs(settings, body.settings as Body, now.settings as Values) };
  }
  return settings ? body : withJobs(root, body, now);
}

function withJobs(node: Node, body: Body, now: Values): Body {
  const further = node.children.find((child) => child.name === "jobs");
  if (!Array.isArray(body.jobs) || further === undefined) return body;
  const { job: _, ...rest } = body;
  return { ...rest, jobs: [chosen(further, now.job as Values), ...body.jobs] };
}

const ofForm = (each: FieldProblem): FieldProblem => ({
  ...each,
  pointer: each.pointer && formPointer(each.pointer),
});

/** The form's pointer of one into a body with `jobs`. */
function formPointer(pointer: string): string {
  return pointer.replace(/^(\/settings)?\/jobs\/(\d+)/, (_, prefix: string | undefined, index: string) =>
    index === "0" ? `${prefix ?? ""}/job` : `${prefix ?? ""}/jobs/${Number(index) - 1}`,
  );
}

/** Name the further jobs: the form has the main job in a group of its own. */
export function withFurtherJobs(node: Node): Node {
  const children = node.children.map((child) => {
    if (child.name === "settings") return withFurtherJobs(child);
    if (child.name !== "jobs") return child;
    const description = "Further jobs of a sandbox in production mode.";
    const maxItems = child.maxItems === undefined ? undefined : child.maxItems - 1;
    return { ...child, label: "More jobs", description, maxItems };
  });
  return { ...node, children };
}
