/** Texts for times, amounts and sizes, in the reader's language and time zone. */

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** "in 3 days", "in 71 hours", "5 minutes ago". The last three days before an end count in hours. */
export function fromNow(time: string, now = Date.now()): string {
  const seconds = (Date.parse(time) - now) / 1000;
  const [unit, length] = UNITS.find(
    ([, length]) => Math.abs(seconds) >= (length === 86_400 && seconds > 0 ? 3 * length : length),
  ) ?? ["second", 1];
  return relative.format(Math.trunc(seconds / length), unit);
}

export function dateTime(time: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
}

const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
const withSeconds = new Intl.DateTimeFormat(undefined, { ...CLOCK, second: "2-digit" });
const withDay = new Intl.DateTimeFormat(undefined, { ...CLOCK, month: "short", day: "numeric" });

/** "11:02:33" */
export const clock = (time: string): string => withSeconds.format(new Date(time));

/** "Nov 27, 11:02" */
export const shortTime = (time: string): string => withDay.format(new Date(time));

/** "Europe/Berlin": the time zone of all times that are shown, except where they are in UTC. */
export const timeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** "1 min 5 s" */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const parts = hours > 0 ? [hours, "h", minutes, "min"] : [minutes, "min", rest, "s"];
  return parts.slice(0, parts[2] === 0 ? 2 : 4).join(" ");
}

/** "1.6 s": for stages, which are short. */
export function shortSeconds(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}

/** US dollars with as many decimals as the amount needs to be seen. */
export function usd(amount: number): string {
  const decimals = amount !== 0 && Math.abs(amount) < 0.01 ? 6 : 2;
  return `$${amount.toFixed(decimals)}`;
}

export function bytes(size: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let [value, unit] = [size, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function count(number: number): string {
  return new Intl.NumberFormat().format(number);
}

/** "1 table", "2 tables" */
export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** "no free workers" as "No free workers" */
export function capitalized(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
