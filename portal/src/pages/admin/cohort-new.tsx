/** A new cohort: its members and settings, a dry run, and then the request. */

import { useMemo, useRef, useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { api, body } from "../../api/client";
import type { Cohort, CohortPlan, CohortRequest, Settings } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { ProblemText } from "../../ui/basics";
import { useDraft } from "../../ui/draft";
import { errorAt, Field, focusFirstError } from "../../ui/form";
import { plural, timeZone } from "../../ui/format";
import { Fields, Group, isShown } from "../sandbox/schema-form";
import { useForm } from "../sandbox/use-form";
import { changedAt, difference, group, leaves, type Values } from "../sandbox/values";
import { Plan, willChange } from "./cohort-plan";
import { errorsByLine, parseOwners } from "./owners";
import { OwnersField } from "./owners-field";

interface Draft {
  name: string;
  owners: string;
  data: string;
  /** Local time, as an input of the browser has it. Empty: as the settings say. */
  expiresAt: string;
  settings: Values | null;
}

const EMPTY: Draft = { name: "", owners: "", data: "", expiresAt: "", settings: null };

export function NewCohortPage() {
  const [, navigate] = useLocation();
  const [kept, setKept] = useDraft<Draft>("cohort");
  const draft = kept ?? EMPTY;
  const [plan, setPlan] = useState<CohortPlan>();
  const form = useRef<HTMLFormElement>(null);
  const settings = useSettingsForm(draft.settings);
  const pasted = parseOwners(draft.owners);

  const command = useCommand((headers, isDry: boolean) => {
    const request: CohortRequest = {
      name: draft.name,
      owners: pasted.owners.map((each) => each.name),
      settings: settings.changes,
      data: draft.data || null,
      expires_at: draft.expiresAt ? new Date(draft.expiresAt).toISOString() : null,
      dry_run: isDry,
    };
    return body(api.POST("/cohorts", { headers, body: request }));
  });
  const errors = command.problem?.errors ?? [];
  const error = (pointer: string) => errorAt(command.problem, pointer);
  const change = (changes: Partial<Draft>) => {
    setKept({ ...draft, ...changes });
    setPlan(undefined);
  };
  const send = async (event: Event) => {
    event.preventDefault();
    const result = await command.run(plan === undefined);
    if (result === undefined) {
      setPlan(undefined);
      requestAnimationFrame(() => focusFirstError(form.current));
    } else if (plan === undefined) setPlan(result as CohortPlan);
    else {
      setKept(undefined);
      navigate(`/admin/cohorts/${(result as Cohort).id}`);
    }
  };
  const isBeside = (pointer: string) =>
    ["/name", "/data", "/expires_at"].includes(pointer) ||
    /^\/owners(\/|$)/.test(pointer) ||
    (pointer.startsWith("/settings/") && settings.shows(pointer.slice("/settings".length)));

  return (
    <>
      <Link href="/admin/cohorts">All cohorts</Link>
      <h1>New cohort</h1>
      <form ref={form} class="card" onSubmit={(event) => void send(event)}>
        <Field
          label="Name of the cohort"
          hint="Such as the course and its term."
          required
          value={draft.name}
          onChange={(name) => change({ name })}
          error={error("/name")}
        />
        <OwnersField
          label="Owners"
          hint="Each gets an environment. They need no account yet: they find it when they sign in."
          text={draft.owners}
          onChange={(owners) => change({ owners })}
          errors={errorsByLine(pasted.owners, errors, "/owners")}
        />
        <Field
          kind="select"
          label="Data set"
          value={draft.data}
          onChange={(data) => change({ data })}
          error={error("/data")}
          options={settings.dataSets}
        />
        <ExpirationField
          value={draft.expiresAt}
          onChange={(expiresAt) => change({ expiresAt })}
          error={error("/expires_at")}
        />
        {settings.node && (
          <Group title="Settings of all environments" changes={leaves(settings.changes as never)}>
            <Fields
              node={settings.node}
              path={["settings"]}
              values={settings.values}
              before={settings.before}
              onChange={(path, value) =>
                change({ settings: changedAt(settings.values, path.slice(1), value) as Values })
              }
              errors={errors}
            />
          </Group>
        )}
        <ProblemText problem={command.problem} without={isBeside} />
        {plan && <Plan plan={plan} />}
        <div class="actions">
          {plan === undefined ? (
            <button class="primary" disabled={command.isBusy || pasted.owners.length === 0}>
              {command.isBusy ? "Checking …" : "Check what would happen"}
            </button>
          ) : (
            <button class="primary" disabled={command.isBusy}>
              {command.isBusy ? "Creating …" : `Create the cohort with ${plural(willChange(plan), "environment")}`}
            </button>
          )}
          {kept && (
            <button type="button" class="quiet" onClick={() => change(EMPTY)}>
              Clear the form
            </button>
          )}
        </div>
      </form>
    </>
  );
}

function ExpirationField(props: { value: string; onChange: (value: string) => void; error: string | undefined }) {
  const { value, onChange, error } = props;
  return (
    <div class="field">
      <label for="cohort-expires">All expire at (optional)</label>
      <div class="hint" id="cohort-expires-hint">
        Time zone: {timeZone()}. Without a time, each expires after the hours in the settings.
      </div>
      {error && (
        <div class="error" id="cohort-expires-error">
          {error}
        </div>
      )}
      <input
        id="cohort-expires"
        type="datetime-local"
        value={value}
        aria-describedby={`cohort-expires-hint${error ? " cohort-expires-error" : ""}`}
        aria-invalid={error ? "true" : undefined}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    </div>
  );
}

/** The form of the settings, from the API's own schema. `kept` are the typed values, or null if nobody typed any. */
function useSettingsForm(kept: Values | null) {
  const { root } = useForm("CohortRequest");
  const node = useMemo(() => {
    const settings = root?.children.find((child) => child.name === "settings");
    // A class has the main job: `job` and `jobs` exclude each other.
    return settings && { ...settings, children: settings.children.filter((child) => child.name !== "jobs") };
  }, [root]);
  const before = useMemo(() => (node ? group(node, {}) : {}), [node]);
  const values = kept ?? before;
  return {
    node,
    before,
    values,
    changes: ((node && difference(node, before, values)) ?? {}) as Settings,
    dataSets: root?.children.find((child) => child.name === "data")?.options ?? [],
    shows: (pointer: string) => node !== undefined && isShown(node, pointer),
  };
}
