/** What budgets were charged, by day and by owner, and estimates of what they are not charged. */

import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { decoded } from "../../address";
import { store, useStore } from "../../store";
import { useHashLocation } from "wouter-preact/use-hash-location";
import type { UsageItem, UsageRule } from "../../api/schema";
import { Facts, ProblemText, Section, Waiting } from "../../ui/basics";
import { CardTable, Cell, Head } from "../../ui/cells";
import { BarChart, RowChart, type Point } from "../../ui/chart";
import { CsvDownload } from "../../ui/download";
import { Field } from "../../ui/form";
import { bytes, count, plural, usd } from "../../ui/format";
import { dayAfter, daysOf, useUsage, type Used } from "./usage";

const ROOT = "/admin/spend";
const MOST_BARS = 20;

interface Period {
  from: string;
  /** The last day, which is included. */
  until: string;
  kind: "" | "run" | "query";
}

const today = (): string => new Date().toISOString().slice(0, 10);
const period = store<Period>({ from: `${today().slice(0, 7)}-01`, until: today(), kind: "" });

export function SpendPage() {
  const [location] = useHashLocation();
  const owner = decoded(location.slice(ROOT.length + 1));
  const { from, until, kind } = useStore(period);
  const query = [
    `from=${from}`,
    `to=${until ? dayAfter(until) : ""}`,
    ...(kind ? [`kind=${kind}`] : []),
    ...(owner ? [`owner=${encodeURIComponent(owner)}`] : []),
  ].join("&");
  const days = useUsage(`/usage?by=day&${query}`);
  const groups = useUsage(`/usage?by=${owner ? "environment" : "owner"}&${query}`);
  const refresh = () => {
    days.refresh();
    groups.refresh();
  };
  return (
    <>
      <div class="card-head">
        <h1>{owner ? `Spend of ${owner}` : "Spend"}</h1>
        <div class="actions">
          <CsvDownload path={`/usage?by=day,owner,environment&${query}`} name={`spend-${from}-${until}.csv`} />
          <button type="button" onClick={refresh}>
            Refresh
          </button>
        </div>
      </div>
      {owner && <Link href={ROOT}>Spend of all owners</Link>}
      <PeriodForm />
      <ProblemText problem={days.problem ?? groups.problem} />
      {days.data && groups.data ? (
        <Spent days={days.data} groups={groups.data} owner={owner} />
      ) : (
        !(days.problem || groups.problem) && <Waiting what="the spend" />
      )}
    </>
  );
}

function PeriodForm() {
  const { from, until, kind } = useStore(period);
  const change = (changes: Partial<Period>) => (period.value = { ...period.value, ...changes });
  const day = (label: string, name: "from" | "until") => (
    <label class="field">
      {label}
      <input
        type="date"
        required
        value={name === "from" ? from : until}
        onChange={({ currentTarget }) => currentTarget.value && change({ [name]: currentTarget.value })}
      />
    </label>
  );
  return (
    <form class="card" onSubmit={(event) => event.preventDefault()}>
      <div class="filter-fields">
        {day("From", "from")}
        {day("Until (included)", "until")}
        <Field
          kind="select"
          label="Kind"
          value={kind}
          onChange={(value) => change({ kind: value as Period["kind"] })}
          options={[
            { value: "", label: "Job runs and queries" },
            { value: "run", label: "Job runs only" },
            { value: "query", label: "Queries only" },
          ]}
        />
      </div>
      <p class="soft">Days are in UTC. At most 92 days.</p>
    </form>
  );
}

