/** All environments: counts, filters, the queue, failures by cause, and what expires soon. */

import { useMemo } from "preact/hooks";
import { Link } from "wouter-preact";
import type { Failure, Status } from "../../api/schema";
import { usePages, type Pages } from "../../api/use-pages";
import { ProblemText, Section, Waiting } from "../../ui/basics";
import { RowChart } from "../../ui/chart";
import { Field } from "../../ui/form";
import { capitalized, count, dateTime, duration, fromNow } from "../../ui/format";
import { CAUSES, change, counts, EVERYTHING, listsOf, LIVE, shown, view, type Row } from "./rows";
import { useStore } from "../../store";
import { EnvironmentTable } from "./table";

const SOON_HOURS = 24;
const SHORT_LIST = 5;

export function Overview({ live, cause }: { live: Pages<Row>; cause: Failure["cause"] | "" }) {
  const filters = useStore(view);
  const hasDeleted = filters.statuses.has("DELETED");
  const deleted = usePages<Row>(hasDeleted ? listsOf(["DELETED"]) : [], (row) => row.id);
  const now = { ...filters, cause };
  const rows = useMemo(
    () => shown([...live.items, ...deleted.items], now),
    [live.items, deleted.items, filters, cause],
  );
  const isComplete = live.isComplete && deleted.isComplete;
  return (
    <>
      <div class="card-head">
        <h1>Admin</h1>
        <Loaded live={live} isComplete={isComplete} />
      </div>
      <ProblemText problem={live.problem ?? deleted.problem} />
      <div class="columns">
        <Queue rows={live.items} isComplete={live.isComplete} />
        <Failures rows={live.items} isComplete={live.isComplete} />
        <Expiring rows={live.items} isComplete={live.isComplete} />
      </div>
      <Section title="Environments">
        <Filters rows={live.items} deleted={hasDeleted ? deleted.items.length : null} cause={cause} />
        <p role="status" class="soft">
          {isComplete ? "" : "Loading … "}
          {count(rows.length)} of {count(live.items.length + deleted.items.length)} environments
        </p>
        <EnvironmentTable rows={rows} isComplete={isComplete} />
      </Section>
    </>
  );
}

function Loaded({ live, isComplete }: { live: Pages<Row>; isComplete: boolean }) {
  return (
    <div class="actions">
      <span class="soft">
        {isComplete && live.loadedAt !== null
          ? `As of ${new Date(live.loadedAt).toLocaleTimeString()}. Checked every 30 seconds.`
          : "Loading …"}
      </span>
      <button type="button" onClick={live.refresh}>
        Refresh
      </button>
    </div>
  );
}

function Filters({ rows, deleted, cause }: { rows: Row[]; deleted: number | null; cause: string }) {
  const { statuses, search, owner, frozen } = useStore(view);
  const numbers = new Map(counts(rows, (row) => row.status));
  const owners = useMemo(() => [...new Set(rows.map((row) => row.owner))].sort(), [rows]);
  const isFiltered = statuses.size > 0 || search || owner || frozen || cause;
  const toggle = (status: Status) => {
    const changed = new Set(statuses);
    if (!changed.delete(status)) changed.add(status);
    change({ statuses: changed });
  };
  return (
    <form class="filters" role="search" aria-label="Filter environments" onSubmit={(event) => event.preventDefault()}>
      <div class="statuses" role="group" aria-label="Status">
        {[...LIVE, "DELETED" as const].map((status) => (
          <button key={status} type="button" aria-pressed={statuses.has(status)} onClick={() => toggle(status)}>
            {nameOf(status)}
            <span class="soft">{status === "DELETED" ? (deleted ?? "") : (numbers.get(status) ?? 0)}</span>
          </button>
        ))}
      </div>
      <div class="filter-fields">
        <Field label="Search" value={search} onChange={(value) => change({ search: value })} />
        <Field
          kind="select"
          label="Owner"
          value={owner}
          onChange={(value) => change({ owner: value })}
          options={[{ value: "", label: "All" }, ...owners.map((each) => ({ value: each, label: each }))]}
        />
        <Field
          kind="select"
          label="Frozen"
          value={frozen}
          onChange={(value) => change({ frozen: value as typeof frozen })}
          options={[
            { value: "", label: "All" },
            { value: "yes", label: "Only frozen" },
            { value: "no", label: "Not frozen" },
          ]}
        />
        {isFiltered && (
          <Link href="/admin" class="button" onClick={() => change(EVERYTHING)}>
            Clear all filters
          </Link>
        )}
      </div>
      {cause && (
        <p>
          Only failures with the cause <strong>{CAUSES[cause as Failure["cause"]] ?? cause}</strong>.{" "}
          <Link href="/admin">Show all</Link>
        </p>
      )}
    </form>
  );
}

