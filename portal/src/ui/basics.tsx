/** Small parts that every page uses. */

import type { ComponentChildren } from "preact";
import type { Problem } from "../api/schema";

/** A place whose content is on its way. */
export function Waiting({ what }: { what: string }) {
  return (
    <p class="waiting" role="status">
      Loading {what} …
    </p>
  );
}

/** A section with a heading, and actions beside it. */
export function Section({
  title,
  actions,
  children,
}: {
  title: string;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="card">
      <div class="card-head">
        <h2>{title}</h2>
        {actions && <div class="actions">{actions}</div>}
      </div>
      {children}
    </section>
  );
}

/** An error response of the API. Errors of fields that the page shows elsewhere are left out with `without`. */
export function ProblemText({
  problem,
  without,
}: {
  problem: Problem | undefined;
  without?: (pointer: string) => boolean;
}) {
  if (!problem) return null;
  const errors = (problem.errors ?? []).filter((each) => !(each.pointer && without?.(each.pointer)));
  return (
    <div class="problem" role="alert">
      <strong>{problem.title}</strong>
      {problem.detail && problem.detail !== problem.title && <p>{problem.detail}</p>}
      {errors.length > 0 && (
        <ul>
          {errors.map((each) => (
            <li key={each.pointer}>
              <code>{each.pointer ?? each.parameter ?? each.path}</code> {each.detail}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

const TONES: Record<string, string> = {
  READY: "good",
  SUCCEEDED: "good",
  FAILED: "bad",
  ERROR: "bad",
  TIMEOUT: "bad",
  DELETED: "still",
  STOPPED: "still",
  CANCELLED: "still",
};

/** Status of an environment, a run or a query. */
export function Badge({ status }: { status: string }) {
  return <span class={`badge ${TONES[status] ?? "busy"}`}>{status}</span>;
}

type Fact = [name: string, value: ComponentChildren];

/** Names and values, as a description list. Facts that are false are left out. */
export function Facts({ items }: { items: (Fact | false)[] }) {
  return (
    <dl class="facts">
      {items
        .filter((each) => each !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
