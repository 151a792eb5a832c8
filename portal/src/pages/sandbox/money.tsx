/** What an environment has cost, and what it will cost. */

import type { Environment } from "../../api/schema";
import { Facts, Section } from "../../ui/basics";
import { dateTime, usd } from "../../ui/format";

export function MoneyPanel({ environment }: { environment: Environment }) {
  const { budget, forecast } = environment;
  const share = budget.limit_usd > 0 ? Math.min(1, (budget.spent_usd + budget.reserved_usd) / budget.limit_usd) : 0;
  return (
    <Section title="Cost">
      <Facts
        items={[
          ["Spent by this sandbox", usd(budget.spent_usd)],
          ["Reserved for active runs and queries", usd(budget.reserved_usd)],
          ["Budget of the owner", usd(budget.limit_usd)],
        ]}
      />
      <progress aria-label="Share of the budget that is spent or reserved" max={1} value={share} />
      {forecast && (
        <details>
          <summary>At most {usd(forecast.total_usd)} until it expires, if nobody starts or changes anything</summary>
          <Facts
            items={[
              ["Until", dateTime(forecast.until)],
              [`${forecast.scheduled_runs} scheduled runs, at most`, usd(forecast.scheduled_usd)],
              ["Active runs and queries, at most", usd(forecast.reserved_usd)],
              ["Encryption key, estimated", usd(forecast.estimated_kms_usd)],
              [
                "Files in S3, estimated",
                forecast.estimated_s3_usd === null ? "unknown" : usd(forecast.estimated_s3_usd),
              ],
            ]}
          />
        </details>
      )}
    </Section>
  );
}
