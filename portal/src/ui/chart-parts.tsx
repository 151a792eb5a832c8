/** Parts of all charts: their data, legend and table. */

import { Table } from "./table";
import { count } from "./format";

/** Meanings, and four colors without one. */
export type Tone = "good" | "bad" | "busy" | "still" | "one" | "two" | "three" | "four";

export interface Series {
  name: string;
  /** By default the colors without a meaning, in turn. */
  tone?: Tone;
}

export interface Point {
  label: string;
  /** One value for each series; null: none. */
  values: (number | null)[];
  /** Where a click leads, such as `#/run/a/b`. */
  href?: string;
  /** More to say about it, such as "failed: out of memory". */
  detail?: string;
}

export interface ChartProps {
  label: string;
  series: Series[];
  points: Point[];
  axis?: string;
  format?: (value: number) => string;
  /** Whether the values are seconds: then the axis has whole minutes or hours. */
  isTime?: boolean;
  /** Height in pixels. */
  height?: number;
}

const NEUTRAL: Tone[] = ["one", "two", "three", "four"];

export const toneOf = (series: Series, index: number): Tone => series.tone ?? NEUTRAL[index % 4] ?? "one";

export function Legend({ series }: { series: Series[] }) {
  return (
    <ul class="legend">
      {series.map((each, index) => (
        <li key={each.name}>
          <span class={`swatch tone-${toneOf(each, index)} line-${index % 4}`} aria-hidden="true" />
          {each.name}
        </li>
      ))}
    </ul>
  );
}

export function ChartTable({ label, axis, series, points, format = count }: ChartProps) {
  const hasDetails = points.some((point) => point.detail);
  return (
    <details class="chart-table">
      <summary>Show as a table</summary>
      <Table
        label={`Table: ${label}`}
        columns={[
          [axis || "Name"],
          ...series.map((each): [string, "number"] => [each.name, "number"]),
          ...(hasDetails ? [["Details"] as [string]] : []),
        ]}
        caption={label}
      >
        {points.map((point, index) => (
          <tr key={index}>
            <th scope="row">{point.href ? <a href={point.href}>{point.label}</a> : point.label}</th>
            {series.map((each, which) => {
              const value = point.values[which] ?? null;
              return (
                <td key={each.name} class="number">
                  {value === null ? "" : format(value)}
                </td>
              );
            })}
            {hasDetails && <td>{point.detail}</td>}
          </tr>
        ))}
      </Table>
    </details>
  );
}

export const sum = (point: Point, sign: 1 | -1): number =>
  point.values.reduce<number>((total, value) => total + (value !== null && value * sign > 0 ? value : 0), 0);

export function textOf(point: Point, series: Series[], format: (value: number) => string): string {
  const values = point.values.flatMap((value, index) => {
    if (value === null) return [];
    return [series.length > 1 ? `${series[index]?.name}: ${format(value)}` : format(value)];
  });
  return [...values, ...(point.detail ? [point.detail] : [])].join(", ");
}
