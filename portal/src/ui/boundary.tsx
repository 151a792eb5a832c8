/** A defect in one page, or a script that is gone, leaves the rest of the portal as it is. */

import { Component, type ComponentChildren } from "preact";
import { answered, lost, pause, sleep } from "../api/connection";
import { pageUrl } from "../config";

/** The script is not there: after a deployment, this tab still has the names of the last version. */
class ScriptMissing extends Error {}

/** Load a script of its own, such as the editor's. Waits while the service is lost. */
export async function loaded<T>(load: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await load();
    } catch (error) {
      if (await isServed()) throw new ScriptMissing((error as Error).message);
      lost();
      await sleep(pause(attempt));
      if (await isServed()) answered();
    }
  }
}

async function isServed(): Promise<boolean> {
  return fetch(new URL("config.json", pageUrl), { cache: "no-store" }).then(
    (response) => response.ok,
    () => false,
  );
}

interface Props {
  /** Another value shows the children again. */
  of: string;
  children: ComponentChildren;
}

export class Boundary extends Component<Props, { error: Error | null }> {
  override state = { error: null as Error | null };

  static override getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidCatch(error: Error) {
    if (!(error instanceof ScriptMissing)) console.error(error);
  }

  override componentDidUpdate(before: Props) {
    if (before.of !== this.props.of && this.state.error) this.setState({ error: null });
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return error instanceof ScriptMissing ? <NewVersion /> : <Defect error={error} />;
  }
}

function NewVersion() {
  return (
    <div class="card" role="alert">
      <h1>A new version is available</h1>
      <p>The portal was updated while this tab was open, so a part of this page can no longer be loaded.</p>
      <Reload />
    </div>
  );
}

function Defect({ error }: { error: Error }) {
  return (
    <div class="card" role="alert">
      <h1>This page has failed</h1>
      <p>
        This is a defect of the portal. Your sandbox is not affected, and the other pages still work. If it happens
        again, report this message:
      </p>
      <pre class="scroll" tabIndex={0}>
        {error.name}: {error.message}
      </pre>
      <Reload />
    </div>
  );
}

function Reload() {
  return (
    <div class="actions">
      <button type="button" class="primary" onClick={() => location.reload()}>
        Reload the page
      </button>
    </div>
  );
}
