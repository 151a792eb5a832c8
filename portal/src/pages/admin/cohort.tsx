/** One cohort: its progress, failures, members, and actions. */

import { useEffect } from "preact/hooks";
import { Link } from "wouter-preact";
import { memo } from "../../ui/memo";
import type { Cohort, CohortMember } from "../../api/schema";
import { useGet } from "../../api/use-get";
import { usePages } from "../../api/use-pages";
import { Badge, Facts, ProblemText, Section, Waiting } from "../../ui/basics";
import { CardTable, Cell, Head } from "../../ui/cells";
import { RowChart } from "../../ui/chart";
import { CsvDownload } from "../../ui/download";
import { count, dateTime, usd } from "../../ui/format";
import { CohortActions } from "./cohort-actions";
import { wordsOf } from "./cohort-plan";
import { ACTIONS, CohortState, outcomesText } from "./cohorts";
import { useGrowing } from "./growing";

export function CohortPage({ id }: { id: string }) {
  const got = useGet<Cohort>(`/cohorts/${id}`, { every: 30 });
  const cohort = got.data;
  return (
    <>
      <Link href="/admin/cohorts">All cohorts</Link>
      <h1>{cohort?.name ?? "Cohort"}</h1>
      <ProblemText problem={got.problem} />
      {cohort ? <Content cohort={cohort} refresh={got.refresh} /> : !got.problem && <Waiting what="the cohort" />}
    </>
  );
}

function Content({ cohort, refresh }: { cohort: Cohort; refresh: () => void }) {
  const { action, outcomes, environments, failures } = cohort;
  const left = outcomes["PENDING"] ?? 0;
  const statuses = Object.entries(environments);
  return (
    <>
      <Section title="Actions">
        <CohortActions cohort={cohort} onDone={refresh} />
      </Section>
      <div class="columns">
        <Section title="Last action">
          <p>
            <CohortState status={cohort.status} /> {ACTIONS[action.action].name}
            {action.hours !== null && ` by ${action.hours} hours from then`}, requested by {action.by},{" "}
            {dateTime(action.at)}
            {action.reason && `: ${action.reason}`}
          </p>
          <label class="progress">
            {outcomesText(outcomes)} of {count(cohort.members)} members
            <progress max={cohort.members} value={cohort.members - left} />
          </label>
          {cohort.counted_at && <p class="soft">Counted {dateTime(cohort.counted_at)}, about once a minute.</p>}
          {cohort.warnings.map((each) => (
            <p key={each} class="notice busy">
              {each}
            </p>
          ))}
        </Section>
        <Section title="Environments by status">
          {statuses.length > 0 ? (
            <RowChart
              label="Environments of the members by status"
              axis="Status"
              series={[{ name: "Environments" }]}
              points={statuses.map(([status, number]) => ({
                label: status === "NONE" ? "No environment" : wordsOf(status.toLowerCase()),
                values: [number],
              }))}
            />
          ) : (
            <p class="soft">Not counted yet.</p>
          )}
          {cohort.frozen > 0 && <p>{count(cohort.frozen)} are frozen.</p>}
        </Section>
        <Section title="Settings of new environments">
          <Facts
            items={[
              ["Data set", cohort.data ?? "Default"],
              ["Release", cohort.release],
              [
                "Expire",
                cohort.expires_at
                  ? dateTime(cohort.expires_at)
                  : `${cohort.settings.expires_in_hours} hours after creation`,
              ],
              ["Workers", `${cohort.settings.job.number_of_workers} × ${cohort.settings.job.worker_type}`],
              ["Created", `${dateTime(cohort.created_at)} by ${cohort.created_by}`],
            ]}
          />
        </Section>
      </div>
      {failures.length > 0 && (
        <Section title="Failures">
          <ul>
            {failures.map((each) => (
              <li key={each.owner}>
                <strong>{each.owner}</strong>: {each.detail}
              </li>
            ))}
          </ul>
          <p class="soft">The table of members has all of them. “Create” tries failed creations again.</p>
        </Section>
      )}
      <Members cohort={cohort} />
    </>
  );
}

function Members({ cohort }: { cohort: Cohort }) {
  const members = usePages<CohortMember>([`/cohorts/${cohort.id}/members?limit=100`], (each) => each.owner, {
    every: cohort.status === "SETTLED" ? 120 : 15,
  });
  // New numbers of the cohort mean that its members changed.
  useEffect(members.refresh, [cohort.counted_at, cohort.updated_at]);
  const { drawn, more } = useGrowing(members.items);
  return (
    <Section
      title={`Members: ${count(cohort.members)}`}
      actions={<CsvDownload path={`/cohorts/${cohort.id}/members`} name={`cohort-${cohort.id}.csv`} />}
    >
      <ProblemText problem={members.problem} />
      {members.items.length === 0 && !members.problem && <Waiting what="the members" />}
      <CardTable
        caption="Members"
        columns={["Owner", "Last action", "Environment", "Expires", "Spent"].map((name) => ({
          name,
          isNumber: name === "Spent",
        }))}
      >
        {drawn.map((each) => (
          <MemberRow key={each.owner} member={each} />
        ))}
      </CardTable>
      {more}
    </Section>
  );
}

const OUTCOMES: Record<CohortMember["outcome"], string> = {
  PENDING: "busy",
  DONE: "good",
  SKIPPED: "",
  FAILED: "bad",
};

const MemberRow = memo(function MemberRow({ member }: { member: CohortMember }) {
  return (
    <tr role="row">
      <Head of="Owner">{member.owner}</Head>
      <Cell of="Last action">
        <span class={`badge ${OUTCOMES[member.outcome]}`}>{wordsOf(member.outcome.toLowerCase())}</span>{" "}
        {member.detail && <span class="soft">{member.detail}</span>}
      </Cell>
      <Cell of="Environment">
        {member.environment_id ? (
          <>
            <Link href={`/admin/environments/${member.environment_id}`}>{member.environment_id}</Link>{" "}
            {member.status && <Badge status={member.status} />}{" "}
            {member.is_frozen && <span class="badge">Frozen</span>}
          </>
        ) : (
          <span class="soft">None</span>
        )}
      </Cell>
      <Cell of="Expires">{member.expires_at && dateTime(member.expires_at)}</Cell>
      <Cell of="Spent" isNumber>
        {usd(member.spent_usd)}
      </Cell>
    </tr>
  );
});
