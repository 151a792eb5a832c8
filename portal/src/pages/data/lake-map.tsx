/** The lake as a map: databases by layer, and their tables as tiles with a bar for their size. */

import { useMemo, useState } from "preact/hooks";
import { useGet } from "../../api/use-get";
import type { Database, Environment, Table, Tables } from "../../api/schema";
import { ProblemText, Section, Waiting } from "../../ui/basics";
import { Field } from "../../ui/form";
import { plural } from "../../ui/format";
import { Lineage } from "./lineage";
import { LAYERS, layerOf, sizeOf, tableHref } from "./names";
import { useLineage, writtenRows, type Written } from "./use-lineage";
import "../../styles/data.css";

interface LakeMapProps {
  environment: Environment;
  /** Address of a table's page. Null: tiles are no links. */
  hrefOf?: ((database: Database, table: Table) => string | null) | undefined;
}

export function LakeMap({ environment, hrefOf = tableHref }: LakeMapProps) {
  const { data, problem } = useGet<Tables>(`/environments/${environment.id}/tables`, { every: 30 });
  const [search, setSearch] = useState("");
  const { flows, problem: lineageProblem } = useLineage(environment);
  const written = useMemo(() => writtenRows(flows, data?.items ?? []), [flows, data]);
  if (!data) return problem ? <ProblemText problem={problem} /> : <Waiting what="the tables" />;
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const largest = Math.max(1, ...data.items.flatMap((each) => each.tables.map((table) => weight(table, written))));
  const shown = data.items.map((database) => ({
    database,
    tables: database.tables.filter((table) => matches(database, table, words)),
  }));
  const found = shown.reduce((sum, each) => sum + each.tables.length, 0);
  return (
    <div class="stack">
      <div class="toolbar">
        <div class="grow lake-search">
          <Field
            label="Search tables and columns"
            value={search}
            onChange={setSearch}
            placeholder="order, price, customer …"
          />
        </div>
        <p class="soft" role="status">
          {words.length > 0 ? `${plural(found, "table")} found` : plural(found, "table")}
        </p>
      </div>
      <ProblemText problem={problem} />
      {words.length === 0 && (
        <Section title="Lineage">
          <ProblemText problem={lineageProblem} />
          {flows ? (
            <Lineage flows={flows} databases={data.items} hrefOf={hrefOf} />
          ) : (
            !lineageProblem && <Waiting what="what the last runs read and wrote" />
          )}
        </Section>
      )}
      {LAYERS.map(({ layer, title, purpose }) => {
        const databases = shown.filter((each) => layerOf(each.database) === layer);
        if (words.length > 0 && databases.every((each) => each.tables.length === 0)) return null;
        return (
          <Section key={layer} title={title}>
            <p class="soft text">
              {purpose} Bucket: <code>{environment.outputs?.buckets[layer] ?? "none"}</code>
            </p>
            {databases.length === 0 && <p class="soft">No database yet.</p>}
            {databases.map(({ database, tables }) => (
              <div class="lake-database" key={database.name}>
                <h3>
                  {database.name} <code class="soft small">{database.catalog_name}</code>
                </h3>
                {tables.length === 0 && (
                  <p class="soft">
                    {words.length > 0
                      ? "No table matches."
                      : layer === "sot"
                        ? "No table yet. Run the job to build it."
                        : "No table yet."}
                  </p>
                )}
                <ul class="tiles">
                  {tables.map((table) => (
                    <Tile
                      key={table.name}
                      table={table}
                      href={hrefOf(database, table)}
                      share={weight(table, written) / largest}
                      words={words}
                      written={written.get(table)}
                    />
                  ))}
                </ul>
                {!database.is_complete && <p class="soft">The database has more tables than are shown here.</p>}
              </div>
            ))}
          </Section>
        );
      })}
    </div>
  );
}

interface TileProps {
  table: Table;
  href: string | null;
  share: number;
  words: string[];
  written: Written | undefined;
}

function Tile({ table, href, share, words, written }: TileProps) {
  const size = sizeOf(table);
  const columns = [...table.columns, ...table.partition_keys];
  const hits = columns.filter((each) => words.some((word) => columnText(each).includes(word)));
  return (
    <li class="tile">
      <div class="between">
        <strong>{href === null ? table.name : <a href={href}>{table.name}</a>}</strong>
        {table.format && <span class="badge">{table.format}</span>}
      </div>
      {table.description && <p class="small">{table.description}</p>}
      <span class="size-bar" aria-hidden="true">
        <span style={{ width: `${Math.max(1, Math.sqrt(share) * 100)}%` }} />
      </span>
      <p class="soft small">
        {size || (written ? `${plural(written.rows, "row")} written by the last run` : "Size not known")}
        {" · "}
        {plural(columns.length, "column")}
        {table.partitions &&
          ` · ${plural(table.partitions.count, "partition")}${table.partitions.is_complete ? "" : " or more"}`}
      </p>
      {hits.length > 0 && (
        <p class="small">
          Columns:{" "}
          {hits
            .slice(0, 4)
            .map((each) => each.name)
            .join(", ")}
          {hits.length > 4 && ` and ${hits.length - 4} more`}
        </p>
      )}
    </li>
  );
}

const weight = (table: Table, written: Map<Table, Written>) => table.size_bytes ?? written.get(table)?.bytes ?? 0;

const columnText = (column: { name: string; comment: string | null }) =>
  `${column.name} ${column.comment ?? ""}`.toLowerCase();

/** Each word is somewhere in the table's name, database, description or columns. */
function matches(database: Database, table: Table, words: string[]): boolean {
  const columns = [...table.columns, ...table.partition_keys].map(columnText);
  const text = [database.name, table.name, table.description ?? "", ...columns].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}
