/** The tables that a run wrote. */

import type { JobRun, RunOutput } from "../../api/schema";
import { Section } from "../../ui/basics";
import { tableUrl } from "./links";

export function RunOutputs({ run, isMine }: { run: JobRun; isMine: boolean }) {
  if (run.status !== "SUCCEEDED") return null;
  return (
    <Section title="Result">
      {run.outputs.length === 0 ? (
        <p>The run succeeded, and the Data Catalog shows no table or partition that it wrote.</p>
      ) : (
        <ul class="plain-list">
          {run.outputs.map((output) => (
            <Output key={`${output.database}.${output.table}`} output={output} isMine={isMine} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function Output({ output, isMine }: { output: RunOutput; isMine: boolean }) {
  const name = `${output.database}.${output.table}`;
  return (
    <li class="stack">
      <div class="between">
        <strong>{name}</strong>
        {isMine && (
          <a class="button" href={tableUrl(output.database, output.table)}>
            See the data<span class="visually-hidden"> of {name}</span>
          </a>
        )}
      </div>
      <p class="soft small">
        {output.partitions.length === 0
          ? "The whole table."
          : `${output.partitions.length === 1 ? "Partition" : "Partitions"} ${output.partitions.map(partition).join(", ")}.`}{" "}
        Files in <code>{output.location}</code>
      </p>
    </li>
  );
}

const partition = (values: Record<string, string>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join("/");
