/** A field for owners as they are pasted, with what was read from it and the errors by line. */

import { useId } from "preact/hooks";
import { plural } from "../../ui/format";
import { parseOwners } from "./owners";

export function OwnersField(props: {
  label: string;
  hint?: string;
  text: string;
  onChange: (text: string) => void;
  errors: string[];
}) {
  const { label, hint, text, onChange, errors } = props;
  const id = useId();
  const { owners, repeated, heading } = parseOwners(text);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="hint" id={`${id}-hint`}>
        {hint} Paste a column of a spreadsheet or CSV: one per line, or separated by commas.
      </div>
      {errors.length > 0 && (
        <ul class="error" id={`${id}-error`}>
          {errors.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      )}
      <textarea
        id={id}
        rows={6}
        spellcheck={false}
        autocomplete="off"
        aria-describedby={`${id}-hint ${id}-read${errors.length > 0 ? ` ${id}-error` : ""}`}
        aria-invalid={errors.length > 0 ? "true" : undefined}
        value={text}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      <div class="hint" id={`${id}-read`} aria-live="polite">
        {plural(owners.length, "owner")}
        {repeated.length > 0 && `. Left out because they were repeated: ${repeated.join(", ")}`}
        {heading !== null && `. Left out as the heading of the column: ${heading}`}
      </div>
    </div>
  );
}
