/** One environment of anybody: what its owner sees, its runs and data, and what only admins can do. */

import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { useHashLocation } from "wouter-preact/use-hash-location";
import type { Environment } from "../../api/schema";
import { useGet } from "../../api/use-get";
import { ProblemText, Section, Waiting } from "../../ui/basics";
import { JobList } from "../run/job-list";
import { EnvironmentPanels } from "../sandbox/environment-panels";
import { EnvironmentData } from "./environment-data";
import { FreezeDialog, ThawDialog } from "./freeze";

const POLL_SECONDS = 15;
const VIEWS = [
  { path: "", name: "Overview" },
  { path: "/runs", name: "Jobs and runs" },
  { path: "/data", name: "Data" },
];

export function EnvironmentPage({ id }: { id: string }) {
  const { data: environment, problem, refresh } = useGet<Environment>(`/environments/${id}`, { every: POLL_SECONDS });
  const [location] = useHashLocation();
  const root = `/admin/environments/${id}`;
  const here = VIEWS.findLast((each) => location.startsWith(root + each.path));
  return (
    <>
      <Link href="/admin">All environments</Link>
      <h1>{environment ? `Environment of ${environment.owner}` : "Environment"}</h1>
      <ProblemText problem={problem} />
      {!environment && !problem && <Waiting what="the environment" />}
      {environment && (
        <>
          <nav class="tabs" aria-label="Views of the environment">
            {VIEWS.map((each) => (
              <Link key={each.path} href={root + each.path} aria-current={each === here ? "page" : undefined}>
                {each.name}
              </Link>
            ))}
          </nav>
          {here?.path === "/runs" ? (
            <JobList environmentId={environment.id} />
          ) : here?.path === "/data" ? (
            <EnvironmentData environment={environment} />
          ) : (
            <Overview environment={environment} refresh={refresh} />
          )}
        </>
      )}
    </>
  );
}

function Overview({ environment, refresh }: { environment: Environment; refresh: () => void }) {
  return (
    <>
      {environment.status !== "DELETED" && <ForAdmins environment={environment} refresh={refresh} />}
      <EnvironmentPanels environment={environment} onDone={refresh} />
    </>
  );
}

function ForAdmins({ environment, refresh }: { environment: Environment; refresh: () => void }) {
  const [open, setOpen] = useState<"freeze" | "thaw">();
  const { frozen, owner, status } = environment;
  const close = () => setOpen(undefined);
  return (
    <Section
      title="For admins"
      actions={
        status !== "DELETING" && (
          <>
            {/* An admin can replace the budget's freeze with their own. */}
            {frozen?.by_type !== "user" && (
              <button type="button" onClick={() => setOpen("freeze")}>
                Freeze
              </button>
            )}
            {frozen && (
              <button type="button" onClick={() => setOpen("thaw")}>
                Thaw
              </button>
            )}
          </>
        )
      }
    >
      <p>
        You see the environment of <strong>{owner}</strong>. Its timeline shows what you do here, as done by an admin.{" "}
        <Link href={`/admin/spend/${encodeURIComponent(owner)}`}>Spend of {owner}</Link>
      </p>
      {open === "freeze" && <FreezeDialog environment={environment} onClose={close} onDone={refresh} />}
      {open === "thaw" && <ThawDialog environment={environment} onClose={close} onDone={refresh} />}
    </Section>
  );
}
