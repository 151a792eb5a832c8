/** Freeze and thaw an environment: only admins can. */

import { useState } from "preact/hooks";
import { api, body } from "../../api/client";
import type { Environment } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { errorAt, Field } from "../../ui/form";
import { ConfirmDialog } from "../../ui/confirm-dialog";

interface DialogProps {
  environment: Environment;
  onClose: () => void;
  onDone: () => void;
}

export function FreezeDialog({ environment, onClose, onDone }: DialogProps) {
  const [reason, setReason] = useState("");
  const command = useCommand((headers) =>
    body(
      api.POST("/environments/{environment_id}/freeze", {
        params: { path: { environment_id: environment.id } },
        headers,
        body: { reason },
      }),
    ),
  );
  return (
    <ConfirmDialog
      title={`Freeze the environment of ${environment.owner}?`}
      button="Freeze"
      command={command}
      shownFields={["/reason"]}
      onClose={onClose}
      onDone={onDone}
    >
      <p>Its runs and queries are stopped, and no others can start until an admin thaws it.</p>
      <Field
        label="Reason"
        hint="The owner sees it."
        required
        value={reason}
        onChange={setReason}
        error={errorAt(command.problem, "/reason")}
      />
    </ConfirmDialog>
  );
}

export function ThawDialog({ environment, onClose, onDone }: DialogProps) {
  const command = useCommand((headers) =>
    body(
      api.POST("/environments/{environment_id}/thaw", {
        params: { path: { environment_id: environment.id } },
        headers,
      }),
    ),
  );
  return (
    <ConfirmDialog
      title={`Thaw the environment of ${environment.owner}?`}
      button="Thaw"
      command={command}
      onClose={onClose}
      onDone={onDone}
    >
      <p>Its owner can start runs and queries again. Schedules continue with their next time.</p>
    </ConfirmDialog>
  );
}
