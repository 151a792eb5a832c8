/** All that there is to see and do about one environment: the user's own, or another one for an admin. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Environment } from "../../api/schema";
import { Badge, Facts } from "../../ui/basics";
import { dateTime, timeZone } from "../../ui/format";
import { DeleteButton, ExtendButton, ResetButton, RetryButton, type ActionProps } from "./actions";
import { DriftPanel } from "./drift";
import { MoneyPanel } from "./money";
import { Announcement, ProgressPanel } from "./progress";
import { ReceiptPanel } from "./receipt";
import { typeInWords } from "./resource-words";
import { ResourcesPanel } from "./resources";
import { ChangePanel } from "./settings";
import { TimelinePanel } from "./timeline";
import { WebhookPanel } from "./webhook";
import "../../styles/sandbox.css";

interface EnvironmentPanelsProps extends ActionProps {
  /** Move the focus to the status, because what had it is gone. */
  takesFocus?: boolean | undefined;
  /** What follows the status. */
  children?: ComponentChildren;
}

export function EnvironmentPanels({ environment, onDone, takesFocus, children }: EnvironmentPanelsProps) {
  const [isChanging, setChanging] = useState(false);
  const [hasChanged, setChanged] = useState(false);
  const { status, outputs } = environment;
  const isGone = status === "DELETED";
  const isWhole = outputs !== null && !isGone && status !== "DELETING";
  return (
    <>
      <Announcement environment={environment} />
      <StatusPanel environment={environment} onDone={onDone} takesFocus={hasChanged ? !isChanging : takesFocus}>
        {isWhole && !isChanging && (
          <button type="button" onClick={() => setChanging(true)}>
            Change settings
          </button>
        )}
      </StatusPanel>
      <FailurePanel environment={environment} onDone={onDone} />
      <FrozenPanel environment={environment} />
      <WarningsPanel environment={environment} />
      <ProgressPanel environment={environment} />
      <ReceiptPanel environment={environment} />
      {isChanging && (
        <ChangePanel
          environment={environment}
          onDone={onDone}
          onClose={() => {
            setChanging(false);
            setChanged(true);
          }}
        />
      )}
      {children}
      {isWhole && <ResourcesPanel environment={environment} />}
      <div class="columns">
        <MoneyPanel environment={environment} />
        {isWhole && <DriftPanel environment={environment} />}
        {!isGone && <WebhookPanel environment={environment} onDone={onDone} />}
      </div>
      <TimelinePanel environment={environment} />
    </>
  );
}

function StatusPanel({ environment, onDone, takesFocus, children }: EnvironmentPanelsProps) {
  const { status, expires_at, created_at, release, data, mode, id } = environment;
  const heading = useRef<HTMLHeadingElement>(null);
  const isLive = status !== "DELETED" && status !== "DELETING";
  useEffect(() => {
    if (takesFocus) heading.current?.focus();
  }, [takesFocus]);
  return (
    <section class="card">
      <div class="card-head">
        <h2 ref={heading} tabIndex={-1}>
          {HEADINGS[status] ?? "Sandbox"} <Badge status={status} />
        </h2>
        <div class="actions">
          {isLive && <ExtendButton environment={environment} onDone={onDone} />}
          {children}
          {status === "READY" && <ResetButton environment={environment} onDone={onDone} />}
          {isLive && <DeleteButton environment={environment} onDone={onDone} />}
        </div>
      </div>
      <Facts
        items={[
          isLive && ["Expires", `in ${timeLeft(expires_at)}, on ${dateTime(expires_at)} ${timeZone()}`],
          ["Created", dateTime(created_at)],
          ["Data", `${data ?? "Default data"}, release ${release}`],
          ["Mode", mode === "learning" ? "Learning: the example job" : "Production: your own job"],
          ["ID", <code key="id">{id}</code>],
        ]}
      />
    </section>
  );
}

/** "2 days 23 hours" */
function timeLeft(until: string): string {
  const minutes = Math.max(0, Math.round((Date.parse(until) - Date.now()) / 60_000));
  const parts: [number, string][] = [
    [Math.floor(minutes / 1440), "day"],
    [Math.floor(minutes / 60) % 24, "hour"],
    [minutes % 60, "minute"],
  ];
  const first = Math.max(
    0,
    parts.findIndex(([number]) => number > 0),
  );
  return (
    parts
      .slice(first, first + 2)
      .filter(([number]) => number > 0)
      .map(([number, unit]) => `${number} ${unit}${number === 1 ? "" : "s"}`)
      .join(" ") || "less than a minute"
  );
}

const HEADINGS: Record<string, string> = {
  READY: "The sandbox is ready",
  FAILED: "The sandbox needs your attention",
  DELETED: "The sandbox is deleted",
  DELETING: "The sandbox is being deleted",
  UPDATING: "The sandbox is being changed",
  RESETTING: "The sandbox is being reset",
  QUEUED: "The sandbox is in the queue",
  CREATING: "The sandbox is being created",
  SEEDING: "The sandbox gets its data",
};

function FailurePanel({ environment, onDone }: ActionProps) {
  const { failure, status, reason } = environment;
  const isFailed = status === "FAILED";
  if (!failure && !(isFailed && reason)) return null;
  return (
    <section class="card problem" aria-labelledby="failure">
      <h2 id="failure">{isFailed ? "What went wrong" : "The last change did not succeed"}</h2>
      {failure ? (
        <>
          <p>
            {failure.resource && (
              <>
                {failure.type ? typeInWords(failure.type) : "Resource"} <code>{failure.resource}</code>:{" "}
              </>
            )}
            {failure.message}
          </p>
          <Facts items={[["Cause", CAUSES[failure.cause] ?? failure.cause]]} />
          <p>
            <strong>What to do:</strong> {failure.fix}
          </p>
        </>
      ) : (
        <p>{reason}</p>
      )}
      {isFailed && (
        <div class="actions">
          <RetryButton environment={environment} onDone={onDone} />
        </div>
      )}
    </section>
  );
}

const CAUSES: Record<string, string> = {
  permission: "A permission is missing",
  quota: "A limit of the AWS account is reached",
  name_conflict: "A name is already in use",
  throttling: "AWS is busy",
  invalid_request: "AWS does not accept a setting",
  internal: "An internal error of AWS",
};

function FrozenPanel({ environment: { frozen } }: { environment: Environment }) {
  if (!frozen) return null;
  const { by, by_type, since, reason, stopped_at } = frozen;
  return (
    <section class="card notice" aria-labelledby="frozen">
      <h2 id="frozen">Frozen {by_type === "service" ? "because of the budget" : `by ${by}`}</h2>
      <p>
        {reason} <span class="soft">· since {dateTime(since)}</span>
      </p>
      <p>
        Runs, queries, credentials and changes do not work until it is thawed.{" "}
        {by_type === "service"
          ? "That happens when you have budget again."
          : "An admin can thaw it: ask them if you need it."}{" "}
        You can still read and download everything, and delete the sandbox. It still expires.
      </p>
      {stopped_at === null && <p>What is active is being stopped.</p>}
    </section>
  );
}

function WarningsPanel({ environment: { warnings } }: { environment: Environment }) {
  if (warnings.length === 0) return null;
  return (
    <section class="card notice" aria-labelledby="warnings">
      <h2 id="warnings">Runs may fail</h2>
      <ul class="plain">
        {warnings.map((each) => (
          <li key={each.detail}>{each.detail}</li>
        ))}
      </ul>
    </section>
  );
}
