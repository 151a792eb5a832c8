/** Result of a dry run: what an action would do for each member. */

import type { CohortPlan, PlannedMember } from "../../api/schema";
import { Facts } from "../../ui/basics";
import { capitalized, count, dateTime, usd } from "../../ui/format";
import { useGrowing } from "./growing";

const OUTCOMES: Record<string, string> = {
  would_change: "Will be done",
  unchanged: "Already so",
  environment_exists: "Has another environment, which stays as it is",
  too_many_creations: "Has created too many environments today",
  no_environment: "Has no environment of this cohort",
};

export const wordsOf = (outcome: string): string => OUTCOMES[outcome] ?? capitalized(outcome.replaceAll("_", " "));

export const willChange = (plan: CohortPlan): number => plan.outcomes["would_change"] ?? 0;

export function Plan({ plan }: { plan: CohortPlan }) {
  const { queue } = plan;
  const isCreation = plan.action === "create";
  const isCostly = plan.max_cost_usd > 0;
  const others = plan.members.filter((each) => each.outcome !== "would_change");
  return (
    <div class="plan" role="status">
      <h3>What would happen</h3>
      <Facts
        items={[
          ...Object.entries(plan.outcomes).map(([outcome, number]): [string, string] => [
            wordsOf(outcome),
            count(number),
          ]),
          isCostly && ["The owners can spend at most", usd(plan.max_cost_usd)],
          isCreation && [
            "Environments now",
            `${count(queue.environments)} of at most ${count(queue.most_environments)}`,
          ],
          isCreation && ["Created at the same time", `at most ${count(queue.most_creating)}`],
          isCreation && ["Would wait in the queue", count(queue.would_wait)],
          isCreation &&
            queue.would_wait > 0 && [
              "The last one starts",
              queue.last_starts_at
                ? `about ${dateTime(queue.last_starts_at)}`
                : "when other environments are deleted",
            ],
        ]}
      />
      {isCostly && <p class="soft">{plan.cost_rule}</p>}
      {(isCreation ? plan.warnings : []).map((warning) => (
        <p key={warning} class="notice busy">
          {warning}
        </p>
      ))}
      {others.length > 0 && <Members title="Members who are left out" members={others} isOpen />}
      <Members title={`All ${count(plan.members.length)} members`} members={plan.members} />
    </div>
  );
}

function Members({ title, members, isOpen }: { title: string; members: PlannedMember[]; isOpen?: boolean }) {
  const { drawn, more } = useGrowing(members);
  return (
    <details open={isOpen}>
      <summary>{title}</summary>
      <div class="scroll plan-members" tabIndex={0} role="region" aria-label={title}>
        <table>
          <thead>
            <tr>
              <th scope="col">Owner</th>
              <th scope="col">What would happen</th>
            </tr>
          </thead>
          <tbody>
            {drawn.map((each) => (
              <tr key={each.owner}>
                <th scope="row">{each.owner}</th>
                <td>
                  {wordsOf(each.outcome)}
                  {each.detail && <span class="soft">. {each.detail}</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {more}
      </div>
    </details>
  );
}
