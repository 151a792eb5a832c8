/** A form from a schema: unknown fields of later releases are in it as well. Only changed values are for the API. */

import type { ComponentChildren } from "preact";
import type { FieldProblem } from "../../api/schema";
import { errorAt, Field, type Pair } from "../../ui/form";
import type { Node } from "./schema";
import { difference, group, leaves, pointerOf, type Path, type Value, type Values } from "./values";

interface FieldsProps {
  node: Node;
  path: Path;
  values: Values;
  /** Values before the user changed them, to show in which groups there are changes. */
  before: Values | undefined;
  onChange: (path: Path, value: Value) => void;
  errors: FieldProblem[];
}

/** The fields of an object. */
export function Fields({ node, path, values, before, onChange, errors }: FieldsProps) {
  return (
    <div class="fields">
      {node.children.map((child) => (
        <OneField
          key={child.name}
          node={child}
          path={[...path, child.name]}
          value={values[child.name]}
          before={before?.[child.name]}
          onChange={onChange}
          errors={errors}
          isAlone={node.children.length === 1}
        />
      ))}
    </div>
  );
}

interface OneFieldProps {
  node: Node;
  path: Path;
  value: Value | undefined;
  before: Value | undefined;
  onChange: (path: Path, value: Value) => void;
  errors: FieldProblem[];
  isAlone?: boolean;
}

function OneField({ node, path, value, before, onChange, errors, isAlone }: OneFieldProps) {
  const pointer = pointerOf(path);
  const set = (next: Value) => onChange(path, next);
  if (node.kind === "group") {
    return (
      <Group
        title={node.label}
        description={described(node)}
        changes={leaves(difference(node, before, value))}
        isOpen={isAlone}
      >
        <OwnError errors={errors} pointer={pointer} />
        <Fields
          node={node}
          path={path}
          values={value as Values}
          before={before as Values | undefined}
          onChange={onChange}
          errors={errors}
        />
      </Group>
    );
  }
  if (node.kind === "groups") return <Groups {...{ node, path, value, before, onChange, errors }} />;
  const common = {
    label: node.label,
    hint: <Hint node={node} />,
    name: pointer,
    error: errorAt({ errors }, pointer),
  };
  switch (node.kind) {
    case "checkbox":
      return <Field {...common} kind="checkbox" value={value === true} onChange={set} />;
    case "select":
      return <Field {...common} kind="select" value={String(value)} options={options(node, value)} onChange={set} />;
    case "choices":
      return <Choices {...common} node={node} value={value as string[]} onChange={set} />;
    case "list":
      return <Field {...common} kind="list" value={value as string[]} onChange={set} />;
    case "map":
      return <Field {...common} kind="map" value={value as Pair[]} onChange={set} />;
    case "number":
      return <Field {...common} kind="number" value={String(value)} placeholder={placeholder(node)} onChange={set} />;
    default:
      return <Field {...common} value={String(value)} placeholder={placeholder(node)} onChange={set} />;
  }
}

/** A group of fields that is closed until it is needed. */
export function Group(props: {
  title: string;
  description?: string;
  changes: number;
  isOpen?: boolean | undefined;
  children: ComponentChildren;
}) {
  const { title, description, changes, isOpen, children } = props;
  return (
    <details class="group" open={isOpen}>
      <summary>
        {title}
        {changes > 0 && <span class="soft"> · {changes} changed</span>}
      </summary>
      {description && (
        <p class="soft">
          <Words text={description} />
        </p>
      )}
      {children}
    </details>
  );
}

