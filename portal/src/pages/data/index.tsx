/** Data: the lake as a map, a table with its first rows, and SQL. */

import { Link } from "wouter-preact";
import { useHashLocation } from "wouter-preact/use-hash-location";
import { decoded } from "../../address";
import { useGet } from "../../api/use-get";
import type { Environment, Tables } from "../../api/schema";
import { useMe, useMyEnvironment } from "../../me";
import { ProblemText, Waiting } from "../../ui/basics";
import { LakeMap } from "./lake-map";
import { findTable } from "./names";
import { SqlPage } from "./sql";
import { TablePage } from "./table-page";
import "../../styles/data.css";

export function DataPage() {
  const environment = useMyEnvironment();
  const me = useMe();
  if (environment === undefined) {
    return (
      <>
        <h1>Data</h1>
        {me.problem ? <ProblemText problem={me.problem} /> : <Waiting what="your sandbox" />}
      </>
    );
  }
  if (environment === null || environment.outputs === null) {
    return (
      <>
        <h1>Data</h1>
        <div class="empty">
          <p>
            {environment === null
              ? "You have no sandbox yet, so there are no tables."
              : `Your sandbox is ${environment.status}. Its tables are here when it is READY.`}
          </p>
          <Link href="/">Go to my sandbox</Link>
        </div>
      </>
    );
  }
  return <Views key={environment.id} environment={environment} />;
}

function Views({ environment }: { environment: Environment }) {
  const [location] = useHashLocation();
  const [, , first, second] = location.split("/").map(decoded);
  const tables = useGet<Tables>(first ? `/environments/${environment.id}/tables` : null, { every: 30 });
  const isSql = first === "sql";
  const found = first && second && !isSql ? findTable(tables.data?.items ?? [], first, second) : undefined;
  return (
    <>
      <nav class="tabs" aria-label="Views of the data">
        <Link href="/data" aria-current={first ? undefined : "page"}>
          Tables
        </Link>
        <Link href="/data/sql" aria-current={isSql ? "page" : undefined}>
          SQL
        </Link>
      </nav>
      {isSql ? (
        <SqlPage environment={environment} databases={tables.data?.items ?? []} queryId={second} />
      ) : first && second ? (
        <TablePage environment={environment} tables={tables} found={found} name={second} />
      ) : (
        <>
          <h1>Data</h1>
          <LakeMap environment={environment} />
        </>
      )}
    </>
  );
}
