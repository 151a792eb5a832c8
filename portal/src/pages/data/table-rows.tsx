/** The first rows of a table. */

import { useState } from "preact/hooks";
import { useGet } from "../../api/use-get";
import type { Environment, Rows } from "../../api/schema";
import { ProblemText, Section, Waiting } from "../../ui/basics";
import { bytes, plural } from "../../ui/format";
import { Grid } from "./grid";
import "../../styles/data.css";

const LIMITS = [20, 50, 100];

interface TableRowsProps {
  environment: Environment;
  /** Short name, or name in the Data Catalog. */
  database: string;
  table: string;
}

export function TableRows({ environment, database, table }: TableRowsProps) {
  const [limit, setLimit] = useState(LIMITS[0] as number);
  const place = `${encodeURIComponent(database)}/${encodeURIComponent(table)}`;
  const { data, problem, refresh } = useGet<Rows>(
    `/environments/${environment.id}/tables/${place}/rows?limit=${limit}`,
    { isExact: true },
  );
  const choose = (
    <>
      <label>
        Rows{" "}
        <select value={String(limit)} onChange={(event) => setLimit(Number(event.currentTarget.value))}>
          {LIMITS.map((each) => (
            <option key={each} value={String(each)}>
              {each}
            </option>
          ))}
        </select>
      </label>
      <button type="button" onClick={refresh}>
        Read again
      </button>
    </>
  );
  return (
    <Section title="First rows" actions={choose}>
      <ProblemText problem={problem} />
      {!data && !problem && <Waiting what="rows; Athena reads the table" />}
      {data && data.items.length === 0 && <p class="empty">The table has no rows.</p>}
      {data && data.items.length > 0 && (
        <Grid
          label={`First rows of ${table}`}
          columns={data.columns}
          rows={data.items.map((item) => data.columns.map((column) => item[column.name]))}
        />
      )}
      {data && (
        <p class="soft small">
          {plural(data.items.length, "row")}, in no particular order. Athena scanned {bytes(data.scanned_bytes)}; you
          pay nothing for this.
          {data.is_truncated && " Rows are missing, because they would exceed 4 MB."}
        </p>
      )}
    </Section>
  );
}
