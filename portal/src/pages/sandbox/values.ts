/** Values of a form as they were typed, and as the API's JSON. */

import type { Pair } from "../../ui/form";
import type { Node } from "./schema";

export type Value = string | boolean | string[] | Pair[] | Values | Values[];
export interface Values {
  [name: string]: Value;
}
export type Path = (string | number)[];
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** Return a JSON value as it is typed. Missing values have their default. */
export function typed(node: Node, json: unknown): Value {
  // A group without a value has the defaults of its fields, which include those of the group.
  const value = json === undefined && node.kind !== "group" ? node.default : json;
  const fields = (value ?? {}) as Record<string, unknown>;
  const items = Array.isArray(value) ? value : [];
  switch (node.kind) {
    case "group":
      return group(node, fields);
    case "groups":
      return items.map((each) => group(node, each as Record<string, unknown>));
    case "checkbox":
      return value === true;
    case "list":
    case "choices":
      return items.map(String);
    case "map":
      return Object.entries(fields).map(([name, text]): Pair => [name, String(text)]);
    default:
      return value === undefined || value === null ? "" : String(value);
  }
}

/** Return the typed values of an object. */
export function group(node: Node, fields: Record<string, unknown>): Values {
  return Object.fromEntries(node.children.map((child) => [child.name, typed(child, fields[child.name])]));
}

/** Return the JSON of what differs between two typed values, or undefined if nothing does. */
export function difference(node: Node, before: Value | undefined, now: Value | undefined): Json | undefined {
  if (now === undefined) return undefined;
  if (node.kind === "group") {
    const [old, next] = [(before ?? {}) as Values, now as Values];
    const changes = node.children.flatMap((child) => {
      const change = difference(child, old[child.name], next[child.name]);
      return change === undefined ? [] : [[child.name, change] as const];
    });
    return changes.length > 0 ? Object.fromEntries(changes) : undefined;
  }
  if (node.kind === "groups") {
    if (JSON.stringify(before) === JSON.stringify(now)) return undefined;
    return (now as Values[]).map((each) => chosen(node, each));
  }
  const value = json(node, now);
  if (before !== undefined && JSON.stringify(json(node, before)) === JSON.stringify(value)) return undefined;
  return value;
}

/** Return what an object of `groups` has other than its defaults. */
export function chosen(node: Node, values: Values): Json {
  return difference({ ...node, kind: "group" }, group(node, {}), values) ?? {};
}

/** Return the JSON of a simple field. Undefined for an empty number: it has its default. */
function json(node: Node, value: Value): Json | undefined {
  switch (node.kind) {
    case "checkbox":
      return value as boolean;
    case "choices":
      return value as string[];
    case "list": {
      const lines = (value as string[]).map((line) => line.trim()).filter((line) => line !== "");
      return node.isNumeric ? lines.map(numeral) : lines;
    }
    case "map":
      return Object.fromEntries((value as Pair[]).filter(([name, text]) => name.trim() !== "" || text !== ""));
    case "number": {
      const text = (value as string).trim();
      if (text === "") return node.isNullable ? null : undefined;
      return numeral(text);
    }
    default:
      return value === "" && node.isNullable ? null : (value as string);
  }
}

/** What is no number stays a string: the API says what is wrong with it. */
function numeral(text: string): Json {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** Return the values with another one at `path`. */
export function changedAt(values: Value | undefined, path: Path, value: Value): Value {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  if (Array.isArray(values)) {
    return (values as Values[]).map((each, at) => (at === first ? (changedAt(each, rest, value) as Values) : each));
  }
  const fields = (values ?? {}) as Values;
  return { ...fields, [first]: changedAt(fields[first], rest, value) };
}

/** Count the simple fields in a JSON change. */
export function leaves(change: Json | undefined): number {
  if (change === undefined) return 0;
  if (typeof change !== "object" || change === null || Array.isArray(change)) return 1;
  return Object.values(change).reduce<number>((sum, each) => sum + leaves(each), 0);
}

export const pointerOf = (path: Path): string => path.map((part) => `/${part}`).join("");
