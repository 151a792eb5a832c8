/** The timeline of an environment: who did what and when, newest first. */

import { useEffect } from "preact/hooks";
import type { Environment, Event as Entry } from "../../api/schema";
import { ProblemText, Section, Waiting } from "../../ui/basics";
import { dateTime, timeZone } from "../../ui/format";
import { OlderButton, useNewest } from "../../ui/newest";
import { labelOf } from "./schema";

const PAGE = 15;

export function TimelinePanel({ environment }: { environment: Environment }) {
  const entries = useNewest<Entry>(
    `/environments/${environment.id}/events?limit=${PAGE}`,
    JSON.stringify,
    (entry) => entry.at,
    () => 15,
  );
  // A change of the environment is in the timeline as well.
  useEffect(entries.refresh, [environment.updated_at]);
  return (
    <Section title="Timeline" actions={<span class="soft">Times in {timeZone()}</span>}>
      <ProblemText problem={entries.problem} />
      {!entries.isLoaded && !entries.problem && <Waiting what="the timeline" />}
      <ol class="entries">
        {entries.items.map((each) => (
          <li key={JSON.stringify(each)}>
            <OneEntry entry={each} />
          </li>
        ))}
      </ol>
      <OlderButton list={entries}>Show earlier entries</OlderButton>
    </Section>
  );
}

function OneEntry({ entry }: { entry: Entry }) {
  const { detail } = entry;
  const frozen = entry.changes.find((each) => each.pointer === "/frozen")?.new as
    { reason?: string } | null | undefined;
  const changes = entry.changes.filter((each) => each.pointer !== "/frozen");
  const why = textOf(detail?.why) ?? textOf(detail?.reason) ?? frozen?.reason;
  const details = flat({ ...detail, why: undefined, reason: undefined });
  const isStatus = entry.action === "status_changed";
  return (
    <>
      <time dateTime={entry.at} class="soft">
        {dateTime(entry.at)}
      </time>
      <div>
        <strong>{actorOf(entry)}</strong> {sentenceOf(entry)}
        {why && <span class="soft"> ({why})</span>}
        {!isStatus && changes.length > 0 && (
          <ul class="plain">
            {changes.map((each) => (
              <li key={each.pointer}>
                {each.pointer.slice(1).split("/").map(labelOf).join(" › ")}: {shown(each.old)} → {shown(each.new)}
              </li>
            ))}
          </ul>
        )}
        {!isStatus && details.length > 0 && (
          <details>
            <summary>Details</summary>
            <ul class="plain">
              {details.map(([name, value]) => (
                <li key={name}>
                  {name}: {value}
                </li>
              ))}
            </ul>
          </details>
        )}
      </div>
    </>
  );
}

function actorOf({ actor, actor_type, as_admin }: Entry): string {
  if (actor_type === "service") return "The service";
  if (actor_type === "schedule") return "The schedule";
  return as_admin ? `${actor} (admin)` : actor;
}

const SENTENCES: Record<string, string> = {
  requested: "asked for the sandbox",
  extended: "changed the expiration",
  change_requested: "changed settings",
  reset_requested: "asked for a reset",
  retry_requested: "tried again",
  delete_requested: "asked for the deletion",
  job_file_put: "uploaded a job file",
  job_folder_put: "uploaded a folder of job files",
  job_file_deleted: "deleted a job file",
  run_requested: "started a run",
  run_stop_requested: "stopped a run",
  run_ended: "recorded the end of a run",
  run_skipped: "skipped a scheduled run",
  run_cost_more: "recorded more cost of a run",
  notifications_changed: "changed the notifications",
  credentials_issued: "got AWS credentials",
  resource_failed: "saw a resource fail",
  delayed: "is delayed by AWS",
  cleaned_up: "removed the resources of a failed creation",
  drift_reverted: "reverted changes by hand",
  expiry_warned: "warned that it expires soon",
  budget_warned: "warned about the budget",
  frozen: "froze it",
  thawed: "thawed it",
};

function sentenceOf({ action, detail, changes }: Entry): string {
  if (action === "status_changed") {
    const change = changes.find((each) => each.pointer === "/status");
    return `made it ${String(change?.new ?? detail?.to ?? "")}`;
  }
  return SENTENCES[action] ?? labelOf(action).toLowerCase();
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** Names and values of an object of any depth. Values that are the default of nothing are left out. */
function flat(value: unknown, name = ""): [name: string, value: string][] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value) && value.every((each) => typeof each !== "object")) {
    return value.length > 0 ? [[name, value.join(", ")]] : [];
  }
  if (typeof value === "object") {
    return Object.entries(value).flatMap(([key, part]) =>
      flat(part, [name, labelOf(key)].filter(Boolean).join(" › ")),
    );
  }
  return [[name, shown(value)]];
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === "") return "nothing";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return dateTime(value);
  if (typeof value !== "object") return String(value);
  return flat(value)
    .map(([name, text]) => (name ? `${name} ${text}` : text))
    .join(", ");
}
