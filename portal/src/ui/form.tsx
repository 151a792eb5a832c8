/**
 * A labelled field of a form, with a hint and an error that assistive technology reads with it.
 *
 * Values stay as they were typed: a number is a string, a map is a list of pairs. So no input is lost, and the API
 * says what is wrong with it.
 */

import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import type { FieldProblem } from "../api/schema";

interface Common {
  label: string;
  hint?: ComponentChildren;
  /** What is wrong with the value. */
  error?: string | undefined;
  name?: string;
  disabled?: boolean;
}

export type Pair = [name: string, value: string];

type FieldProps = Common &
  (
    | { kind?: "text"; value: string; onChange: (value: string) => void; placeholder?: string; required?: boolean }
    | { kind: "number"; value: string; onChange: (value: string) => void; placeholder?: string; unit?: string }
    | { kind: "select"; value: string; onChange: (value: string) => void; options: Option[] }
    | { kind: "checkbox"; value: boolean; onChange: (value: boolean) => void }
    | { kind: "list"; value: string[]; onChange: (value: string[]) => void; placeholder?: string }
    | { kind: "map"; value: Pair[]; onChange: (value: Pair[]) => void; nameLabel?: string; valueLabel?: string }
  );

export interface Option {
  value: string;
  label: string;
}

/** Attributes that tie a control to its hint and error. */
interface Tied {
  id: string;
  name: string | undefined;
  disabled: boolean | undefined;
  "aria-describedby": string | undefined;
  "aria-invalid": "true" | undefined;
}

export function Field(props: FieldProps) {
  const id = useId();
  const { label, hint, error } = props;
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const tied: Tied = {
    id,
    name: props.name,
    disabled: props.disabled,
    "aria-describedby": described || undefined,
    "aria-invalid": error ? "true" : undefined,
  };
  const notes = (
    <>
      {hint && (
        <div class="hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {error && (
        <div class="error" id={`${id}-error`}>
          {error}
        </div>
      )}
    </>
  );
  if (props.kind === "map") {
    return (
      <fieldset class="field map" aria-describedby={described || undefined}>
        <legend class="label">{label}</legend>
        {notes}
        <Pairs {...props} isInvalid={Boolean(error)} />
      </fieldset>
    );
  }
  if (props.kind === "checkbox") {
    const changed = (event: Event) => props.onChange((event.target as HTMLInputElement).checked);
    return (
      <div class="field checkbox">
        <div class="check">
          <input {...tied} type="checkbox" checked={props.value} onChange={changed} />
          <label for={id}>{label}</label>
        </div>
        {notes}
      </div>
    );
  }
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {notes}
      <Control props={props} tied={tied} />
    </div>
  );
}

type OneControl = Exclude<FieldProps, { kind: "map" } | { kind: "checkbox" }>;

function Control({ props, tied }: { props: OneControl; tied: Tied }) {
  switch (props.kind) {
    case "select":
      return (
        <select {...tied} value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
          {props.options.map((each) => (
            <option key={each.value} value={each.value}>
              {each.label}
            </option>
          ))}
        </select>
      );
    case "list":
      return (
        <textarea
          {...tied}
          rows={Math.min(8, Math.max(2, props.value.length + 1))}
          spellcheck={false}
          placeholder={props.placeholder}
          value={props.value.join("\n")}
          onInput={(event) => {
            const text = event.currentTarget.value;
            props.onChange(text === "" ? [] : text.split("\n"));
          }}
        />
      );
    case "number":
      return (
        <span class="with-unit">
          <input
            {...tied}
            type="text"
            inputMode="numeric"
            autocomplete="off"
            placeholder={props.placeholder}
            value={props.value}
            onInput={(event) => props.onChange(event.currentTarget.value)}
          />
          {props.unit && <span class="soft">{props.unit}</span>}
        </span>
      );
    default:
      return (
        <input
          {...tied}
          type="text"
          autocomplete="off"
          spellcheck={false}
          required={props.required}
          placeholder={props.placeholder}
          value={props.value}
          onInput={(event) => props.onChange(event.currentTarget.value)}
        />
      );
  }
}

function Pairs(props: Extract<FieldProps, { kind: "map" }> & { isInvalid: boolean }) {
  const { label, value, onChange, nameLabel = "Name", valueLabel = "Value", isInvalid, disabled } = props;
  const box = useRef<HTMLDivElement>(null);
  const change = (index: number, pair: Pair) => onChange(value.map((each, at) => (at === index ? pair : each)));
  const focus = (selector: string) =>
    requestAnimationFrame(() => (box.current?.querySelector(selector) as HTMLElement | null)?.focus());
  return (
    <div class="pairs" ref={box}>
      {value.map(([name, text], index) => (
        <div class="pair" key={index}>
          <input
            aria-label={`${label}: ${nameLabel} ${index + 1}`}
            aria-invalid={isInvalid ? "true" : undefined}
            placeholder={nameLabel}
            disabled={disabled}
            autocomplete="off"
            spellcheck={false}
            value={name}
            onInput={(event) => change(index, [event.currentTarget.value, text])}
          />
          <input
            aria-label={`${label}: ${valueLabel} ${index + 1}`}
            aria-invalid={isInvalid ? "true" : undefined}
            placeholder={valueLabel}
            disabled={disabled}
            autocomplete="off"
            spellcheck={false}
            value={text}
            onInput={(event) => change(index, [name, event.currentTarget.value])}
          />
          <button
            type="button"
            class="quiet"
            disabled={disabled}
            aria-label={`${label}: remove ${name || index + 1}`}
            onClick={() => {
              onChange(value.filter((_, at) => at !== index));
              focus(".add");
            }}
          >
            Remove
          </button>
        </div>
      ))}
      <button
        type="button"
        class="add"
        disabled={disabled}
        onClick={() => {
          onChange([...value, ["", ""]]);
          focus(".pair:last-of-type input");
        }}
      >
        Add<span class="visually-hidden"> to {label}</span>
      </button>
    </div>
  );
}

/**
 * Return what the API says is wrong at `pointer` or inside of it, if anything: "Line 2: Must be ..." in a list,
 * "--DATE: ..." in a map.
 */
export function errorAt(
  problem: { errors?: FieldProblem[] | null } | undefined,
  pointer: string,
): string | undefined {
  const found = (problem?.errors ?? []).flatMap((each) => {
    if (each.pointer === pointer) return [each.detail];
    if (!each.pointer?.startsWith(`${pointer}/`)) return [];
    const name = each.pointer
      .slice(pointer.length + 1)
      .replaceAll("~1", "/")
      .replaceAll("~0", "~");
    return [`${/^\d+$/.test(name) ? `Line ${Number(name) + 1}` : name}: ${each.detail}`];
  });
  return found.join(" ") || undefined;
}

/** Focus the first field with an error, and open the groups that it is in. Return whether there is one. */
export function focusFirstError(form: HTMLElement | null): boolean {
  const first = form?.querySelector<HTMLElement>('[aria-invalid="true"], [data-error]') ?? null;
  for (let group = first?.closest("details"); group; group = group.parentElement?.closest("details")) {
    group.open = true;
  }
  first?.focus();
  return first !== null;
}
