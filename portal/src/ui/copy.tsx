/** Copy a text to the clipboard. */

import { useState } from "preact/hooks";

export function CopyButton({ text, what }: { text: string; what: string }) {
  const [state, setState] = useState<"" | "Copied" | "Not copied: select the text instead">("");
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setState("Copied"),
      () => setState("Not copied: select the text instead"),
    );
  if (!navigator.clipboard) return null; // pages without TLS have none
  return (
    <span class="copy">
      <button type="button" aria-label={`Copy ${what}`} onClick={() => void copy()}>
        Copy
      </button>
      <span class="soft" role="status">
        {state}
      </span>
    </span>
  );
}