function Spent({ days, groups, owner }: { days: Used; groups: Used; owner: string }) {
  const { totals, usage } = days;
  const hasEstimates = totals.estimated_kms_usd !== null;
  const byDay = new Map(days.items.map((item) => [item.day, item]));
  const points = (values: (item: UsageItem | undefined) => number[]): Point[] =>
    daysOf(usage.from_day, usage.to_day).map((day) => ({ label: nameOfDay(day), values: values(byDay.get(day)) }));
  return (
    <>
      <Section title="Totals">
        <Facts
          items={[
            ["Charged to budgets", <strong>{usd(totals.settled_usd)}</strong>],
            [
              "Job runs (Glue)",
              `${usd(totals.glue_usd)} · ${plural(totals.runs, "run")} · ${(totals.dpu_seconds / 3600).toFixed(2)} DPU hours`,
            ],
            [
              "Queries (Athena)",
              `${usd(totals.athena_usd)} · ${count(totals.queries)} ${totals.queries === 1 ? "query" : "queries"} · ${bytes(totals.scanned_bytes)} scanned`,
            ],
            hasEstimates && ["KMS keys (estimate)", `about ${usd(totals.estimated_kms_usd ?? 0)}`],
            hasEstimates && ["S3 storage (estimate)", `about ${usd(totals.estimated_s3_usd ?? 0)}`],
          ]}
        />
        {!usage.is_complete && <p>The estimates leave out the oldest environments. Charged amounts are complete.</p>}
        <Rules rules={usage.rules} />
      </Section>
      <div class="columns">
        <Section title="Charged by day">
          <BarChart
            label="Charged to budgets by day, in US dollars"
            axis="Day (UTC)"
            series={[{ name: "Job runs (Glue)" }, { name: "Queries (Athena)" }]}
            points={points((item) => [item?.glue_usd ?? 0, item?.athena_usd ?? 0])}
            format={usd}
          />
        </Section>
        {hasEstimates && (
          <Section title="Estimates by day">
            <BarChart
              label="Estimated cost of keys and storage by day, in US dollars"
              axis="Day (UTC)"
              series={[
                { name: "KMS keys (estimate)", tone: "three" },
                { name: "S3 storage (estimate)", tone: "four" },
              ]}
              points={points((item) => [item?.estimated_kms_usd ?? 0, item?.estimated_s3_usd ?? 0])}
              format={usd}
            />
            <p class="soft">Estimates are not charged to budgets.</p>
          </Section>
        )}
      </div>
      <Groups items={groups.items} owner={owner} />
    </>
  );
}

const nameOfDay = (day: string): string =>
  new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(day));

/** Spend by owner, or that of one owner by environment. */
function Groups({ items, owner }: { items: UsageItem[]; owner: string }) {
  const [isWhole, setWhole] = useState(false);
  const sorted = [...items].sort((one, other) => other.settled_usd - one.settled_usd);
  const nameOf = (item: UsageItem) => (owner ? item.environment_id : item.owner) ?? "";
  const hrefOf = (item: UsageItem) =>
    owner ? `/admin/environments/${item.environment_id}` : `${ROOT}/${encodeURIComponent(item.owner ?? "")}`;
  const spenders = sorted.filter((item) => item.settled_usd > 0);
  return (
    <Section title={owner ? "By environment" : "By owner"}>
      {spenders.length > 0 ? (
        <RowChart
          label={`Charged to budgets by ${owner ? "environment" : "owner"}, in US dollars`}
          axis={owner ? "Environment" : "Owner"}
          series={[{ name: "Job runs (Glue)" }, { name: "Queries (Athena)" }]}
          points={spenders.slice(0, MOST_BARS).map((item) => ({
            label: nameOf(item),
            values: [item.glue_usd, item.athena_usd],
            href: `#${hrefOf(item)}`,
          }))}
          format={usd}
        />
      ) : (
        <p class="soft">Nothing was charged in this period.</p>
      )}
      <details open={isWhole} onToggle={(event) => setWhole(event.currentTarget.open)}>
        <summary>
          {owner ? "Environments" : "Owners"}: {count(sorted.length)}
        </summary>
        {isWhole && (
          <CardTable
            caption={owner ? "Spend by environment" : "Spend by owner"}
            columns={[
              { name: owner ? "Environment" : "Owner" },
              ...NUMBERS.map(([name]) => ({ name, isNumber: true })),
            ]}
          >
            {sorted.map((item) => (
              <tr key={nameOf(item)} role="row">
                <Head of={owner ? "Environment" : "Owner"}>
                  <Link href={hrefOf(item)}>{nameOf(item)}</Link>
                </Head>
                {NUMBERS.map(([name, text]) => (
                  <Cell key={name} of={name} isNumber>
                    {text(item)}
                  </Cell>
                ))}
              </tr>
            ))}
          </CardTable>
        )}
      </details>
    </Section>
  );
}

const NUMBERS: [string, (item: UsageItem) => string][] = [
  ["Runs", (item) => count(item.runs)],
  ["Glue", (item) => usd(item.glue_usd)],
  ["Queries", (item) => count(item.queries)],
  ["Athena", (item) => usd(item.athena_usd)],
  ["Charged", (item) => usd(item.settled_usd)],
  ["KMS (estimate)", (item) => (item.estimated_kms_usd === null ? "–" : usd(item.estimated_kms_usd))],
  ["S3 (estimate)", (item) => (item.estimated_s3_usd === null ? "–" : usd(item.estimated_s3_usd))],
];

function Rules({ rules }: { rules: UsageRule[] }) {
  return (
    <details>
      <summary>How these amounts are computed</summary>
      <ul>
        {rules.map((rule, at) => (
          <li key={at}>
            {rule.rule} {rule.basis === "estimated" && <span class="badge">Estimate</span>}{" "}
            <span class="soft">
              {usd(rule.price_usd)} {rule.unit}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
