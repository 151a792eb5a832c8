/** Environments as a table, or as cards on a phone. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { useStore } from "../../store";
import { memo } from "../../ui/memo";
import { Badge } from "../../ui/basics";
import { CardTable, Cell, Head } from "../../ui/cells";
import { count, dateTime, fromNow, usd } from "../../ui/format";
import { useGrowing } from "./growing";
import { CAUSES, change, view, type Column, type Row } from "./rows";

const COLUMNS: { name: string; column?: Column; isNumber?: boolean }[] = [
  { name: "Owner", column: "owner" },
  { name: "Status", column: "status" },
  { name: "Note" },
  { name: "Expires", column: "expires" },
  { name: "Created", column: "created" },
  { name: "Spent", column: "spent", isNumber: true },
];

export function EnvironmentTable({ rows, isComplete }: { rows: Row[]; isComplete: boolean }) {
  const { sort, isDescending, opened } = useStore(view);
  const { drawn, more } = useGrowing(rows, opened?.shown);
  const box = useRef<HTMLDivElement>(null);
  const minute = useMinute();

  // A row that moves loses the focus in most browsers, so it gets it again.
  const focused = box.current?.contains(document.activeElement)
    ? document.activeElement?.closest("tbody tr")?.id
    : undefined;
  useLayoutEffect(() => {
    if (focused && !box.current?.contains(document.activeElement)) focusRow(focused);
  });
  useLayoutEffect(() => {
    if (opened === null) return;
    change({ opened: null });
    scrollTo(0, opened.scrollY);
    focusRow(`row-${opened.id}`);
  }, []);

  return (
    <div ref={box} class="growing">
      <CardTable
        caption="Environments"
        class="environments"
        columns={COLUMNS.map(({ name, column, isNumber = false }) => ({
          name,
          isNumber,
          sort: column === sort ? (isDescending ? "descending" : "ascending") : undefined,
          heading: column && (
            <button
              type="button"
              class="quiet sort"
              onClick={() =>
                change({ sort: column, isDescending: column === sort ? !isDescending : column !== "owner" })
              }
            >
              {name}
              <span aria-hidden="true">{column === sort ? (isDescending ? " ↓" : " ↑") : ""}</span>
            </button>
          ),
        }))}
      >
        {drawn.map((row) => (
          <TableRow key={row.id} row={row} minute={minute} />
        ))}
      </CardTable>
      {isComplete && rows.length === 0 && <p class="soft">No environment matches these filters.</p>}
      {more}
    </div>
  );
}

function focusRow(id: string): void {
  document.getElementById(id)?.querySelector("a")?.focus({ preventScroll: true });
}

/** Return the time, which changes once a minute: "in 3 days" becomes old. */
function useMinute(): number {
  const [minute, setMinute] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setMinute(Date.now()), 60_000);
    return () => clearInterval(timer);
  }, []);
  return minute;
}

const TableRow = memo(function TableRow({ row, minute }: { row: Row; minute: number }) {
  const open = () => {
    const shown = document.querySelectorAll(".environments tbody tr").length;
    change({ opened: { id: row.id, scrollY, shown } });
  };
  return (
    <tr role="row" id={`row-${row.id}`}>
      <Head of="Owner">
        <Link href={`/admin/environments/${row.id}`} onClick={open}>
          {row.owner}
        </Link>
        <span class="soft mono">{row.id}</span>
      </Head>
      <Cell of="Status">
        <Badge status={row.status} /> {row.frozen && <span class="badge">Frozen</span>}
      </Cell>
      <Cell of="Note">{sentence(row)}</Cell>
      <Cell of="Expires" title={dateTime(row.expires_at)}>
        {row.status === "DELETED" ? "" : fromNow(row.expires_at, minute)}
      </Cell>
      <Cell of="Created" title={dateTime(row.created_at)}>
        {fromNow(row.created_at, minute)}
      </Cell>
      <Cell of="Spent" isNumber>
        {usd(row.budget.spent_usd)}
      </Cell>
    </tr>
  );
});

function sentence(row: Row): string {
  if (row.frozen) return `${row.frozen.by_type === "service" ? "Budget spent" : "Frozen"}: ${row.frozen.reason}`;
  if (row.queue)
    return row.queue.position > 0 ? `Position ${count(row.queue.position)} in the queue` : "Next in the queue";
  if (row.failure) return CAUSES[row.failure.cause] ?? row.failure.cause;
  return row.reason ?? "";
}
