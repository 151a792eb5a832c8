/** A table that scrolls inside of its own box, which the keyboard reaches. */

import type { ComponentChildren } from "preact";

export function Table(props: {
  label: string;
  columns: [name: ComponentChildren, kind?: "number"][];
  caption?: string;
  /** Classes of the box and of the table. */
  box?: string;
  class?: string;
  /** Rows. */
  children: ComponentChildren;
}) {
  return (
    <div class={`scroll ${props.box ?? ""}`} tabIndex={0} role="region" aria-label={props.label}>
      <table class={props.class}>
        {props.caption && <caption>{props.caption}</caption>}
        <thead>
          <tr>
            {props.columns.map(([name, kind], index) => (
              <th key={index} scope="col" class={kind}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}
