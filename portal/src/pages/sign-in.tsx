/** What users see who are not signed in, or no longer. */

import { session } from "../auth/session";
import { signIn, signInAgain } from "../auth/sign-in";
import { useStore } from "../store";

export function SignInPage() {
  const now = useStore(session);
  if (now.state === "handed-over") {
    return (
      <main class="sign-in">
        <h1>You are signed in</h1>
        <p>Close this window, and go on in the other one.</p>
      </main>
    );
  }
  const { reason, isPossible } = now.state === "signed-out" ? now : { reason: null, isPossible: true };
  return (
    <main class="sign-in">
      <h1>self-service terraglue</h1>
      <p>Your own AWS analytics sandbox: data, a Glue job, SQL, and what it costs.</p>
      {reason && <p role="alert">{reason}</p>}
      {isPossible && (
        <button type="button" class="primary" onClick={() => void signIn()}>
          Sign in
        </button>
      )}
    </main>
  );
}

/** The page below stays as it is: the user signs in again in a small window. */
export function ExpiredBanner() {
  const now = useStore(session);
  if (now.state !== "expired") return <div role="status" class="banner-place" />;
  return (
    <div role="status" class="banner-place">
      <div class="banner expired">
        <p>
          {now.reason ?? "Your sign-in has expired."} This page stays as it is, and continues once you have signed in.
        </p>
        <div class="actions">
          <button type="button" class="primary" onClick={() => void signInAgain()}>
            Sign in again
          </button>
          {now.reason && (
            <button type="button" onClick={() => void signIn()}>
              Leave the page to sign in
            </button>
          )}
        </div>
      </div>
    </div>
  );
}
