/** My sandbox: from nothing to a sandbox, what it is, and its end. */

import { useEffect, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import type { Environment, EnvironmentPage } from "../../api/schema";
import { useGet } from "../../api/use-get";
import { useMe } from "../../me";
import { Section, Waiting } from "../../ui/basics";
import { EnvironmentPanels } from "./environment-panels";
import { ReceiptPanel } from "./receipt";
import { CreatePanel } from "./settings";
import { SecretDialog } from "./webhook";

export function SandboxPage() {
  return (
    <>
      <h1>My sandbox</h1>
      <MySandbox />
    </>
  );
}

function MySandbox() {
  const me = useMe();
  const [created, setCreated] = useState<Environment>();
  const [secret, setSecret] = useState<string | null>(null);
  const [id, setId] = useState<string>();
  const listed = me.data?.environment;
  const owner = me.data?.owner;
  useEffect(() => setId((before) => listed?.id ?? before), [listed?.id]);

  const followed = useGet<Environment>(id ? `/environments/${id}` : null, { every: 15 });
  const last = useGet<EnvironmentPage>(
    owner && listed === null && !id ? `/environments?owner=${encodeURIComponent(owner)}&limit=1` : null,
  );
  const environment = followed.data ?? (listed?.id === id ? listed : undefined) ?? created;
  // The other pages follow `GET /me`, which is slower.
  useEffect(() => me.refresh(), [environment?.status, me.refresh]);

  const onCreated = (fresh: Environment) => {
    setCreated(fresh);
    setId(fresh.id);
    setSecret(fresh.notifications.webhook?.secret ?? null);
    me.refresh();
  };
  if (!me.data) return <Waiting what="your sandbox" />;
  const gone = environment?.status === "DELETED" ? environment : id ? undefined : last.data?.items[0];
  if (environment && environment.status !== "DELETED") {
    return (
      <>
        <EnvironmentPanels
          environment={environment}
          onDone={() => {
            followed.refresh();
            me.refresh();
          }}
          takesFocus={created?.id === environment.id}
        >
          <NextSteps environment={environment} />
        </EnvironmentPanels>
        {secret !== null && <SecretDialog secret={secret} onClose={() => setSecret(null)} />}
      </>
    );
  }
  if (id && !gone) return <Waiting what="your sandbox" />;
  return (
    <>
      {gone && <ReceiptPanel environment={gone} />}
      <CreatePanel me={me.data} onCreated={onCreated} />
    </>
  );
}

/** From a new sandbox to the table that its job builds. */
function NextSteps({ environment }: { environment: Environment }) {
  if (environment.status !== "READY" || environment.frozen) return null;
  return (
    <Section title="What next">
      <ol class="steps">
        <li>
          <Link href="/run" class="button">
            Run the job
          </Link>{" "}
          It reads the sample data and builds the table <code>tbsot_ecommerce_br</code>. You see the price before.
        </li>
        <li>
          <Link href="/data" class="button">
            Look at the data
          </Link>{" "}
          The sources now, and the new table after the run. Ask questions in SQL.
        </li>
        <li>
          <Link href="/code" class="button">
            Change the code
          </Link>{" "}
          See how the job works, and try your own.
        </li>
      </ol>
    </Section>
  );
}
