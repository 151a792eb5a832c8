/** Cohorts: the environments of classes. */

import { Link } from "wouter-preact";
import type { Cohort } from "../../api/schema";
import { usePages } from "../../api/use-pages";
import { ProblemText, Waiting } from "../../ui/basics";
import { CardTable, Cell, Head } from "../../ui/cells";
import { count, dateTime } from "../../ui/format";
import { useGrowing } from "./growing";

type Listed = Pick<
  Cohort,
  "id" | "name" | "status" | "members" | "outcomes" | "action" | "created_by" | "created_at"
>;

const LIST = ["/cohorts?limit=100&fields=id,name,status,members,outcomes,action,created_by,created_at"];

export function CohortsPage() {
  const cohorts = usePages<Listed>(LIST, (each) => each.id, { every: 30 });
  const { drawn, more } = useGrowing(cohorts.items);
  return (
    <>
      <div class="card-head">
        <h1>Cohorts</h1>
        <Link href="/admin/cohorts/new" class="button">
          New cohort
        </Link>
      </div>
      <p class="soft">A cohort is a class: one environment for each of its members, with the same settings.</p>
      <ProblemText problem={cohorts.problem} />
      {cohorts.items.length === 0 ? (
        cohorts.isComplete ? (
          <p>There are no cohorts yet.</p>
        ) : (
          !cohorts.problem && <Waiting what="the cohorts" />
        )
      ) : (
        <section class="card">
          <CardTable
            caption="Cohorts"
            columns={["Name", "State", "Members", "Last action", "Created"].map((name) => ({ name }))}
          >
            {drawn.map((each) => (
              <tr key={each.id} role="row">
                <Head of="Name">
                  <Link href={`/admin/cohorts/${each.id}`}>{each.name}</Link>
                </Head>
                <Cell of="State">
                  <CohortState status={each.status} />
                </Cell>
                <Cell of="Members">{count(each.members)}</Cell>
                <Cell of="Last action">
                  {ACTIONS[each.action.action].name}: {outcomesText(each.outcomes)}
                </Cell>
                <Cell of="Created">
                  {dateTime(each.created_at)} <span class="soft">by {each.created_by}</span>
                </Cell>
              </tr>
            ))}
          </CardTable>
          {more}
        </section>
      )}
    </>
  );
}

/** What a cohort can do with all of its environments, in the order of a class. */
export const ACTIONS: Record<Cohort["action"]["action"], { name: string; text: string; isDanger?: boolean }> = {
  create: { name: "Create", text: "Creates the environments of the members who have none." },
  extend: { name: "Extend", text: "The new expiration of all environments counts from now." },
  freeze: { name: "Freeze", text: "Runs and queries are stopped, and no others can start until you thaw them." },
  thaw: { name: "Thaw", text: "Members can start runs and queries again." },
  reset: {
    name: "Reset",
    text: "Deletes everything that is not part of the release: results of runs, own tables, and uploaded job files.",
    isDanger: true,
  },
  expire: {
    name: "Delete environments",
    text: "Deletes the environments of all members with their data. The cohort and its record stay.",
    isDanger: true,
  },
};

/** "28 done, 1 failed" */
export function outcomesText(outcomes: Record<string, number>): string {
  const parts = ["DONE", "PENDING", "SKIPPED", "FAILED"].flatMap((name) =>
    outcomes[name] ? [`${count(outcomes[name])} ${name.toLowerCase()}`] : [],
  );
  return parts.join(", ") || "not counted yet";
}

const WORDS: Record<Cohort["status"], string> = {
  WORKING: "Working",
  SETTLING: "Environments are changing",
  SETTLED: "Settled",
};

export function CohortState({ status }: { status: Cohort["status"] }) {
  return <span class={`badge ${status === "SETTLED" ? "good" : "busy"}`}>{WORDS[status]}</span>;
}
