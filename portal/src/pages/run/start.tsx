/** Start a run: its size, its arguments and what it costs at most. */

import { useRef, useState } from "preact/hooks";
import { api, body } from "../../api/client";
import type { Environment, Job, JobRun, Problem, RunRequest } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { useMe } from "../../me";
import { ProblemText, Section } from "../../ui/basics";
import { useDraft } from "../../ui/draft";
import { errorAt, Field, focusFirstError, type Pair } from "../../ui/form";
import { dateTime, duration, usd } from "../../ui/format";
import { runUrl } from "./links";
import { maxCost, wholeNumber } from "./price";
import { isFinal } from "./status";

interface Draft {
  workerType: string;
  workers: string;
  minutes: string;
  pairs: Pair[];
}

interface Props {
  job: Job;
  environment: Environment | undefined;
  /** Whether the user pays for it. */
  isMine: boolean;
  /** Runs of the job, newest first. */
  runs: JobRun[];
}

export function StartRun({ job, environment, isMine, runs }: Props) {
  const { data: me, refresh } = useMe();
  const usual: Draft = {
    workerType: job.worker_type,
    workers: String(job.number_of_workers),
    minutes: String(job.timeout_minutes),
    pairs: [],
  };
  const [draft, setDraft] = useDraft<Draft>(`run.${job.id}`);
  const [own, setOwn] = useState<Record<string, string>>({});
  const form = useRef<HTMLFormElement>(null);
  const start = useCommand((headers, request: RunRequest) =>
    body(api.POST("/jobs/{job_id}/runs", { params: { path: { job_id: job.id } }, body: request, headers })),
  );
  const values = draft ?? usual;
  const change = (part: Partial<Draft>) => {
    setOwn({});
    setDraft({ ...values, ...part });
  };
  const errorOf = (pointer: string): string | undefined => own[pointer] ?? errorAt(start.problem, pointer);
  const showErrors = () => setTimeout(() => focusFirstError(form.current));

  const submit = async (event: Event) => {
    event.preventDefault();
    const [request, errors] = requestOf(values, usual);
    setOwn(errors);
    if (Object.keys(errors).length > 0) return showErrors();
    const run = await start.run(request);
    if (run === undefined) return showErrors();
    setDraft(undefined);
    refresh(); // the maximum cost is reserved
    location.assign(runUrl(run.job_id, run.id));
  };

  const reason = unready(environment);
  const active = runs.filter((run) => !isFinal(run.status)).length;
  const limits = me?.limits;
  return (
    <Section title="Start a run">
      <form ref={form} class="stack" onSubmit={(event) => void submit(event)} noValidate>
        <div class="run-size">
          <Field
            kind="select"
            label="Worker type"
            hint="With the price of each worker"
            value={values.workerType}
            onChange={(workerType) => change({ workerType })}
            options={(me?.worker_prices ?? []).map((each) => ({
              value: each.worker_type,
              label: `${each.worker_type}, ${usd(each.usd_per_hour)} an hour`,
            }))}
            error={errorOf("/worker_type")}
          />
          <Field
            kind="number"
            label="Workers"
            hint={limits && `2 to ${limits.number_of_workers}`}
            value={values.workers}
            onChange={(workers) => change({ workers })}
            error={errorOf("/number_of_workers")}
          />
          <Field
            kind="number"
            label="Timeout in minutes"
            hint={limits && `1 to ${limits.timeout_minutes}`}
            value={values.minutes}
            onChange={(minutes) => change({ minutes })}
            error={errorOf("/timeout_minutes")}
          />
        </div>
        <details open={values.pairs.length > 0 || errorOf("/arguments") !== undefined}>
          <summary>Arguments of this run{values.pairs.length > 0 && ` (${values.pairs.length})`}</summary>
          <Field
            kind="map"
            label="Arguments"
            hint={<JobArguments values={job.arguments} />}
            value={values.pairs}
            onChange={(pairs) => change({ pairs })}
            error={errorOf("/arguments")}
          />
        </details>
        <Price values={values} job={job} isMine={isMine} last={runs.find((run) => run.status === "SUCCEEDED")} />
        <ProblemText problem={start.problem} without={isBesideField} />
        <NextStep problem={start.problem} />
        {reason && <p class="notice busy">{reason}</p>}
        {!reason && active >= job.max_concurrent_runs && (
          <p class="notice">
            {active === 1 ? "A run is" : `${active} runs are`} active, and the job runs{" "}
            {job.max_concurrent_runs === 1 ? "one" : job.max_concurrent_runs} at a time. A new run waits.
          </p>
        )}
        <div class="actions">
          <button type="submit" class="primary" disabled={start.isBusy || reason !== null}>
            {start.isBusy ? "Starting …" : "Start run"}
          </button>
          {draft && (
            <button
              type="button"
              class="quiet"
              onClick={() => {
                start.clear();
                setOwn({});
                setDraft(undefined);
              }}
            >
              Use the job’s settings
            </button>
          )}
        </div>
      </form>
    </Section>
  );
}

