/** Scales of charts: round ticks, and which labels fit. */

interface Scale {
  low: number;
  high: number;
  ticks: number[];
}

const STEPS = [1, 2, 2.5, 5, 10];

/** Return a scale of seconds, with ticks at whole minutes or hours if it is long. */
export function timeScaleOf(values: number[]): Scale {
  const highest = Math.max(...values, 0);
  const unit = highest >= 7200 ? 3600 : highest >= 120 ? 60 : 1;
  const scale = scaleOf(values.map((value) => value / unit));
  return { low: scale.low * unit, high: scale.high * unit, ticks: scale.ticks.map((tick) => tick * unit) };
}

/** Return a scale with about `count` round ticks that contains zero and all `values`. */
export function scaleOf(values: number[], count = 4): Scale {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const span = high - low || 1;
  const size = 10 ** Math.floor(Math.log10(span / count));
  const step = size * (STEPS.find((each) => each * size >= span / count) ?? 10);
  const first = Math.floor(low / step);
  const last = Math.max(Math.ceil(high / step), first + 1);
  // A product such as 3 * 0.1 has digits that nobody wants to read.
  const ticks = Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
  return { low: ticks[0] ?? 0, high: ticks.at(-1) ?? 1, ticks };
}

/** Return how many labels one label covers, if each is `size` wide and has `room`: 1 shows all of them. */
export const every = (size: number, room: number): number => Math.max(1, Math.ceil(size / Math.max(room, 1)));

export function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
