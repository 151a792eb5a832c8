/** What was changed by hand in AWS, looked up on demand: AWS takes a while. */

import { useState } from "preact/hooks";
import { api, body } from "../../api/client";
import type { Drift, Environment } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { useGet } from "../../api/use-get";
import { ProblemText, Section } from "../../ui/basics";
import { fromNow } from "../../ui/format";
import { typeInWords } from "./resource-words";

export function DriftPanel({ environment }: { environment: Environment }) {
  const [isAsked, setAsked] = useState(false);
  const { data, problem, refresh } = useGet<Drift>(isAsked ? environment.links.drift : null);
  const again = useCommand(async () => {
    // Only this request starts another detection. Its result is followed without `refresh`.
    const params = { path: { environment_id: environment.id }, query: { refresh: "true" as const } };
    await body(api.GET("/environments/{environment_id}/drift", { params }));
    refresh();
  });
  const isBusy = (isAsked && !data && !problem) || data?.status === "DETECTING" || again.isBusy;
  return (
    <Section
      title="Changes by hand"
      actions={
        <button
          type="button"
          disabled={isBusy || environment.status !== "READY"}
          onClick={() => (isAsked ? void again.run() : setAsked(true))}
        >
          {isAsked ? "Check again" : "Check"}
        </button>
      }
    >
      <div role="status">
        {!isAsked && <p>Compares each resource in AWS with what the service made, such as the job after an edit.</p>}
        {isBusy && <p class="soft">AWS compares the resources. This takes up to a minute …</p>}
        {data?.status === "IN_SYNC" && <p>Nothing was changed by hand. Checked {fromNow(data.started_at)}.</p>}
        {data?.status === "FAILED" && <p>AWS could not compare all resources: {data.reason}</p>}
        {data?.status === "DRIFTED" && (
          <p>
            Changed by hand: {data.resources.length}. Checked {fromNow(data.started_at)}. A reset reverts all of it.
          </p>
        )}
      </div>
      <ProblemText problem={problem ?? again.problem} />
      {data?.resources.map((each) => (
        <div key={each.logical_id}>
          <h3>
            {typeInWords(each.type)} {each.status === "DELETED" ? "was deleted" : "was changed"}
          </h3>
          <p>
            <code>{each.physical_id}</code>
          </p>
          <ul class="plain">
            {each.differences.map((one) => (
              <li key={one.pointer}>
                <code>{one.pointer.slice(1)}</code>: {DONE[one.type] ?? one.type}{" "}
                {one.type !== "ADD" && (
                  <>
                    from <del>{one.expected}</del>{" "}
                  </>
                )}
                {one.type !== "REMOVE" && (
                  <>
                    to <ins>{one.actual}</ins>
                  </>
                )}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </Section>
  );
}

const DONE: Record<string, string> = { ADD: "added,", REMOVE: "removed,", NOT_EQUAL: "changed" };
