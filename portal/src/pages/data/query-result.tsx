/** The result of a query: its state, cost, rows by page, chart, and CSV. */

import { useState } from "preact/hooks";
import { api, body } from "../../api/client";
import { useCommand } from "../../api/use-command";
import { useGet } from "../../api/use-get";
import type { Environment, Problem, Query, QueryWithRows } from "../../api/schema";
import { Badge, ProblemText, Section, Waiting } from "../../ui/basics";
import { CsvDownload } from "../../ui/download";
import { bytes, count, duration, plural, usd } from "../../ui/format";
import { useNow } from "../../ui/use-now";
import { Grid } from "./grid";
import { ResultChart } from "./result-chart";

/** Rows of a request for CSV: the most that Athena returns. */
const CSV_ROWS = 999;

interface QueryResultProps {
  environment: Environment;
  /** Without rows until it is read for the first time. */
  query: Query | QueryWithRows | undefined;
  problem: Problem | undefined;
  /** The draft has other SQL now. */
  isChanged: boolean;
  onStopped: () => void;
}

export function QueryResult({ environment, query, problem, isChanged, onStopped }: QueryResultProps) {
  const stop = useCommand((headers, queryId: string) =>
    body(
      api.DELETE("/environments/{environment_id}/queries/{query_id}", {
        params: { path: { environment_id: environment.id, query_id: queryId } },
        headers,
      }),
    ),
  );
  const isActive = query !== undefined && query.completed_at === null;
  const actions = (
    <>
      {isActive && (
        <button
          type="button"
          class="danger"
          disabled={stop.isBusy || query.stopped_by !== null}
          onClick={() => void stop.run(query.id).then(onStopped)}
        >
          {query.stopped_by !== null ? "Stopping …" : "Stop"}
        </button>
      )}
      {query?.links.results && (
        <CsvDownload
          path={`/environments/${environment.id}/queries/${query.id}?limit=${CSV_ROWS}`}
          name={`query-${query.id}.csv`}
        />
      )}
    </>
  );
  return (
    <Section title="Result" actions={actions}>
      <ProblemText problem={problem ?? stop.problem} />
      {!query && !problem && <Waiting what="the query" />}
      {query && <State query={query} />}
      {isChanged && <p class="soft small">The SQL above has changed since this query ran.</p>}
      {query?.error && (
        <div class="problem" role="alert">
          <strong>{place(query)}</strong>
          <p>{query.error.message}</p>
          {query.error.hint && <p>{query.error.hint}</p>}
        </div>
      )}
      {query && "rows" in query && query.status === "SUCCEEDED" && (
        <Pages key={query.id} environment={environment} first={query} />
      )}
    </Section>
  );
}

function place(query: Query): string {
  const line = query.error?.line;
  if (!line) return query.status === "CANCELLED" ? "The query was stopped" : "The query failed";
  return `The query failed at line ${line}${query.error?.column ? `, column ${query.error.column}` : ""}`;
}

function State({ query }: { query: Query }) {
  const now = useNow(query.completed_at === null);
  const facts =
    query.completed_at === null
      ? [
          query.status === "QUEUED" ? "Waiting for Athena" : "Athena runs it",
          duration(Math.max(0, (now - Date.parse(query.requested_at)) / 1000)),
        ]
      : [
          query.execution_milliseconds !== null && `ran ${(query.execution_milliseconds / 1000).toFixed(1)} s`,
          query.scanned_bytes !== null && `scanned ${bytes(query.scanned_bytes)}`,
          query.cost_usd !== null && (query.cost_usd === 0 ? "free" : usd(query.cost_usd)),
          query.stopped_by && `stopped by ${query.stopped_by}`,
          query.parameters.length > 0 && `values ${query.parameters.join(", ")}`,
        ];
  return (
    <p class="row">
      <span role="status">
        <Badge status={query.status} />
      </span>
      <span class="soft">{facts.filter(Boolean).join(" · ")}</span>
    </p>
  );
}

/** Pages of rows. `starts` are the cursors of the pages before and the current one; the first page has none. */
function Pages({ environment, first }: { environment: Environment; first: QueryWithRows }) {
  const [starts, setStarts] = useState<{ cursor: string; before: number }[]>([]);
  const start = starts.at(-1);
  const base = `/environments/${environment.id}/queries/${first.id}?limit=100`;
  const got = useGet<QueryWithRows>(start ? `${base}&cursor=${encodeURIComponent(start.cursor)}` : null, {
    isExact: true,
  });
  const page = start ? got.data : first;
  const columns = page?.columns ?? first.columns ?? [];
  const rows = page?.rows;
  if (first.rows === null) {
    return <p class="empty">The result no longer exists. Run the query again to see its rows.</p>;
  }
  const isPlan = columns.length === 1 && columns[0]?.name === "Query Plan";
  if (isPlan) {
    return (
      <pre class="scroll plan" tabIndex={0}>
        {first.rows.map(([line]) => String(line ?? "")).join("\n")}
      </pre>
    );
  }
  const before = start?.before ?? 0;
  return (
    <>
      <ProblemText problem={got.problem} />
      {!rows ? (
        <Waiting what="the rows" />
      ) : rows.length === 0 ? (
        <p class="empty">
          {columns.length > 0
            ? "No rows: the query ran, and nothing matches it."
            : "Done. The statement has no rows."}
        </p>
      ) : (
        <>
          <Grid label="Rows of the result" columns={columns} rows={rows} />
          <div class="row">
            <span role="status">
              {starts.length === 0 && page?.next === null
                ? plural(rows.length, "row")
                : `Rows ${count(before + 1)} to ${count(before + rows.length)}`}
            </span>
            {(starts.length > 0 || page?.next) && (
              <>
                <button
                  type="button"
                  disabled={starts.length === 0}
                  onClick={() => setStarts((all) => all.slice(0, -1))}
                >
                  Previous page
                </button>
                <button
                  type="button"
                  disabled={!page?.next}
                  onClick={() =>
                    page?.next &&
                    setStarts((all) => [...all, { cursor: page.next ?? "", before: before + rows.length }])
                  }
                >
                  Next page
                </button>
              </>
            )}
          </div>
          <ResultChart columns={columns} rows={rows} isPage={starts.length > 0 || page?.next !== null} />
        </>
      )}
    </>
  );
}
