/** Why a run did not succeed, where, and what to do. */

import type { JobFiles, JobRun } from "../../api/schema";
import { useGet } from "../../api/use-get";
import { Section } from "../../ui/basics";
import { codeUrl } from "./links";
import { causeText } from "./status";

export function RunFailure({ run, isMine }: { run: JobRun; isMine: boolean }) {
  const { error } = run;
  if (!error) {
    return run.reason && run.status !== "SUCCEEDED" ? <p class="notice">{run.reason}</p> : null;
  }
  const isStopped = run.status === "STOPPED";
  return (
    <Section title={isStopped ? "Why it ended" : "Why it failed"}>
      <div class={isStopped ? "notice" : "problem"}>
        <strong>{error.cause ? causeText(error.cause) : "Failed"}</strong>
        <p class="run-message">{error.message}</p>
        <Where run={run} isMine={isMine} />
      </div>
      {error.hint && (
        <p class="text">
          <strong>What to do: </strong>
          {error.hint}
        </p>
      )}
      {error.log_tail.length > 0 && (
        <details open>
          <summary>Last lines of the error log</summary>
          <pre class="log-tail" tabIndex={0}>
            {error.log_tail.join("\n")}
          </pre>
        </details>
      )}
    </Section>
  );
}

function Where({ run, isMine }: { run: JobRun; isMine: boolean }) {
  const { script, line, sql_line: sqlLine, sql_position: position } = run.error ?? {};
  const files = useGet<JobFiles>(script && isMine ? `/environments/${run.environment_id}/job/files` : null).data;
  if (!script) return null;
  const place = line ? `${script}, line ${line}` : script;
  const isJobFile = files?.items.some((file) => file.path === script) ?? false;
  return (
    <p>
      {isJobFile ? <a href={codeUrl(script, line ?? null)}>Open {place}</a> : place}
      {sqlLine != null && `, line ${sqlLine} of the SQL${position == null ? "" : `, position ${position + 1}`}`}
    </p>
  );
}
