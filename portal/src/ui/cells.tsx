/** Tables that are cards on a phone: each cell carries the name of its column (`src/styles/cells.css`). */

import type { ComponentChildren } from "preact";
import "../styles/cells.css";

export interface Column {
  name: string;
  isNumber?: boolean;
  /** What the heading shows instead of its name, such as a button that sorts. */
  heading?: ComponentChildren;
  sort?: "ascending" | "descending" | undefined;
}

/** Roles are explicit: as cards, the elements would lose those that they have. */
export function CardTable({
  caption,
  columns,
  class: name = "",
  children,
}: {
  caption: string;
  columns: Column[];
  class?: string;
  children: ComponentChildren;
}) {
  return (
    <table class={`cards ${name}`} role="table">
      <caption class="visually-hidden">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ name, isNumber, heading, sort }) => (
            <th key={name} role="columnheader" scope="col" class={isNumber ? "number" : undefined} aria-sort={sort}>
              {heading ?? name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">{children}</tbody>
    </table>
  );
}

/** The first cell of a row, which names it. */
export function Head({ of, children }: { of: string; children: ComponentChildren }) {
  return (
    <th role="rowheader" scope="row" data-label={of}>
      <div>{children}</div>
    </th>
  );
}

export function Cell(props: { of: string; isNumber?: boolean; title?: string; children?: ComponentChildren }) {
  const { of, isNumber, title, children } = props;
  const isEmpty = children === "" || children === null || children === undefined;
  return (
    <td role="cell" data-label={of} title={title} class={`${isNumber ? "number" : ""}${isEmpty ? " empty" : ""}`}>
      {isEmpty ? null : <div>{children}</div>}
    </td>
  );
}
