import { Link } from "wouter-preact";

/** What an address shows that no page has. */
export function UnknownPage() {
  return (
    <div class="card">
      <h1>This page does not exist</h1>
      <p>
        Check the address, or go to <Link href="/">my sandbox</Link>.
      </p>
    </div>
  );
}
