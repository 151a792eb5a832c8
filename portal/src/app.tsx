/** Frame of the portal: navigation, banner of a lost API, and the page of the address. */

import { Link, Route, Router, Switch } from "wouter-preact";
import { useHashLocation } from "wouter-preact/use-hash-location";
import { isLost } from "./api/connection";
import { providerIsLost, session } from "./auth/session";
import { signOut } from "./auth/sign-in";
import { SignedIn, useMe } from "./me";
import { useNavigation } from "./navigation";
import { AdminPage } from "./pages/admin";
import { CodePage } from "./pages/code";
import { DataPage } from "./pages/data";
import { RunPage } from "./pages/run";
import { SandboxPage } from "./pages/sandbox";
import { ExpiredBanner, SignInPage } from "./pages/sign-in";
import { ProblemText, Waiting } from "./ui/basics";
import { useStore } from "./store";
import { UnknownPage } from "./ui/unknown-page";
import { Boundary } from "./ui/boundary";
import { Defects } from "./ui/defects";

const PAGES: { path: string; name: string; isForAdmins?: boolean }[] = [
  { path: "/", name: "My sandbox" },
  { path: "/run", name: "Run" },
  { path: "/data", name: "Data" },
  { path: "/code", name: "Code" },
  { path: "/admin", name: "Admin", isForAdmins: true },
];

export function App() {
  const { state } = useStore(session);
  if (state === "starting") {
    return (
      <>
        <ConnectionBanner />
        <Waiting what="the sign-in" />
      </>
    );
  }
  if (state === "signed-out" || state === "handed-over") return <SignInPage />;
  return (
    <Router hook={useHashLocation}>
      <SignedIn>
        <a class="skip" href="#main" onClick={skip}>
          Skip to the content
        </a>
        <Header />
        <ConnectionBanner />
        <ExpiredBanner />
        <Defects />
        <Main />
      </SignedIn>
    </Router>
  );
}

function Main() {
  const [location] = useHashLocation();
  useNavigation(location);
  const me = useMe();
  if (me.data === undefined && me.problem) {
    return (
      <main id="main" tabIndex={-1}>
        <ProblemText problem={me.problem} />
      </main>
    );
  }
  return (
    <main id="main" tabIndex={-1}>
      <Boundary of={location}>
        <Switch>
          <Route path="/" component={SandboxPage} />
          <Route path="/run/*?" component={RunPage} />
          <Route path="/data/*?" component={DataPage} />
          <Route path="/code/*?" component={CodePage} />
          <Route path="/admin/*?" component={AdminPage} />
          <Route component={UnknownPage} />
        </Switch>
      </Boundary>
    </main>
  );
}

/** The fragment of the address is the router's, so the link moves the focus itself. */
function skip(event: Event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Header() {
  const me = useMe();
  return (
    <header class="top">
      <strong class="brand">terraglue</strong>
      <nav aria-label="Pages">
        {PAGES.filter((each) => !each.isForAdmins || me.data?.is_admin).map((each) => (
          <NavLink key={each.path} href={each.path}>
            {each.name}
          </NavLink>
        ))}
      </nav>
      <span class="user">
        {me.data && (
          <span>
            <span class="visually-hidden">Signed in as </span>
            {me.data.owner}
          </span>
        )}
        <button type="button" class="quiet" onClick={() => void signOut()}>
          Sign out
        </button>
      </span>
    </header>
  );
}

function NavLink({ href, children }: { href: string; children: string }) {
  const [location] = useHashLocation();
  const isHere = href === "/" ? location === "/" : location === href || location.startsWith(`${href}/`);
  return (
    <Link href={href} aria-current={isHere ? "page" : undefined}>
      {children}
    </Link>
  );
}

/** Calm: what is shown stays, and the portal asks again by itself. */
function ConnectionBanner() {
  const isApiLost = useStore(isLost);
  const isProviderLost = useStore(providerIsLost);
  return (
    <div role="status" class="banner-place">
      {isApiLost && (
        <p class="banner">The service does not answer. What you see may be old; the page keeps trying.</p>
      )}
      {isProviderLost && !isApiLost && (
        <p class="banner">The sign-in service does not answer. What you see may be old; the page keeps trying.</p>
      )}
    </div>
  );
}
