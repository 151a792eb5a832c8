/** Temporary AWS credentials, on demand. They are nowhere but in the open dialog. */

import { useState } from "preact/hooks";
import { api, body } from "../../api/client";
import type { Credentials, Environment } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { ProblemText } from "../../ui/basics";
import { CopyButton } from "../../ui/copy";
import { Dialog } from "../../ui/dialog";
import { dateTime } from "../../ui/format";

export function CredentialsButton({ environment }: { environment: Environment }) {
  const [shown, setShown] = useState<Credentials>();
  const issue = useCommand(() =>
    body(
      api.POST("/environments/{environment_id}/credentials", {
        params: { path: { environment_id: environment.id } },
      }),
    ),
  );
  return (
    <>
      <button
        type="button"
        disabled={issue.isBusy || environment.status !== "READY"}
        onClick={async () => setShown(await issue.run())}
      >
        Get AWS credentials
      </button>
      <ProblemText problem={issue.problem} />
      {shown && <CredentialsDialog credentials={shown} onClose={() => setShown(undefined)} />}
    </>
  );
}

function CredentialsDialog({ credentials, onClose }: { credentials: Credentials; onClose: () => void }) {
  const { console_url, console_error, expires_at } = credentials;
  const variables: [name: string, value: string | null][] = [
    ["AWS_ACCESS_KEY_ID", credentials.access_key_id],
    ["AWS_SECRET_ACCESS_KEY", credentials.secret_access_key],
    ["AWS_SESSION_TOKEN", credentials.session_token],
    ["AWS_REGION", credentials.region],
    ["AWS_DEFAULT_REGION", credentials.region], // boto3 reads only this one
    ["WR_WORKGROUP", credentials.athena_workgroup],
  ];
  const set = variables.filter((each): each is [string, string] => each[1] !== null);
  const shell = set.map(([name, value]) => `export ${name}='${value}'`).join("\n");
  return (
    <Dialog title="AWS credentials" onClose={onClose}>
      <p>
        For the AWS CLI, boto3 or a notebook. They reach this sandbox only and end on {dateTime(expires_at)}. They are
        shown once and stored nowhere: when this window closes, get others.
      </p>
      {console_url ? (
        <p>
          <a class="button" href={console_url} target="_blank" rel="noreferrer">
            Sign in to the AWS console
          </a>{" "}
          <span class="soft">The link is valid for 15 minutes. Treat it like a password.</span>
        </p>
      ) : (
        <p class="soft">There is no link to the AWS console: {console_error}</p>
      )}
      {set.map(([name, value]) => (
        <div class="field" key={name}>
          <label for={`credential-${name}`}>{name}</label>
          <div class="copied">
            <input
              id={`credential-${name}`}
              class="mono"
              readOnly
              value={value}
              onFocus={(event) => event.currentTarget.select()}
            />
            <CopyButton text={value} what={name} />
          </div>
        </div>
      ))}
      <div class="actions">
        <CopyButton text={shell} what="all as shell commands" /> <span class="soft">all, as shell commands</span>
      </div>
      <div class="actions">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