function JobArguments({ values }: { values: Record<string, string> }) {
  const names = Object.keys(values);
  if (names.length === 0) return <>Names begin with two hyphens, such as --DAY.</>;
  return (
    <>
      Added to those of the job; the same name replaces its value:{" "}
      {names.map((name, index) => (
        <span key={name}>
          {index > 0 && ", "}
          <code>
            {name}={values[name]}
          </code>
        </span>
      ))}
    </>
  );
}

function Price({
  values,
  job,
  isMine,
  last,
}: {
  values: Draft;
  job: Job;
  isMine: boolean;
  last: JobRun | undefined;
}) {
  const me = useMe().data;
  if (!me) return null;
  const cost = maxCost(values, job, me.worker_prices);
  const { available_usd: left, period_ends_at: ends } = me.budget;
  const tries = job.max_retries > 0 ? ` × ${1 + job.max_retries} attempts` : "";
  return (
    <div class="run-price" aria-live="polite">
      <p>
        <span class="figure">{cost === null ? "–" : usd(cost)}</span> at most
        {cost !== null && (
          <span class="soft">
            {" "}
            for {values.workers.trim()} workers × {values.minutes.trim()} minutes{tries}
          </span>
        )}
      </p>
      {last?.cost_usd != null && last.execution_seconds !== null && (
        <p class="soft">
          The last successful run cost {usd(last.cost_usd)} and took {duration(last.execution_seconds)}. Glue bills at
          least one minute.
        </p>
      )}
      {isMine ? (
        <p class={cost !== null && cost > left ? "bad-text" : "soft"}>
          {cost !== null && cost > left ? "That is more than is left: " : ""}
          {usd(left)} of your budget of {usd(me.budget.limit_usd)} is available
          {ends && ` until ${dateTime(ends)}`}.
        </p>
      ) : (
        <p class="soft">The owner of the sandbox pays for it.</p>
      )}
    </div>
  );
}

/** What to do about a refused run. */
function NextStep({ problem }: { problem: Problem | undefined }) {
  switch (problem?.code) {
    case "job_files_missing":
      return <a href="#/code">Open the files of the job</a>;
    case "environment_not_ready":
    case "environment_frozen":
      return <a href="#/">See what the sandbox does</a>;
    default:
      return null;
  }
}

/** Why the environment runs nothing now, or null. */
function unready(environment: Environment | undefined): string | null {
  if (!environment) return null;
  if (environment.frozen) return `The sandbox is frozen: ${environment.frozen.reason}`;
  if (environment.status === "READY") return null;
  return `The sandbox is ${environment.status}. Jobs run when it is READY.`;
}

const POINTERS = ["/worker_type", "/number_of_workers", "/timeout_minutes", "/arguments"];

const isBesideField = (pointer: string): boolean =>
  POINTERS.some((each) => pointer === each || pointer.startsWith(`${each}/`));

/** Return the request with what differs from the job's settings, and what the API cannot be sent. */
function requestOf(values: Draft, usual: Draft): [request: RunRequest, errors: Record<string, string>] {
  const errors: Record<string, string> = {};
  const request: RunRequest = { arguments: {}, worker_type: null, number_of_workers: null, timeout_minutes: null };
  const number = (text: string, pointer: string): number | null => {
    const found = wholeNumber(text);
    if (found === null) errors[pointer] = "Must be a whole number.";
    return found;
  };
  if (values.workerType !== usual.workerType) request.worker_type = values.workerType as Job["worker_type"];
  if (values.workers !== usual.workers) request.number_of_workers = number(values.workers, "/number_of_workers");
  if (values.minutes !== usual.minutes) request.timeout_minutes = number(values.minutes, "/timeout_minutes");
  const pairs = values.pairs.filter(([name, value]) => name.trim() !== "" || value !== "");
  const names = pairs.map(([name]) => name.trim());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    errors["/arguments"] = twice === "" ? "Each argument needs a name." : `${twice} is there twice.`;
  }
  request.arguments = Object.fromEntries(pairs.map(([, value], index) => [names[index], value]));
  return [request, errors];
}
