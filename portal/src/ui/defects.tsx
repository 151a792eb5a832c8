/** Errors that no page handles: they are shown, so that nothing fails in silence. */

import { store, useStore } from "../store";

const defect = store<string | null>(null);

/** Show what the browser would only log. */
export function watchDefects(): void {
  addEventListener("error", (event) => {
    // Browsers report this for layouts that need a second pass. It has no effect.
    if (!event.message.startsWith("ResizeObserver loop")) defect.value = event.message;
  });
  addEventListener("unhandledrejection", (event) => {
    const reason: unknown = event.reason;
    defect.value = reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason);
  });
}

export function Defects() {
  const message = useStore(defect);
  if (message === null) return null;
  return (
    <div class="banner bad" role="alert">
      <p>
        A part of this page has failed ({message}). What you see may be incomplete. Reload the page; if it happens
        again, report it.
      </p>
      <div class="actions">
        <button type="button" onClick={() => location.reload()}>
          Reload the page
        </button>
        <button type="button" class="quiet" onClick={() => (defect.value = null)}>
          Dismiss
        </button>
      </div>
    </div>
  );
}