const nameOf = (status: Status): string => capitalized(status.toLowerCase());

function Queue({ rows, isComplete }: { rows: Row[]; isComplete: boolean }) {
  const queued = rows
    .filter((row) => row.status === "QUEUED")
    .sort((one, other) => (one.queue?.position ?? 0) - (other.queue?.position ?? 0));
  return (
    <Section title={`Queue${queued.length > 0 ? `: ${count(queued.length)} waiting` : ""}`}>
      <Short rows={queued} isComplete={isComplete} none="Nothing waits. New environments are created at once.">
        {({ queue }) =>
          queue?.position === 0
            ? "is about to start"
            : queue?.eta_seconds == null
              ? "starts when an environment is deleted"
              : `starts in about ${duration(Math.ceil(queue.eta_seconds / 60) * 60).replace(/ 0 s$/, "")}`
        }
      </Short>
    </Section>
  );
}

function Failures({ rows, isComplete }: { rows: Row[]; isComplete: boolean }) {
  const causes = counts(rows, (row) => row.failure?.cause);
  return (
    <Section title="Failures by cause">
      {causes.length > 0 ? (
        <>
          <RowChart
            label="Environments whose last operation failed, by cause"
            axis="Cause"
            series={[{ name: "Environments", tone: "bad" }]}
            points={causes.map(([cause, number]) => ({
              label: CAUSES[cause] ?? cause,
              values: [number],
              href: `#/admin/failures/${cause}`,
            }))}
          />
          <p class="soft">A cause leads to its environments in the table below.</p>
        </>
      ) : isComplete ? (
        <p class="soft">No environment has a failure.</p>
      ) : (
        <Waiting what="the environments" />
      )}
    </Section>
  );
}

function Expiring({ rows, isComplete }: { rows: Row[]; isComplete: boolean }) {
  const until = new Date(Date.now() + SOON_HOURS * 3_600_000).toISOString();
  const soon = rows
    .filter((row) => row.status !== "DELETING" && row.expires_at < until)
    .sort((one, other) => (one.expires_at < other.expires_at ? -1 : 1));
  return (
    <Section title={`Expiring within ${SOON_HOURS} hours${soon.length > 0 ? `: ${count(soon.length)}` : ""}`}>
      <Short rows={soon} isComplete={isComplete} none={`Nothing expires within ${SOON_HOURS} hours.`}>
        {(row) => <span title={dateTime(row.expires_at)}>{fromNow(row.expires_at)}</span>}
      </Short>
    </Section>
  );
}

/** The first rows of a list, each with what is said about it. The table has the others. */
function Short({
  rows,
  isComplete,
  none,
  children,
}: {
  rows: Row[];
  isComplete: boolean;
  none: string;
  children: (row: Row) => preact.ComponentChildren;
}) {
  if (rows.length === 0) return isComplete ? <p class="soft">{none}</p> : <Waiting what="the environments" />;
  return (
    <>
      <ol class="short">
        {rows.slice(0, SHORT_LIST).map((row) => (
          <li key={row.id}>
            <Link href={`/admin/environments/${row.id}`}>{row.owner}</Link> <span class="soft">{children(row)}</span>
          </li>
        ))}
      </ol>
      {rows.length > SHORT_LIST && <p class="soft">and {count(rows.length - SHORT_LIST)} more in the table</p>}
    </>
  );
}
