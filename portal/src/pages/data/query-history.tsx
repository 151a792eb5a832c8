/** History of an environment's queries: open one again, or run it again. */

import { Table } from "../../ui/table";
import { useEffect } from "preact/hooks";
import type { Environment, Query } from "../../api/schema";
import { Badge, ProblemText, Section, Waiting } from "../../ui/basics";
import { bytes, fromNow, dateTime, usd } from "../../ui/format";
import { OlderButton, useNewest } from "../../ui/newest";

interface HistoryProps {
  environment: Environment;
  /** ID of the query that is shown. */
  current: string | null;
  /** Whether it runs: the history follows it. */
  isActive: boolean;
  onRunAgain: (query: Query) => void;
}

export function History({ environment, current, isActive, onRunAgain }: HistoryProps) {
  const queries = useNewest<Query>(
    `/environments/${environment.id}/queries?limit=20`,
    (query) => query.id,
    (query) => query.requested_at,
    () => 30,
  );
  useEffect(queries.refresh, [current, isActive]);
  const { items, isLoaded, problem } = queries;
  return (
    <Section title="History">
      <ProblemText problem={problem} />
      {!isLoaded && !problem && <Waiting what="the history" />}
      {isLoaded && items.length === 0 && (
        <p class="empty">No queries yet. The history keeps every query and its cost.</p>
      )}
      {items.length > 0 && (
        <Table
          label="History of queries"
          columns={[
            ["SQL"],
            ["State"],
            ["Requested"],
            ["Scanned", "number"],
            ["Cost", "number"],
            [<span class="visually-hidden">Actions</span>],
          ]}
          box="grid-box"
          class="grid history"
        >
          {items.map((query) => (
            <tr key={query.id} class={query.id === current ? "current" : ""}>
              <td>
                <a href={`#/data/sql/${query.id}`} aria-current={query.id === current ? "true" : undefined}>
                  <code>{shorter(query.sql)}</code>
                </a>
                {query.origin === "credentials" && <span class="soft small"> run in AWS</span>}
              </td>
              <td>
                <Badge status={query.status} />
              </td>
              <td class="nowrap" title={dateTime(query.requested_at)}>
                {fromNow(query.requested_at)}
              </td>
              <td class="number">{query.scanned_bytes === null ? "" : bytes(query.scanned_bytes)}</td>
              <td class="number">{query.cost_usd === null ? "" : usd(query.cost_usd)}</td>
              <td>
                <button
                  type="button"
                  class="quiet nowrap"
                  aria-label={`Run again: ${shorter(query.sql)}`}
                  onClick={() => onRunAgain(query)}
                >
                  Run again
                </button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <OlderButton list={queries}>Show older queries</OlderButton>
    </Section>
  );
}

function shorter(sql: string): string {
  const line = sql.trim().replace(/\s+/g, " ");
  return line.length > 100 ? `${line.slice(0, 100)} …` : line;
}
