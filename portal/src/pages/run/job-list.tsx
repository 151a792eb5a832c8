/** The jobs of an environment. If there is one only, its parts are shown at once. */

import { Table } from "../../ui/table";
import type { JobPage } from "../../api/schema";
import { useGet } from "../../api/use-get";
import { ProblemText, Section, Waiting } from "../../ui/basics";
import { dateTime, usd } from "../../ui/format";
import { JobParts } from "./job";
import { runUrl } from "./links";

export function JobList({ environmentId }: { environmentId: string }) {
  const { data, problem } = useGet<JobPage>(`/jobs?environment=${environmentId}&limit=100`, { every: 60 });
  if (!data) return problem ? <ProblemText problem={problem} /> : <Waiting what="the jobs" />;
  const [first, second] = data.items;
  if (!first) {
    return (
      <div class="empty">
        <p>The sandbox has no job. Its jobs are in its settings.</p>
        <a href="#/">Open my sandbox</a>
      </div>
    );
  }
  if (!second) return <JobParts job={first} />;
  return (
    <Section title="Jobs">
      <Table
        label="Jobs"
        columns={[["Job"], ["Description"], ["Script"], ["Costs at most", "number"], ["Next scheduled run"]]}
      >
        {data.items.map((job) => (
          <tr key={job.id}>
            <th scope="row">
              <a href={runUrl(job.id)}>{job.name}</a>
            </th>
            <td>{job.description}</td>
            <td>
              <code>{job.script}</code>
            </td>
            <td class="number">{usd(job.max_cost_usd)}</td>
            <td>{job.next_run_at ? dateTime(job.next_run_at) : "None"}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}
