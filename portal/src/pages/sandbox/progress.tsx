/** What is happening to an environment: the queue, resource by resource, and the time that is left. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Environment } from "../../api/schema";
import { Section } from "../../ui/basics";
import { duration } from "../../ui/format";
import { useNow } from "../../ui/use-now";
import { statusInWords, typeInWords } from "./resource-words";

const CHANGING = new Set(["QUEUED", "CREATING", "SEEDING", "UPDATING", "RESETTING", "DELETING"]);

export function ProgressPanel({ environment }: { environment: Environment }) {
  const now = useNow(CHANGING.has(environment.status));
  const { status, progress } = environment;
  if (!CHANGING.has(status)) return null;
  const hasBar = status === "CREATING" || status === "DELETING";
  const left = hasBar ? secondsLeft(environment, now) : null;
  return (
    <Section title="Progress">
      <p>{sentence(environment)}</p>
      {hasBar && progress.total > 0 && (
        <>
          <progress aria-label="Resources" max={progress.total} value={progress.done} />
          <p class="soft">
            {progress.done} of {progress.total} resources {status === "CREATING" ? "created" : "removed"}.{" "}
            {left !== null && `About ${duration(left)} left.`}
          </p>
        </>
      )}
      {status === "SEEDING" && <progress aria-label="Copying data" />}
      {hasBar && <ResourceList environment={environment} />}
    </Section>
  );
}

const TITLES: Record<string, string> = {
  QUEUED: "Waiting for its turn",
  CREATING: "Being created",
  SEEDING: "Copying the data",
  UPDATING: "Being changed",
  RESETTING: "Being reset",
  DELETING: "Being deleted",
};

/** One sentence on what happens now. */
function sentence({ status, queue, progress, reason }: Environment): string {
  switch (status) {
    case "QUEUED": {
      if (!queue || queue.position === 0) return "Its creation is about to start.";
      const eta =
        queue.eta_seconds === null
          ? "Its creation starts when another sandbox is deleted."
          : `Its creation starts in about ${duration(queue.eta_seconds)}.`;
      return `Many sandboxes are being created. Yours is number ${queue.position} in the queue. ${eta}`;
    }
    case "CREATING":
      return "AWS creates its resources one after the other. You can leave this page: the work goes on.";
    case "SEEDING":
      return "Its resources exist. Now the data and the scripts are copied into its buckets.";
    case "UPDATING":
      return reason ?? "Its resources are being changed. Data that you wrote stay.";
    case "RESETTING":
      return reason ?? "Its resources, data and scripts become those of the release again.";
    case "DELETING":
      return reason ?? "Its resources are being removed, and each removal is verified.";
    default:
      return reason ?? `${progress.done} of ${progress.total} resources`;
  }
}

function ResourceList({ environment }: { environment: Environment }) {
  const { status, progress } = environment;
  const isDeletion = status === "DELETING";
  const shown = isDeletion
    ? progress.resources.filter((each) => each.status.startsWith("DELETE"))
    : progress.resources;
  return (
    <ul class="resource-list" aria-label="Resources">
      {shown.map((each) => {
        const { phase, words } = statusInWords(each.status);
        return (
          <li key={each.logical_id} class={phase}>
            <span aria-hidden="true">{MARKS[phase]}</span>
            <span>
              {typeInWords(each.type)} <code>{each.logical_id}</code> <span class="soft">{words}</span>
              {each.reason && phase !== "done" && <span class="soft">: {each.reason}</span>}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

const MARKS = { done: "✓", busy: "…", failed: "✗" };

/** Estimate from the time that the finished resources took. Null until there is something to estimate from. */
function secondsLeft({ progress, updated_at }: Environment, now: number): number | null {
  const elapsed = (now - Date.parse(updated_at)) / 1000;
  if (progress.done < 1 || progress.done >= progress.total || elapsed <= 0) return null;
  return Math.max(1, (elapsed / progress.done) * (progress.total - progress.done));
}

/** Tells assistive technology of a new status and of each half of the way, not of every resource. */
export function Announcement({ environment }: { environment: Environment }) {
  const { status, progress, failure } = environment;
  const isHalf = status === "CREATING" && progress.total > 0 && progress.done * 2 >= progress.total;
  const text =
    status === "FAILED"
      ? `Failed: ${failure?.message ?? environment.reason ?? ""}`
      : `${STATES[status] ?? status}${isHalf ? ", half done" : ""}.`;
  const first = useRef(text);
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (text !== first.current) {
      first.current = "";
      setSaid(text);
    }
  }, [text]);
  return (
    <div class="visually-hidden" role="status">
      {said}
    </div>
  );
}

const STATES: Record<string, string> = {
  ...TITLES,
  READY: "The sandbox is ready",
  DELETED: "The sandbox is deleted",
};
