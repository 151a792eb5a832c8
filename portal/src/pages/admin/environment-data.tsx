/** Tables of an environment of anybody: the parts of the page Data. */

import { Link } from "wouter-preact";
import { useHashLocation } from "wouter-preact/use-hash-location";
import { decoded } from "../../address";
import type { Environment } from "../../api/schema";
import { LakeMap } from "../data/lake-map";
import { TableRows } from "../data/table-rows";
import "../../styles/data.css";

export function EnvironmentData({ environment }: { environment: Environment }) {
  const root = `/admin/environments/${environment.id}/data`;
  const [location] = useHashLocation();
  const [database, table] = location
    .slice(root.length + 1)
    .split("/")
    .map(decoded);
  if (!database || !table) {
    return (
      <LakeMap
        environment={environment}
        hrefOf={(of, each) => `#${root}/${encodeURIComponent(of.catalog_name)}/${encodeURIComponent(each.name)}`}
      />
    );
  }
  return (
    <>
      <Link href={root}>All tables</Link>
      <h2>
        {database}.{table}
      </h2>
      <TableRows environment={environment} database={database} table={table} />
    </>
  );
}