function Groups({ node, path, value, before, onChange, errors }: OneFieldProps) {
  const items = value as Values[];
  const pointer = pointerOf(path);
  const isFull = node.maxItems !== undefined && items.length >= node.maxItems;
  const isChanged = JSON.stringify(before) !== JSON.stringify(value);
  return (
    <Group title={node.label} description={described(node)} changes={isChanged ? items.length || 1 : 0}>
      <OwnError errors={errors} pointer={pointer} />
      {items.map((each, index) => (
        <fieldset class="item" key={index}>
          <legend>
            {node.label}: {index + 1}
          </legend>
          <OwnError errors={errors} pointer={`${pointer}/${index}`} />
          <Fields
            node={node}
            path={[...path, index]}
            values={each}
            before={undefined}
            onChange={onChange}
            errors={errors}
          />
          <button
            type="button"
            onClick={() =>
              onChange(
                path,
                items.filter((_, at) => at !== index),
              )
            }
          >
            Remove number {index + 1}
          </button>
        </fieldset>
      ))}
      <button type="button" disabled={isFull} onClick={() => onChange(path, [...items, group(node, {})])}>
        Add<span class="visually-hidden"> to {node.label}</span>
      </button>
    </Group>
  );
}

/** An error of an object as a whole. */
function OwnError({ errors, pointer }: { errors: FieldProblem[]; pointer: string }) {
  const own = errors.filter((each) => each.pointer === pointer);
  if (own.length === 0) return null;
  return (
    <p class="error" tabIndex={-1} data-error>
      {own.map((each) => each.detail).join(" ")}
    </p>
  );
}

function Choices(props: {
  label: string;
  hint: ComponentChildren;
  error: string | undefined;
  node: Node;
  value: string[];
  onChange: (value: string[]) => void;
}) {
  const { label, hint, error, node, value, onChange } = props;
  return (
    <fieldset class="field">
      <legend class="label">{label}</legend>
      <div class="hint">{hint}</div>
      {error && (
        <p class="error" tabIndex={-1} data-error>
          {error}
        </p>
      )}
      {node.options.map((option) => (
        <Field
          key={option.value}
          kind="checkbox"
          label={option.label}
          value={value.includes(option.value)}
          onChange={(isOn) =>
            onChange(
              node.options
                .map((each) => each.value)
                .filter((each) => (each === option.value ? isOn : value.includes(each))),
            )
          }
        />
      ))}
    </fieldset>
  );
}

function options(node: Node, value: Value | undefined) {
  const listed = node.options.some((each) => each.value === value);
  const isEmptyListed = node.options.some((each) => each.value === "");
  return [
    ...(node.isNullable && !isEmptyListed ? [{ value: "", label: "Automatic" }] : []),
    ...node.options,
    ...(listed || value === "" || value === undefined ? [] : [{ value: String(value), label: String(value) }]),
  ];
}

function placeholder(node: Node): string {
  return node.default === undefined || node.default === null ? "" : String(node.default);
}

function Hint({ node }: { node: Node }) {
  const { minimum, maximum } = node;
  const range =
    minimum !== undefined && maximum !== undefined
      ? `${minimum} to ${maximum}.`
      : maximum !== undefined
        ? `At most ${maximum}.`
        : "";
  return (
    <>
      <Words text={described(node)} /> {range} {node.kind === "list" && "One per line."}
    </>
  );
}

/** The API's "null" is an empty field, or the choice that says so. */
function described({ description, kind, options: listed }: Node): string {
  const word = kind === "select" && listed.every((each) => each.value !== "") ? "automatic" : "empty";
  return description
    .replace(" from `GET /data-sets`", "")
    .replace(/\bnull\b/g, word)
    .replace(/\bNull\b/g, word === "empty" ? "Empty" : "Automatic");
}

/** A description of the API: Markdown with `code` only. */
function Words({ text }: { text: string }) {
  return <>{text.split("`").map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))}</>;
}

/** Return whether the form shows errors of this pointer beside a field. */
export function isShown(node: Node, pointer: string): boolean {
  let at: Node | undefined = node;
  for (const part of pointer.split("/").slice(1)) {
    if (at.kind === "groups" && /^\d+$/.test(part)) continue;
    if (at.kind !== "group" && at.kind !== "groups") return true;
    at = at.children.find((child) => child.name === part);
    if (at === undefined) return false;
  }
  return at !== node;
}
