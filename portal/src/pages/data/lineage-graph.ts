/** The graph of tables and jobs, in columns from left to right. */

import type { Database } from "../../api/schema";
import { ends, outputsOf, type End, type Flow } from "./use-lineage";

export const WIDTH = 232;
export const HEIGHT = 60;
const [GAP_X, GAP_Y] = [96, 14];

export interface Node {
  key: string;
  end?: End;
  flow?: Flow;
  x: number;
  y: number;
}

export interface Edge {
  from: Node;
  to: Node;
  rows: number | null;
}

export interface Graph {
  nodes: Node[];
  edges: Edge[];
  width: number;
  height: number;
}

/** Place tables left of the jobs that read them, and right of those that wrote them. */
export function graphOf(flows: Flow[], databases: Database[]): Graph {
  const links: { from: string; to: string; rows: number | null }[] = [];
  const tables = new Map<string, End>();
  for (const flow of flows) {
    for (const end of ends(flow.metrics?.reads ?? [], databases)) {
      tables.set(end.key, end);
      links.push({ from: end.key, to: `job:${flow.jobId}`, rows: end.rows });
    }
    for (const end of outputsOf(flow, databases)) {
      tables.set(end.key, end);
      links.push({ from: `job:${flow.jobId}`, to: end.key, rows: end.rows });
    }
  }
  const keys = [...tables.keys(), ...flows.map((flow) => `job:${flow.jobId}`)];
  const levels = levelsOf(keys, links);
  const columns: string[][] = [];
  for (const key of keys) (columns[levels.get(key) ?? 0] ??= []).push(key);
  const height = Math.max(...columns.map((column) => column?.length ?? 0), 1) * (HEIGHT + GAP_Y) - GAP_Y;
  const nodes = new Map<string, Node>();
  columns.forEach((column, level) => {
    const top = (height - (column.length * (HEIGHT + GAP_Y) - GAP_Y)) / 2;
    column.forEach((key, index) => {
      const flow = flows.find((each) => `job:${each.jobId}` === key);
      const place = { key, x: level * (WIDTH + GAP_X), y: top + index * (HEIGHT + GAP_Y) };
      const end = tables.get(key);
      nodes.set(key, { ...place, ...(flow && { flow }), ...(end && { end }) });
    });
  });
  const edges = links.flatMap(({ from, to, rows }) => {
    const [start, target] = [nodes.get(from), nodes.get(to)];
    return start && target ? [{ from: start, to: target, rows }] : [];
  });
  return { nodes: [...nodes.values()], edges, width: columns.length * (WIDTH + GAP_X) - GAP_X, height };
}

/** Longest way from a source. A job that reads its own table would be a circle, so the rounds are limited. */
function levelsOf(keys: string[], links: { from: string; to: string }[]): Map<string, number> {
  const levels = new Map(keys.map((key) => [key, key.startsWith("job:") ? 1 : 0]));
  const forward = links.filter((link) => !links.some((other) => other.from === link.to && other.to === link.from));
  const all = [...forward, ...links.filter((link) => !forward.includes(link) && link.from.startsWith("job:"))];
  for (let round = 0, isChanged = true; isChanged && round < keys.length; round++) {
    isChanged = false;
    for (const { from, to } of all) {
      const level = (levels.get(from) ?? 0) + 1;
      if (level <= (levels.get(to) ?? 0) || level > keys.length) continue;
      levels.set(to, level);
      isChanged = true;
    }
  }
  return levels;
}

/** A curve from the right of a node to the left of another one. */
export function curve({ from, to }: Edge): string {
  const [x1, y1] = [from.x + WIDTH, from.y + HEIGHT / 2];
  const [x2, y2] = [to.x, to.y + HEIGHT / 2];
  const bend = Math.max(40, Math.abs(x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

/** Thicker for more rows, by their digits. */
export const thickness = (rows: number | null) => 1.5 + (rows ? Math.log10(rows + 1) * 0.5 : 0);
