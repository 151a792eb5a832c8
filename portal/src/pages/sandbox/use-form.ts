/** A form of the running API: its OpenAPI document, the operator's limits, and the data sets. */

import { useMemo } from "preact/hooks";
import type { DataSets, Problem, Releases } from "../../api/schema";
import { useGet } from "../../api/use-get";
import { useMe } from "../../me";
import type { Option } from "../../ui/form";
import { bytes, plural } from "../../ui/format";
import { withFurtherJobs } from "./edit-form";
import { formOf, within, type Document, type Node } from "./schema";

/** Return the form of the schema with this name. Undefined while it is on its way. */
export function useForm(name: string): { root: Node | undefined; problem: Problem | undefined } {
  const document = useGet<Document>("/openapi.json");
  const sets = useGet<DataSets>("/data-sets");
  const releases = useGet<Releases>("/releases");
  const limits = useMe().data?.limits;
  const root = useMemo(() => {
    if (!document.data || !sets.data || !releases.data || !limits) return undefined;
    const options = { data: dataOptions(sets.data), release: releaseOptions(releases.data) };
    return withFurtherJobs(within(formOf(document.data, name), limits, options));
  }, [document.data, sets.data, releases.data, limits, name]);
  return { root, problem: document.problem ?? sets.problem ?? releases.problem };
}

function dataOptions({ items }: DataSets): Option[] {
  return items.map(({ name, table_count, row_count, size_bytes }) => ({
    value: name ?? "",
    label:
      `${name ?? "Default data"}: ${plural(table_count, "table")}, ` +
      `${row_count === null ? "" : `${plural(row_count, "row")}, `}${bytes(size_bytes)}`,
  }));
}

function releaseOptions({ items }: Releases): Option[] {
  return [
    { value: "latest", label: "Newest of the data set" },
    ...items.map(({ id, latest }) => ({ value: id, label: latest ? `${id} (newest)` : id })),
  ];
}
