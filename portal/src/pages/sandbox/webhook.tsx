/** The webhook of an environment: where notices go, whether they arrive, and how to change it. */

import { useState } from "preact/hooks";
import { api, body } from "../../api/client";
import type { Environment } from "../../api/schema";
import { useCommand } from "../../api/use-command";
import { Facts, ProblemText, Section, Waiting } from "../../ui/basics";
import { CopyButton } from "../../ui/copy";
import { Dialog } from "../../ui/dialog";
import { dateTime, fromNow } from "../../ui/format";
import type { ActionProps } from "./actions";
import { EditForm, type Body } from "./edit-form";
import { useForm } from "./use-form";
import { group } from "./values";

export function WebhookPanel({ environment, onDone }: ActionProps) {
  const { webhook } = environment.notifications;
  const [isOpen, setOpen] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const change = useCommand((_, notifications: Body) =>
    body(
      api.PATCH("/environments/{environment_id}", {
        params: { path: { environment_id: environment.id } },
        body: { notifications: notifications as never },
      }),
    ),
  );
  const send = async (notifications: Body) => {
    const after = await change.run(notifications);
    if (!after) return false;
    setSecret(after.notifications.webhook?.secret ?? null);
    setOpen(false);
    onDone();
    return true;
  };
  const delivery = webhook?.delivery;
  return (
    <Section
      title="Notifications"
      actions={
        <>
          {!isOpen && (
            <button type="button" onClick={() => setOpen(true)}>
              {webhook ? "Change webhook" : "Add a webhook"}
            </button>
          )}
          {webhook && (
            <button type="button" disabled={change.isBusy} onClick={() => void send({ webhook: null })}>
              Remove webhook
            </button>
          )}
        </>
      }
    >
      {webhook ? (
        <Facts
          items={[
            ["Webhook", webhook.url],
            ["Events", webhook.events.join(", ")],
            [
              "Last attempt",
              delivery
                ? `${delivery.ok ? "accepted" : "failed"} ${fromNow(delivery.at)}${delivery.status ? `, status ${delivery.status}` : ""}${delivery.error ? `: ${delivery.error}` : ""}`
                : "none yet",
            ],
            delivery?.failing_since != null && ["Failing since", dateTime(delivery.failing_since)],
            webhook.disabled_at !== null && [
              "Disabled",
              `${dateTime(webhook.disabled_at)}, it answered 410. Set it again.`,
            ],
          ]}
        />
      ) : (
        <p>Nobody is notified. A webhook is a URL of yours that gets a request when something happens.</p>
      )}
      {isOpen ? (
        <WebhookForm {...{ environment, change, send }} onCancel={() => setOpen(false)} />
      ) : (
        <ProblemText problem={change.problem} />
      )}
      {secret !== null && <SecretDialog secret={secret} onClose={() => setSecret(null)} />}
    </Section>
  );
}

function WebhookForm(props: {
  environment: Environment;
  change: { problem: Parameters<typeof EditForm>[0]["problem"]; isBusy: boolean };
  send: (notifications: Body) => Promise<boolean>;
  onCancel: () => void;
}) {
  const { environment, change, send, onCancel } = props;
  const { root, problem } = useForm("NotificationsRequest");
  if (!root) return problem ? <ProblemText problem={problem} /> : <Waiting what="the form" />;
  const { webhook } = environment.notifications;
  const before = group(root, webhook ? { webhook: { url: webhook.url, events: webhook.events } } : {});
  return (
    <EditForm
      label="Webhook"
      root={root}
      before={before}
      draftKey={`webhook.${environment.id}`}
      // The API's request has `notifications` around it, and always the URL.
      problem={change.problem && within(change.problem)}
      isBusy={change.isBusy}
      submit="Save webhook"
      onSubmit={(changes) =>
        send({ webhook: { ...(webhook && { url: webhook.url }), ...(changes.webhook as Body | undefined) } })
      }
      onCancel={onCancel}
    />
  );
}

function within<P extends { errors?: { pointer?: string | null }[] | null }>(problem: P): P {
  const errors = problem.errors?.map((each) => ({
    ...each,
    pointer: each.pointer?.replace(/^\/notifications/, "") ?? null,
  }));
  return { ...problem, errors };
}

/** The key that signs the requests: it is shown once. */
export function SecretDialog({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Dialog title="Secret of the webhook" onClose={onClose}>
      <p>The receiver verifies the requests with this key. It is shown only now: copy it to a safe place.</p>
      <div class="copied">
        <input class="mono" aria-label="Secret" readOnly value={secret} />
        <CopyButton text={secret} what="the secret" />
      </div>
      <div class="actions">
        <button type="button" class="primary" onClick={onClose}>
          I have copied it
        </button>
      </div>
    </Dialog>
  );
}
