/** A table: what it is, its columns, partitions and first rows. */

import { Table } from "../../ui/table";
import { Link } from "wouter-preact";
import { navigate } from "wouter-preact/use-hash-location";
import type { Column, Environment, Table as LakeTable, Tables } from "../../api/schema";
import type { Got } from "../../api/use-get";
import { Facts, ProblemText, Section, Waiting } from "../../ui/basics";
import { bytes, count, dateTime, fromNow, plural } from "../../ui/format";
import { addDraft } from "./drafts";
import { LAYERS, layerOf, partitionText, starter, type Found } from "./names";
import { TableRows } from "./table-rows";
import { useLineage, writtenRows } from "./use-lineage";

interface TablePageProps {
  environment: Environment;
  tables: Got<Tables>;
  found: Found | undefined;
  name: string;
}

export function TablePage({ environment, tables, found, name }: TablePageProps) {
  if (!found) {
    return (
      <>
        <h1>{name}</h1>
        <ProblemText problem={tables.problem} />
        {!tables.data && !tables.problem && <Waiting what="the table" />}
        {tables.data && (
          <div class="empty">
            <p>There is no such table. A reset or a job may have removed it.</p>
            <Link href="/data">See all tables</Link>
          </div>
        )}
      </>
    );
  }
  const { database, table } = found;
  const query = () => {
    addDraft(environment.id, { name: table.name, sql: starter(table), database: database.name });
    navigate("/data/sql");
  };
  return (
    <>
      <div class="page-head">
        <div>
          <h1>{table.name}</h1>
          <p class="soft">
            {LAYERS.find((each) => each.layer === layerOf(database))?.title} · {database.name}
          </p>
        </div>
        <div class="actions">
          <button type="button" class="primary" onClick={query}>
            Query this table
          </button>
        </div>
      </div>
      <Section title="About">
        {table.description && <p class="text">{table.description}</p>}
        <About environment={environment} found={found} tables={tables.data} />
      </Section>
      <TableRows environment={environment} database={database.catalog_name} table={table.name} />
      <Columns columns={table.columns} keys={table.partition_keys} />
      {table.partition_keys.length > 0 && <PartitionList table={table} />}
    </>
  );
}

function About({
  environment,
  found,
  tables,
}: {
  environment: Environment;
  found: Found;
  tables: Tables | undefined;
}) {
  const { database, table } = found;
  const { flows } = useLineage(environment);
  const written = writtenRows(flows, tables?.items ?? []).get(table);
  const unknown = <span class="soft">not known</span>;
  return (
    <Facts
      items={[
        [
          "Rows",
          table.row_count !== null
            ? count(table.row_count)
            : written
              ? `${count(written.rows)} written by the last run, ${fromNow(written.run.completed_at ?? written.run.requested_at)}`
              : unknown,
        ],
        [
          "Size",
          table.size_bytes !== null ? bytes(table.size_bytes) : written?.bytes ? bytes(written.bytes) : unknown,
        ],
        table.file_count !== null && ["Files", count(table.file_count)],
        ["Format", table.format ?? unknown],
        ["Definition changed", table.updated_at ? dateTime(table.updated_at) : unknown],
        ["Name in the Data Catalog", <code>{`${database.catalog_name}.${table.name}`}</code>],
        ["Location", table.location ? <code>{table.location}</code> : unknown],
      ]}
    />
  );
}

function Columns({ columns, keys }: { columns: Column[]; keys: Column[] }) {
  return (
    <Section title="Columns">
      <Table label="Columns" columns={[["Name"], ["Type"], ["Comment"]]} box="grid-box" class="grid">
        {[...columns, ...keys].map((column, index) => (
          <tr key={column.name}>
            <th scope="row">
              {column.name} {index >= columns.length && <span class="badge">partition key</span>}
            </th>
            <td>
              <code>{column.type}</code>
            </td>
            <td>{column.comment ?? <span class="soft">–</span>}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

function PartitionList({ table }: { table: LakeTable }) {
  const { partitions } = table;
  return (
    <Section title="Partitions">
      {partitions === null ? (
        <p class="soft">The partitions were not counted: the sandbox has more than 25 partitioned tables.</p>
      ) : (
        <>
          <p>
            {plural(partitions.count, "partition")}
            {partitions.is_complete ? "." : " were counted, and there are more."}
            {partitions.count > partitions.last.length && ` These are the last ${partitions.last.length}.`}
          </p>
          <ul class="plain-list">
            {partitions.last.map((each) => (
              <li key={partitionText(each.values)}>
                <strong>{partitionText(each.values)}</strong> <code class="soft small">{each.location}</code>
              </li>
            ))}
          </ul>
        </>
      )}
    </Section>
  );
}
