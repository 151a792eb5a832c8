/** A simple chart of a result: a column of names or dates against columns of numbers. */

import { useState } from "preact/hooks";
import type { QueryColumn } from "../../api/schema";
import { BarChart, LineChart } from "../../ui/chart";
import { Field } from "../../ui/form";
import { isNumeric, textOf } from "./grid";

const MOST_SERIES = 4;

interface ResultChartProps {
  columns: QueryColumn[];
  rows: unknown[][];
  /** There are more rows than these. */
  isPage: boolean;
}

export function ResultChart({ columns, rows, isPage }: ResultChartProps) {
  const numbers = columns.flatMap((column, index) => (isNumeric(column.type) ? [index] : []));
  const names = columns.flatMap((column, index) => (isNumeric(column.type) ? [] : [index]));
  const [kind, setKind] = useState<"bar" | "line">(
    /^(date|time)/.test(columns[names[0] ?? -1]?.type ?? "") ? "line" : "bar",
  );
  const [axis, setAxis] = useState(names[0] ?? numbers[0] ?? 0);
  const [chosen, setChosen] = useState<number[]>(() => numbers.filter((index) => index !== axis).slice(0, 1));
  const values = chosen.filter((index) => index !== axis);
  if (rows.length < 2 || numbers.length === 0 || columns.length < 2) return null;
  const nameOf = (index: number) => columns[index]?.name || `Column ${index + 1}`;
  const label = `${values.map(nameOf).join(", ")} by ${nameOf(axis)}`;
  const chart = {
    label,
    axis: nameOf(axis),
    series: values.map((index) => ({ name: nameOf(index) })),
    points: rows.map((row) => ({
      label: row[axis] === null ? "null" : textOf(row[axis], columns[axis]?.type ?? ""),
      values: values.map((index) => numberOf(row[index])),
    })),
    format,
  };
  return (
    <details class="result-chart">
      <summary>Chart</summary>
      <div class="stack">
        <div class="toolbar">
          <Field
            kind="select"
            label="Kind"
            value={kind}
            onChange={(value) => setKind(value as "bar" | "line")}
            options={[
              { value: "bar", label: "Bars" },
              { value: "line", label: "Lines" },
            ]}
          />
          <Field
            kind="select"
            label="Names"
            value={String(axis)}
            onChange={(value) => setAxis(Number(value))}
            options={columns.map((_, index) => ({ value: String(index), label: nameOf(index) }))}
          />
          <fieldset class="choices">
            <legend class="label">Values</legend>
            {numbers.map((index) => (
              <label key={index}>
                <input
                  type="checkbox"
                  checked={values.includes(index)}
                  disabled={index === axis || (!values.includes(index) && values.length >= MOST_SERIES)}
                  onChange={(event) =>
                    setChosen(
                      event.currentTarget.checked ? [...values, index] : values.filter((each) => each !== index),
                    )
                  }
                />{" "}
                {nameOf(index)}
              </label>
            ))}
          </fieldset>
        </div>
        {values.length === 0 ? (
          <p class="empty">Choose a column of numbers.</p>
        ) : kind === "bar" ? (
          <BarChart {...chart} />
        ) : (
          <LineChart {...chart} />
        )}
        {isPage && <p class="soft small">The chart has the rows of this page only.</p>}
      </div>
    </details>
  );
}

const format = (value: number) => new Intl.NumberFormat(undefined, { maximumFractionDigits: 6 }).format(value);

/** Decimals and large integers are strings. */
function numberOf(value: unknown): number | null {
  const number = value === null || value === "" ? NaN : Number(value);
  return Number.isFinite(number) ? number : null;
}
