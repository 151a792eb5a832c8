/**
 * Charts: `BarChart` (stacked columns), `RowChart` (named rows) and `LineChart`.
 *
 * All take the same data. `points` are the bars in their order, each with one value for each of the `series`:
 *
 *     <BarChart
 *       label="Cost of each day"                      name of the chart, for everybody
 *       axis="Day"                                    what the labels of the points are
 *       series={[{ name: "Glue" }, { name: "Athena" }]}   with `tone`, its color means something
 *       points={[{ label: "24 Nov", values: [0.4, null], href: "#/run/...", detail: "2 runs" }]}
 *       format={usd}
 *     />
 *
 * The pointer or the arrow keys show the values of a point, a click or Enter follows its `href`, and a table has
 * all of them. Colors never stand alone: tones with a meaning have a pattern too, lines have dashes.
 */

import { Legend, sum, textOf, toneOf, type ChartProps, type Point, type Series } from "./chart-parts";
import { Plot, type At } from "./chart-plot";
import { count } from "./format";
import "../styles/chart.css";

export type { ChartProps, Point, Series, Tone } from "./chart-parts";

export function BarChart(props: ChartProps) {
  return (
    <Plot {...props} tops={(point) => [sum(point, 1), sum(point, -1)]}>
      {(at) =>
        props.points.map((point, index) => <Stack key={index} point={point} index={index} at={at} {...props} />)
      }
    </Plot>
  );
}

export function LineChart(props: ChartProps) {
  return (
    <Plot {...props} tops={(point) => point.values.filter((value) => value !== null)}>
      {(at) =>
        props.series.map((series, which) => (
          <g key={which} class={`tone-${toneOf(series, which)} line-${which % 4}`}>
            <path class="line" d={pathOf(props.points, which, at)} />
            {props.points.map((point, index) => {
              const value = point.values[which] ?? null;
              const isShown = index === at.active || props.points.length <= 30;
              return value === null || !isShown ? null : (
                <circle key={index} cx={at.x(index)} cy={at.y(value)} r={index === at.active ? 5 : 3} />
              );
            })}
          </g>
        ))
      }
    </Plot>
  );
}

/** Named rows with a bar and its value: for names that are long, such as causes of failures. */
export function RowChart({ label, series, points, format = count }: ChartProps) {
  const highest = Math.max(...points.map((point) => sum(point, 1)), 0) || 1;
  return (
    <figure class="chart" aria-label={label}>
      {series.length > 1 && <Legend series={series} />}
      <ul class="chart-rows">
        {points.map((point) => (
          <li key={point.label}>
            <span>{point.href ? <a href={point.href}>{point.label}</a> : point.label}</span>
            <span class="chart-row-value">{textOf(point, series, format)}</span>
            <span class="chart-row" aria-hidden="true">
              {point.values.map((value, index) => (
                <span
                  key={index}
                  class={`tone-${toneOf(series[index] as Series, index)}`}
                  style={{ width: `${(Math.max(value ?? 0, 0) / highest) * 100}%` }}
                />
              ))}
            </span>
          </li>
        ))}
      </ul>
    </figure>
  );
}

function Stack({ point, index, at, series }: ChartProps & { point: Point; index: number; at: At }) {
  let [up, down] = [0, 0];
  return (
    <g class={index === at.active ? "bar active" : "bar"}>
      {point.values.map((value, which) => {
        if (value === null || value === 0) return null;
        const from = value > 0 ? up : down;
        if (value > 0) up += value;
        else down += value;
        const [top, bottom] = [at.y(Math.max(from, from + value)), at.y(Math.min(from, from + value))];
        const tone = toneOf(series[which] as Series, which);
        const box = { x: at.x(index) - at.band / 2, y: top, width: at.band, height: Math.max(bottom - top, 1) };
        return (
          <g key={which} class={`tone-${tone}`}>
            <rect {...box} />
            {(tone === "bad" || tone === "busy") && <rect {...box} fill={`url(#${at.id}-${tone})`} class="pattern" />}
          </g>
        );
      })}
    </g>
  );
}

function pathOf(points: Point[], which: number, at: At): string {
  let isDrawing = false;
  return points
    .map((point, index) => {
      const value = point.values[which] ?? null;
      const command = value === null ? "" : `${isDrawing ? "L" : "M"}${at.x(index)} ${at.y(value)}`;
      isDrawing = value !== null;
      return command;
    })
    .join("");
}
