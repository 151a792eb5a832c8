/** Rows of data in a box that scrolls: numbers on the right, null and empty text as such, nested values unfolded. */

import type { ComponentChildren } from "preact";

interface GridColumn {
  name: string;
  type: string;
  comment?: string | null;
}

const NUMBER = /^(tinyint|smallint|int|integer|bigint|float|real|double|decimal)\b/i;
const TIME = /^(\d{4,}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z$/;
const [SHORT, LONG] = [40, 240];

export const isNumeric = (type: string) => NUMBER.test(type);

export function Grid({ label, columns, rows }: { label: string; columns: GridColumn[]; rows: unknown[][] }) {
  return (
    <div class="scroll grid-box" tabIndex={0} role="region" aria-label={label}>
      <table class="grid">
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={index} scope="col" class={isNumeric(column.type) ? "number" : ""} title={column.comment ?? ""}>
                {column.name || "(no name)"}
                <span class="type">{shortType(column.type)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {columns.map((column, at) => (
                <td key={at} class={isNumeric(column.type) ? "number" : ""}>
                  <Value value={row[at]} type={column.type} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Value({ value, type }: { value: unknown; type: string }) {
  if (value === null || value === undefined) return <i class="null">null</i>;
  if (value === "") return <i class="null">empty text</i>;
  if (typeof value === "object") return <Nested value={value} />;
  const text = textOf(value, type);
  if (text.length <= LONG) return <span class={text.length <= SHORT ? "cell tight" : "cell"}>{text}</span>;
  return (
    <Folded summary={`${text.slice(0, 120)} …`}>
      <span class="cell">{text}</span>
    </Folded>
  );
}

/** A value as people read it. Times are in UTC. */
export function textOf(value: unknown, type: string): string {
  const time = type.startsWith("timestamp") && typeof value === "string" ? TIME.exec(value) : null;
  if (time) return `${time[1]} ${time[2]}${(time[3] ?? "").replace(/\.?0+$/, "")}`;
  return String(value);
}

function Nested({ value }: { value: object }) {
  const flat = inline(value);
  if (flat.length <= 60) return <code>{flat}</code>;
  return (
    <Folded summary={<code>{`${flat.slice(0, 57)} …`}</code>}>
      <pre class="cell">{pretty(value)}</pre>
    </Folded>
  );
}

function Folded({ summary, children }: { summary: ComponentChildren; children: ComponentChildren }) {
  return (
    <details class="folded">
      <summary>{summary}</summary>
      {children}
    </details>
  );
}

/** "id: 7, device: {os: ios}", without the quotes and braces that only machines need. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value)
      .map(([name, each]) => `${name}: ${inline(each)}`)
      .join(", ")}}`;
  }
  return value === "" ? '""' : String(value);
}

/** One name and value per line, indented. */
function pretty(value: unknown, indent = ""): string {
  if (typeof value !== "object" || value === null) return inline(value);
  const entries = Array.isArray(value) ? value.map((each) => ["-", each]) : Object.entries(value);
  if (entries.length === 0) return inline(value);
  return entries
    .map(([name, each]) => {
      const head = name === "-" ? `${indent}-` : `${indent}${name}:`;
      const isNested = typeof each === "object" && each !== null && Object.keys(each).length > 0;
      return isNested ? `${head}\n${pretty(each, `${indent}  `)}` : `${head} ${inline(each)}`;
    })
    .join("\n");
}

/** The type without the fields of nested types, which the list of columns shows. */
function shortType(type: string): string {
  const short = type.replace(/^(array|map|struct|row)\b.*$/i, "$1");
  return short.startsWith("timestamp") ? `${short}, UTC` : short;
}
