/** SQL: drafts in an editor, the result of the last query, and the history. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { navigate } from "wouter-preact/use-hash-location";
import { api, body } from "../../api/client";
import { useCommand } from "../../api/use-command";
import { useGet } from "../../api/use-get";
import type { Database, Environment, Query, QueryRequest, QueryWithRows } from "../../api/schema";
import { ProblemText } from "../../ui/basics";
import { Dialog } from "../../ui/dialog";
import { Editor, type EditorProblem } from "../../ui/editor";
import { Field } from "../../ui/form";
import { useDrafts, type Draft } from "./drafts";
import { History } from "./query-history";
import { QueryResult } from "./query-result";

const EXPLAIN = "EXPLAIN ";
const PAGE_ROWS = 100;

interface SqlPageProps {
  environment: Environment;
  databases: Database[];
  queryId: string | undefined;
}

export function SqlPage({ environment, databases, queryId }: SqlPageProps) {
  const { drafts, active, change, choose, add, remove } = useDrafts(environment.id);
  const [started, setStarted] = useState<Query>();
  const [closing, setClosing] = useState<Draft>();
  const isSending = useRef(false);
  const isOpening = queryId !== undefined && !drafts.some((each) => each.queryId === queryId);
  const shownId = isOpening ? queryId : active.queryId;
  // A short wait: the state changes while the query runs.
  const path = `/environments/${environment.id}/queries/${shownId}?limit=${PAGE_ROWS}`;
  const got = useGet<QueryWithRows>(shownId ? `${path}&wait=3` : null, { isExact: true });
  const query = got.data ?? (started?.id === shownId ? started : undefined);

  const send = useCommand((headers, request: QueryRequest) =>
    body(
      api.POST("/environments/{environment_id}/queries", {
        params: { path: { environment_id: environment.id } },
        headers,
        body: request,
      }),
    ),
  );

  /** Run a request for a draft. */
  async function run(request: QueryRequest, draftId: string) {
    if (isSending.current) return;
    isSending.current = true;
    const created = await send.run(request);
    isSending.current = false;
    if (!created) return;
    setStarted(created);
    change({ queryId: created.id }, draftId);
    navigate(`/data/sql/${created.id}`);
  }

  const database = active.database || defaultDatabase(databases);
  const inSql = databases.find((each) => each.name === database)?.catalog_name;
  const request = (sql: string): QueryRequest => ({
    sql,
    database: database || null,
    parameters: active.parameters.filter((each) => each.trim() !== ""),
  });
  const runDraft = () => void run(request(active.sql), active.id);
  const explain = () => void run(request(EXPLAIN + active.sql), active.id);

  const open = (draft: Draft) => {
    choose(draft.id);
    navigate(draft.queryId ? `/data/sql/${draft.queryId}` : "/data/sql");
  };
  const close = (draft: Draft) => {
    setClosing(undefined);
    remove(draft.id);
    navigate("/data/sql");
  };

  // A link to a query opens the draft that ran it, or a new one with its SQL.
  useEffect(() => {
    if (!queryId) return;
    const known = drafts.find((each) => each.queryId === queryId);
    if (known) choose(known.id);
    else if (got.data?.id === queryId) add(draftOf(got.data, databases));
  }, [queryId, got.data?.id]);

  const completions = useMemo(() => namesOf(databases), [databases]);
  const problems = useMemo(() => problemsOf(query, active.sql), [query?.error, query?.sql, active.sql]);
  const isActive = query !== undefined && query.completed_at === null;
  return (
    <>
      <h1>SQL</h1>
      <section class="card" aria-label="Editor">
        <DraftTabs
          drafts={drafts}
          active={active}
          onChoose={open}
          onClose={(draft) => (draft.sql.trim() === "" || draft.queryId ? close(draft) : setClosing(draft))}
          onAdd={() => {
            add({ sql: "", database: active.database });
            navigate("/data/sql");
          }}
        />
        <Editor
          key={active.id}
          value={active.sql}
          onChange={(sql) => change({ sql }, active.id)}
          language="sql"
          label="SQL"
          problems={problems}
          completions={completions}
          onSubmit={runDraft}
        />
        {(active.sql.includes("?") || active.parameters.length > 0) && (
          <Field
            kind="list"
            label="Values of the question marks"
            hint="One SQL literal a line, such as 'delivered', 7 or DATE '2026-11-24'."
            value={active.parameters}
            onChange={(parameters) => change({ parameters })}
          />
        )}
        <div class="toolbar">
          <Field
            kind="select"
            label="Database"
            value={database}
            onChange={(value) => change({ database: value })}
            options={optionsOf(databases, database)}
          />
          <button type="button" class="primary" onClick={runDraft} disabled={send.isBusy}>
            {send.isBusy ? "Sending …" : "Run"}
          </button>
          <button type="button" onClick={explain} disabled={send.isBusy}>
            Explain
          </button>
          <p class="soft small">
            Ctrl+Enter or ⌘+Enter runs it. A query is charged for the data that it scans.
            {inSql && (
              <>
                {" "}
                From another database, this one is <code>{inSql}</code>.
              </>
            )}
          </p>
        </div>
        <ProblemText problem={send.problem} />
      </section>
      {shownId && (
        <QueryResult
          key={shownId}
          environment={environment}
          query={query}
          problem={got.problem}
          isChanged={query !== undefined && !isOpening && sqlOf(query) !== active.sql}
          onStopped={got.refresh}
        />
      )}
      <History
        environment={environment}
        current={shownId ?? null}
        isActive={isActive}
        onRunAgain={(old) => {
          const draft = draftOf(old, databases);
          const same = drafts.find((each) => each.queryId === old.id);
          if (same) choose(same.id);
          void run({ sql: old.sql, parameters: old.parameters, database: draft.database || null }, same?.id ?? "");
        }}
      />
      {closing && (
        <Dialog title={`Close ${closing.name}?`} onClose={() => setClosing(undefined)}>
          <p>Its SQL was not run, so it is not in the history and will be lost.</p>
          <div class="actions">
            <button type="button" class="danger" onClick={() => close(closing)}>
              Close the draft
            </button>
            <button type="button" onClick={() => setClosing(undefined)}>
              Keep it
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

interface DraftTabsProps {
  drafts: Draft[];
  active: Draft;
  onChoose: (draft: Draft) => void;
  onClose: (draft: Draft) => void;
  onAdd: () => void;
}

function DraftTabs({ drafts, active, onChoose, onClose, onAdd }: DraftTabsProps) {
  return (
    <ul class="drafts" aria-label="Drafts">
      {drafts.map((draft) => (
        <li key={draft.id} class={draft.id === active.id ? "active" : ""}>
          <button
            type="button"
            class="quiet"
            aria-current={draft.id === active.id ? "true" : undefined}
            onClick={() => onChoose(draft)}
          >
            {draft.name}
          </button>
          {(drafts.length > 1 || draft.sql !== "") && (
            <button type="button" class="quiet" aria-label={`Close ${draft.name}`} onClick={() => onClose(draft)}>
              ×
            </button>
          )}
        </li>
      ))}
      <li>
        <button type="button" class="quiet" onClick={onAdd}>
          + New draft
        </button>
      </li>
    </ul>
  );
}

const sqlOf = (query: Query) => (query.sql.startsWith(EXPLAIN) ? query.sql.slice(EXPLAIN.length) : query.sql);

function draftOf(query: Query, databases: Database[]) {
  const database = databases.find((each) => each.catalog_name === query.database)?.name ?? query.database ?? "";
  return { sql: sqlOf(query), database, parameters: query.parameters, queryId: query.id };
}

/** Errors at their place, as long as the draft has the SQL that failed. */
function problemsOf(query: Query | undefined, sql: string): EditorProblem[] {
  const error = query?.error;
  if (!query || !error?.line || sqlOf(query) !== sql) return [];
  const shift = query.sql === sql || error.line > 1 ? 0 : EXPLAIN.length;
  const column = error.column === null ? null : error.column - shift;
  return [{ line: error.line, column, message: error.message }];
}

/** As in the API: the first database with source data. */
function defaultDatabase(databases: Database[]): string {
  const sources = databases.map((each) => each.name).filter((name) => name !== "sot");
  return sources.sort()[0] ?? databases[0]?.name ?? "";
}

function optionsOf(databases: Database[], chosen: string) {
  const names = databases.map((each) => each.name);
  if (chosen && !names.includes(chosen)) names.push(chosen);
  return names.map((name) => ({ value: name, label: name }));
}

function namesOf(databases: Database[]): string[] {
  const names = databases.flatMap((database) => [
    database.catalog_name,
    ...database.tables.flatMap((table) => [
      table.name,
      ...[...table.columns, ...table.partition_keys].map((column) => column.name),
    ]),
  ]);
  return [...new Set(names)];
}
