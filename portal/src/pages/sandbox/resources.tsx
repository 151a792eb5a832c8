/** What is in a sandbox: its AWS resources by name, with links to the AWS console. */

import { Table } from "../../ui/table";
import type { Environment } from "../../api/schema";
import { Section } from "../../ui/basics";
import { CredentialsButton } from "./credentials";
import { labelOf } from "./schema";

type Row = [what: string, name: string, link: string | undefined];

export function ResourcesPanel({ environment }: { environment: Environment }) {
  const { outputs } = environment;
  if (!outputs) return null;
  return (
    <Section title="What is in it" actions={<CredentialsButton environment={environment} />}>
      <p class="soft">
        Names lead to the AWS console in a new tab. Get AWS credentials first: they sign you in there.
      </p>
      <Table label="Resources" columns={[["Resource"], ["Name in AWS"]]} class="resources">
        {rows(outputs).map(([what, name, link]) => (
          <tr key={what + name}>
            <th scope="row">{what}</th>
            <td>
              {link ? (
                <a href={link} target="_blank" rel="noreferrer">
                  {name}
                </a>
              ) : (
                name
              )}
            </td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

type Outputs = NonNullable<Environment["outputs"]>;

function rows(outputs: Outputs): Row[] {
  const links: Record<string, string | undefined> = { ...outputs.console };
  const take = (key: string): string | undefined => {
    const link = links[key];
    delete links[key];
    return link;
  };
  const optional = (what: string, name: string | null, key: string): Row[] =>
    name === null ? [] : [[what, name, take(key)]];
  const known: Row[] = [
    ...Object.entries(outputs.buckets).map(([name, bucket]): Row => [
      `Bucket: ${labelOf(name)}`,
      bucket,
      take(`bucket_${name}`),
    ]),
    ...Object.entries(outputs.databases).map(([name, database]): Row => [
      `Database: ${name === "sot" ? "SoT" : name}`,
      database,
      take(`database_${name}`),
    ]),
    ...Object.entries(outputs.job_ids).map(([name, job]): Row => [
      `Job: ${name}`,
      job,
      take(job === outputs.job_id ? "job" : `job_${name}`),
    ]),
    ...optional("Athena workgroup", outputs.athena_workgroup, "athena_workgroup"),
    ...optional("Role of the job", outputs.role_arn, "role"),
    ...optional("Encryption key", outputs.kms_key_arn, "kms_key"),
    ...optional("Encryption of the job", outputs.security_configuration, "security_configuration"),
    ...optional("Log of runs: output", outputs.log_groups.output, "log_output"),
    ...optional("Log of runs: errors", outputs.log_groups.error, "log_error"),
    ...optional("All of it", "CloudFormation stack", "stack"),
  ];
  const others = Object.entries(links).map(([key, link]): Row => [labelOf(key), "Open in the AWS console", link]);
  return [...known, ...others];
}
