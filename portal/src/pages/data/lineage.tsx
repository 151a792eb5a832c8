/** The lineage picture: which tables the last runs read, and which they wrote. */

import { useMemo } from "preact/hooks";
import type { Database, Table } from "../../api/schema";
import { fromNow, plural } from "../../ui/format";
import { runUrl } from "../run/links";
import { HEIGHT, WIDTH, curve, graphOf, thickness, type Node } from "./lineage-graph";
import { ends, outputsOf, type End, type Flow } from "./use-lineage";

interface LineageProps {
  flows: Flow[];
  databases: Database[];
  hrefOf: (database: Database, table: Table) => string | null;
}

export function Lineage({ flows, databases, hrefOf }: LineageProps) {
  const graph = useMemo(() => graphOf(flows, databases), [flows, databases]);
  if (flows.every((flow) => flow.run === null)) {
    return (
      <p class="empty">
        No job has succeeded yet. After a run, this shows which tables it read and wrote.{" "}
        <a href="#/run">Run the job</a>
      </p>
    );
  }
  return (
    <>
      <p class="soft text">
        What the last successful run of each job read and wrote, as Spark's event log and the Data Catalog show it.
      </p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Picture of the lineage">
        <div class="lineage" style={{ width: `${graph.width}px`, height: `${graph.height}px` }}>
          <svg width={graph.width} height={graph.height} aria-hidden="true">
            {graph.edges.map((edge) => (
              <path key={`${edge.from.key} ${edge.to.key}`} d={curve(edge)} stroke-width={thickness(edge.rows)} />
            ))}
          </svg>
          <ul aria-label="Tables and jobs, from sources to results">
            {graph.nodes.map((node) => (
              <li
                key={node.key}
                class={node.flow ? "job" : ""}
                style={{ left: `${node.x}px`, top: `${node.y}px`, width: `${WIDTH}px`, height: `${HEIGHT}px` }}
              >
                <NodeText node={node} rows={rowsOf(node, graph.edges)} hrefOf={hrefOf} />
              </li>
            ))}
          </ul>
        </div>
      </div>
      {flows.map((flow) => (
        <Words key={flow.jobId} flow={flow} databases={databases} />
      ))}
    </>
  );
}

/** Rows that were written to a table, or else read from it. */
function rowsOf(node: Node, edges: { from: Node; to: Node; rows: number | null }[]): string {
  const written = edges.find((edge) => edge.to === node && edge.rows !== null)?.rows;
  if (written !== undefined && written !== null) return `${plural(written, "row")} written`;
  const read = Math.max(...edges.filter((edge) => edge.from === node).map((edge) => edge.rows ?? -1));
  return read >= 0 ? `${plural(read, "row")} read` : "";
}

function NodeText({ node, rows, hrefOf }: { node: Node; rows: string; hrefOf: LineageProps["hrefOf"] }) {
  const { flow, end } = node;
  if (flow) {
    const run = flow.run;
    const said = run ? `ran ${fromNow(run.completed_at ?? run.requested_at)}` : "no successful run";
    return <Box name={flow.job} said={`Job, ${said}`} href={run ? runUrl(flow.jobId, run.id) : null} />;
  }
  const found = end?.found;
  if (!found) return <Box name={shortLocation(end?.location ?? "")} said={rows || "Not a table"} href={null} />;
  return (
    <Box name={found.table.name} said={rows || found.database.name} href={hrefOf(found.database, found.table)} />
  );
}

function Box({ name, said, href }: { name: string; said: string; href: string | null }) {
  const words = (
    <>
      <strong class="truncate">{name}</strong>
      <span class="soft small truncate">{said}</span>
    </>
  );
  return href === null ? (
    <span class="node" title={name}>
      {words}
    </span>
  ) : (
    <a class="node" href={href} title={name}>
      {words}
    </a>
  );
}

/** The last parts of a location. */
const shortLocation = (location: string) => location.split("/").filter(Boolean).slice(-2).join("/");

/** The same as text. */
function Words({ flow, databases }: { flow: Flow; databases: Database[] }) {
  const reads = ends(flow.metrics?.reads ?? [], databases);
  const writes = outputsOf(flow, databases);
  const reason =
    flow.metrics?.reason ?? (flow.metrics?.reads === null ? "The run is older than this picture." : null);
  return (
    <details>
      <summary>{flow.job} as text</summary>
      {flow.run === null ? (
        <p>This job has no successful run.</p>
      ) : (
        <div class="columns">
          <List
            title="Read"
            ends={reads}
            none={reason ?? "Nothing by Spark SQL. Other reads are not in Spark's log."}
          />
          <List title="Wrote" ends={writes} none="Nothing that Spark's log or the Data Catalog shows." />
        </div>
      )}
    </details>
  );
}

function List({ title, ends, none }: { title: string; ends: End[]; none: string }) {
  return (
    <div>
      <h3>{title}</h3>
      {ends.length === 0 && <p class="soft">{none}</p>}
      <ul>
        {ends.map((end) => (
          <li key={end.key}>
            {end.found ? `${end.found.database.name}.${end.found.table.name}` : end.location}
            {end.rows !== null && `: ${plural(end.rows, "row")}`}
          </li>
        ))}
      </ul>
    </div>
  );
}
