/** A plot with axes, whose points the pointer and the arrow keys choose. */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { every, scaleOf, shorten, timeScaleOf } from "./chart-scale";
import { ChartTable, Legend, textOf, type ChartProps, type Point } from "./chart-parts";
import { count } from "./format";

const BOTTOM = 22;
const TOP = 8;
const CHARACTER = 7;
const LONGEST_LABEL = 16;

export interface At {
  x: (index: number) => number;
  y: (value: number) => number;
  /** Width of a bar. */
  band: number;
  active: number | null;
  id: string;
}

export function Plot({
  label,
  series,
  points,
  axis = "",
  format = count,
  height = 180,
  isTime = false,
  tops,
  children,
}: ChartProps & { tops: (point: Point) => number[]; children: (at: At) => preact.ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const [width, setWidth] = useState(600);
  const [chosen, setChosen] = useState<number | null>(null);
  useEffect(() => {
    const seen = new ResizeObserver(([entry]) => entry && setWidth(Math.max(entry.contentRect.width, 160)));
    if (box.current) seen.observe(box.current);
    return () => seen.disconnect();
  }, []);

  const active = chosen !== null && points.length > 0 ? Math.min(chosen, points.length - 1) : null;
  const scale = (isTime ? timeScaleOf : scaleOf)(points.flatMap(tops));
  const left = Math.max(...scale.ticks.map((tick) => format(tick).length)) * CHARACTER + 10;
  const step = (width - left) / Math.max(points.length, 1);
  const y = (value: number) => TOP + ((scale.high - value) / (scale.high - scale.low)) * (height - TOP - BOTTOM);
  const x = (index: number) => left + step * (index + 0.5);
  const longest = Math.min(LONGEST_LABEL, Math.max(...points.map((point) => point.label.length), 1));
  const nth = every(longest * CHARACTER + 8, step);
  const within = (at: number, text: string) => {
    const half = (Math.min(text.length, LONGEST_LABEL) * CHARACTER) / 2;
    return Math.max(half, Math.min(at, width - half));
  };
  const current = active === null ? undefined : points[active];

  const follow = () => {
    if (current?.href) location.assign(current.href);
  };
  const move = (event: PointerEvent) => {
    const offset = event.clientX - (event.currentTarget as Element).getBoundingClientRect().left - left;
    setChosen(Math.max(0, Math.min(points.length - 1, Math.floor(offset / step))));
  };
  const press = (event: KeyboardEvent) => {
    const last = points.length - 1;
    const targets: Record<string, number> = {
      ArrowLeft: Math.max((active ?? 0) - 1, 0),
      ArrowRight: active === null ? 0 : Math.min(active + 1, last),
      Home: 0,
      End: last,
    };
    const target = targets[event.key];
    if (event.key === "Enter") follow();
    else if (target !== undefined) {
      event.preventDefault();
      setChosen(target);
    }
  };

  return (
    <figure class="chart">
      <Legend series={series} />
      <div
        ref={box}
        role="slider"
        tabIndex={0}
        aria-label={`${label}. Arrow keys show the values.`}
        aria-valuemin={1}
        aria-valuemax={Math.max(points.length, 1)}
        aria-valuenow={(active ?? 0) + 1}
        aria-valuetext={current ? `${current.label}: ${textOf(current, series, format)}` : `${points.length} values`}
        class={current?.href ? "chart-plot leads" : "chart-plot"}
        onKeyDown={press}
        onFocus={() => setChosen((before) => before ?? points.length - 1)}
        onBlur={() => setChosen(null)}
        onPointerMove={move}
        onPointerLeave={() => setChosen(null)}
        onClick={follow}
      >
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
          <Patterns id={id} />
          {scale.ticks.map((tick) => (
            <g key={tick}>
              <line class={tick === 0 ? "axis" : "grid"} x1={left} x2={width} y1={y(tick)} y2={y(tick)} />
              <text x={left - 6} y={y(tick) + 4} text-anchor="end">
                {format(tick)}
              </text>
            </g>
          ))}
          {active !== null && (
            <rect class="chosen" x={x(active) - step / 2} y={TOP} width={step} height={height - TOP - BOTTOM} />
          )}
          {children({ x, y, band: Math.min(Math.max(step * 0.7, 1), 56), active, id })}
          {points.map((point, index) =>
            index % nth === 0 ? (
              <text key={index} x={within(x(index), point.label)} y={height - 5} text-anchor="middle">
                {shorten(point.label, LONGEST_LABEL)}
              </text>
            ) : null,
          )}
        </svg>
      </div>
      <p class="chart-value">
        {current ? (
          <>
            <strong>{current.label}</strong> {textOf(current, series, format)}
          </>
        ) : (
          <span class="soft">{label}</span>
        )}
      </p>
      <ChartTable label={label} axis={axis} series={series} points={points} format={format} />
    </figure>
  );
}

/** Patterns over the fill of bars, so that their meaning is seen without colors. */
function Patterns({ id }: { id: string }) {
  return (
    <defs>
      <pattern id={`${id}-bad`} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <line class="mark" x1="0" y1="0" x2="0" y2="6" />
      </pattern>
      <pattern id={`${id}-busy`} width="6" height="6" patternUnits="userSpaceOnUse">
        <circle class="mark" cx="3" cy="3" r="1" />
      </pattern>
    </defs>
  );
}
