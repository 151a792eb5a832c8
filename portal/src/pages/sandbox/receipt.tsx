/** The receipt of a deletion: what was removed, and what remains, why and until when. */

import { Table } from "../../ui/table";
import type { Environment } from "../../api/schema";
import { Section } from "../../ui/basics";
import { dateTime } from "../../ui/format";
import { typeInWords } from "./resource-words";

export function ReceiptPanel({ environment }: { environment: Environment }) {
  const { receipt, deleted_at, id } = environment;
  if (!receipt) return null;
  const { removed, remaining } = receipt;
  const name = (each: { id: string | null; logical_id: string | null; count: number | null }) =>
    each.count !== null ? `${each.count}` : (each.id ?? each.logical_id ?? "");
  return (
    <Section title="Receipt of the deletion">
      <p>
        The sandbox <code>{id}</code> was deleted{deleted_at && ` on ${dateTime(deleted_at)}`}. It was verified that{" "}
        {removed.length} resources no longer exist.{" "}
        {remaining.length === 0 ? "Nothing remains." : `${remaining.length} remain:`}
      </p>
      {remaining.length > 0 && (
        <ul class="plain">
          {remaining.map((each) => (
            <li key={each.type + name(each)}>
              <strong>{typeInWords(each.type)}</strong> <code>{name(each)}</code>: {each.why}
              {each.until && ` AWS removes it on ${dateTime(each.until)}.`}
            </li>
          ))}
        </ul>
      )}
      <details>
        <summary>All removed resources</summary>
        <Table label="Removed resources" columns={[["Resource"], ["Name in AWS"]]} class="resources">
          {removed.map((each) => (
            <tr key={each.type + name(each)}>
              <th scope="row">{typeInWords(each.type)}</th>
              <td>
                {name(each)} {each.why && <span class="soft">{each.why}</span>}
              </td>
            </tr>
          ))}
        </Table>
      </details>
    </Section>
  );
}
