/** Fields of a form, from a JSON Schema of the API's OpenAPI document. */

import type { Limits } from "../../api/schema";
import type { Option } from "../../ui/form";
import { capitalized } from "../../ui/format";

interface JsonSchema {
  $ref?: string;
  type?: string;
  enum?: string[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  maxItems?: number;
}

export interface Document {
  components: { schemas: Record<string, JsonSchema> };
}

/** `choices`: some of `options`. `group`: an object with `children`. `groups`: a list of such objects. */
export type Kind = "text" | "number" | "checkbox" | "select" | "choices" | "list" | "map" | "group" | "groups";

export interface Node {
  name: string;
  kind: Kind;
  label: string;
  description: string;
  isNullable: boolean;
  /** Values of the list are numbers. */
  isNumeric: boolean;
  default: unknown;
  options: Option[];
  minimum: number | undefined;
  maximum: number | undefined;
  maxItems: number | undefined;
  children: Node[];
}

const DEEPEST = 6;

/** Return the root group of the schema with this name. */
export function formOf(document: Document, name: string): Node {
  return node(document, name, { $ref: `#/components/schemas/${name}` }, undefined, 0);
}

function node(document: Document, name: string, given: JsonSchema, inherited: unknown, depth: number): Node {
  const { schema, isNullable } = resolved(document, given);
  const made: Node = {
    name,
    kind: "text",
    label: labelOf(name),
    description: schema.description ?? "",
    isNullable,
    isNumeric: false,
    default: inherited === undefined ? schema.default : inherited,
    options: (schema.enum ?? []).map((value) => ({ value, label: value })),
    minimum: schema.minimum,
    maximum: schema.maximum,
    maxItems: schema.maxItems,
    children: [],
  };
  const childrenOf = (properties: Record<string, JsonSchema>, defaults: unknown) =>
    Object.entries(properties).map(([child, part]) =>
      node(document, child, part, (defaults as Record<string, unknown> | undefined)?.[child], depth + 1),
    );
  if (schema.properties && depth < DEEPEST) {
    return { ...made, kind: "group", children: childrenOf(schema.properties, made.default ?? undefined) };
  }
  if (schema.type === "array") {
    const { schema: item } = resolved(document, schema.items ?? {});
    if (item.properties && depth < DEEPEST) {
      return { ...made, kind: "groups", children: childrenOf(item.properties, undefined) };
    }
    if (item.enum) {
      return { ...made, kind: "choices", options: item.enum.map((value) => ({ value, label: value })) };
    }
    return { ...made, kind: "list", isNumeric: item.type === "integer" || item.type === "number" };
  }
  if (schema.enum) return { ...made, kind: "select" };
  if (schema.type === "boolean") return { ...made, kind: "checkbox" };
  if (schema.type === "integer" || schema.type === "number") return { ...made, kind: "number" };
  if (schema.type === "object") return { ...made, kind: "map" };
  return made;
}

/** Follow references, and reduce "this or null" to this. */
function resolved(document: Document, given: JsonSchema): { schema: JsonSchema; isNullable: boolean } {
  let [schema, isNullable] = [given, false];
  for (let step = 0; step < DEEPEST; step++) {
    if (schema.$ref !== undefined) {
      const { $ref, ...beside } = schema;
      schema = { ...document.components.schemas[$ref.split("/").at(-1) ?? ""], ...beside };
    } else if (schema.anyOf !== undefined) {
      const { anyOf, ...beside } = schema;
      const others = anyOf.filter((each) => each.type !== "null");
      isNullable ||= others.length < anyOf.length;
      schema = { ...(others.length === 1 ? others[0] : {}), ...beside };
    } else {
      break;
    }
  }
  return { schema, isNullable };
}

const SPELLINGS: Record<string, string> = {
  arn: "ARN",
  iam: "IAM",
  kms: "KMS",
  s3: "S3",
  sor: "SoR",
  sot: "SoT",
  url: "URL",
  athena: "Athena",
  glue: "Glue",
  python: "Python",
  cloudwatch: "CloudWatch",
};

/** "kms_key_arn" is "KMS key ARN". */
export function labelOf(name: string): string {
  const words = name.split("_").map((word) => SPELLINGS[word] ?? word);
  return capitalized(words.join(" "));
}

/** Return the form with the operator's limits, and with `options` for fields at the top. */
export function within(root: Node, limits: Limits, options: Record<string, Option[]>): Node {
  const allowed = limits as unknown as Record<string, unknown>;
  const narrowed = (each: Node): Node => {
    const limit = allowed[each.name];
    const listed = allowed[`${each.name}s`];
    const chosen = options[each.name] ?? (Array.isArray(listed) ? listed.map(same) : []);
    const made = { ...each, children: each.children.map(narrowed) };
    if (each.kind === "number" && typeof limit === "number") {
      made.maximum = Math.min(limit, each.maximum ?? limit);
      if (typeof each.default === "number") made.default = Math.min(limit, each.default);
    }
    return chosen.length > 0 ? { ...made, kind: "select", options: chosen } : made;
  };
  return narrowed(root);
}

const same = (value: unknown): Option => ({ value: String(value), label: String(value) });
