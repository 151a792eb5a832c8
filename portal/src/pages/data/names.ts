/** Names of databases and tables, their layers, and which table a location belongs to. */

import type { Database, Table } from "../../api/schema";
import { bytes, plural } from "../../ui/format";

export interface Found {
  database: Database;
  table: Table;
}

type Layer = "sor" | "sot" | "spec";

export const LAYERS: { layer: Layer; title: string; purpose: string }[] = [
  { layer: "sor", title: "Sources", purpose: "System of record (SoR): data as they were delivered. Jobs read them." },
  {
    layer: "sot",
    title: "Source of truth",
    purpose: "SoT: one clean table per subject, built from the sources by your jobs.",
  },
  { layer: "spec", title: "Specialized", purpose: "Spec: tables for one use, such as a report, built from the SoT." },
];

export function layerOf(database: Database): Layer {
  return database.name === "sot" || database.name === "spec" ? database.name : "sor";
}

/** Address of a table's page. A database with the name of another page goes by its name in the catalog. */
export function tableHref(database: Database, table: Table): string {
  const name = database.name === "sql" ? database.catalog_name : database.name;
  return `#/data/${encodeURIComponent(name)}/${encodeURIComponent(table.name)}`;
}

export function findTable(databases: Database[], database: string, table: string): Found | undefined {
  const [short, name] = [database.toLowerCase(), table.toLowerCase()];
  const found = databases.find((each) => each.name === short || each.catalog_name === short);
  const known = found?.tables.find((each) => each.name === name);
  return found && known && { database: found, table: known };
}

const within = (location: string, place: string) => location === place || location.startsWith(`${place}/`);
const trimmed = (place: string) => place.replace(/\/+$/, "");

/** Return the table whose files are at a location, which may be a partition's. */
export function tableAt(databases: Database[], location: string): Found | undefined {
  let best: (Found & { length: number }) | undefined;
  for (const database of databases) {
    for (const table of database.tables) {
      for (const place of [table.location, ...(table.partitions?.last ?? []).map((each) => each.location)]) {
        if (!place || !within(trimmed(location), trimmed(place))) continue;
        const length = trimmed(place).length;
        if (!best || length > best.length) best = { database, table, length };
      }
    }
  }
  return best;
}

const PLAIN = /^[a-z_][a-z0-9_]*$/;

/** A name in SQL, in quotes if it needs them. */
const sqlName = (name: string) => (PLAIN.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

export const starter = (table: Table) => `SELECT *\nFROM ${sqlName(table.name)}\nLIMIT 100`;

/** "10,000 rows · 1.8 MB · 1 file", with what is known. */
export function sizeOf(table: Pick<Table, "row_count" | "size_bytes" | "file_count">): string {
  const parts = [
    table.row_count !== null && plural(table.row_count, "row"),
    table.size_bytes !== null && bytes(table.size_bytes),
    table.file_count !== null && plural(table.file_count, "file"),
  ];
  return parts.filter(Boolean).join(" · ");
}

/** "anomesdia = 20261127" */
export const partitionText = (values: Record<string, string>) =>
  Object.entries(values)
    .map(([name, value]) => `${name} = ${value}`)
    .join(", ");
