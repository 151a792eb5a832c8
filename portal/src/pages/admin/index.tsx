/** Admin: all environments, spend and cohorts. The API refuses these to others; here they get the reason. */

import { Link, Route, Switch, useRoute } from "wouter-preact";
import { useHashLocation } from "wouter-preact/use-hash-location";
import type { Failure } from "../../api/schema";
import { usePages } from "../../api/use-pages";
import { useMe } from "../../me";
import { Waiting } from "../../ui/basics";
import "../../styles/admin.css";
import { CohortPage } from "./cohort";
import { NewCohortPage } from "./cohort-new";
import { CohortsPage } from "./cohorts";
import { EnvironmentPage } from "./environment";
import { Overview } from "./overview";
import { listsOf, LIVE, type Row } from "./rows";
import { UnknownPage } from "../../ui/unknown-page";
import { SpendPage } from "./spend";

const POLL_SECONDS = 30;
const LISTS = listsOf(LIVE);

const PAGES = [
  { path: "/admin", name: "Environments" },
  { path: "/admin/spend", name: "Spend" },
  { path: "/admin/cohorts", name: "Cohorts" },
];

export function AdminPage() {
  const me = useMe();
  if (!me.data) return <Waiting what="your account" />;
  if (!me.data.is_admin) return <NotAdmin owner={me.data.owner} />;
  return <Admin />;
}

function Admin() {
  const [isOverview] = useRoute("/admin");
  const [isFailures] = useRoute("/admin/failures/:cause");
  // The list stays while the admin looks at one of its environments, but is then not polled.
  const live = usePages<Row>(LISTS, (row) => row.id, { every: POLL_SECONDS, isActive: isOverview || isFailures });
  return (
    <>
      <SubNav />
      <Switch>
        <Route path="/admin">
          <Overview live={live} cause="" />
        </Route>
        <Route path="/admin/failures/:cause">
          {({ cause }) => <Overview live={live} cause={cause as Failure["cause"]} />}
        </Route>
        <Route path="/admin/environments/:id/*?">{({ id }) => <EnvironmentPage key={id} id={id} />}</Route>
        <Route path="/admin/spend/*?" component={SpendPage} />
        <Route path="/admin/cohorts" component={CohortsPage} />
        <Route path="/admin/cohorts/new" component={NewCohortPage} />
        <Route path="/admin/cohorts/:id">{({ id }) => <CohortPage key={id} id={id} />}</Route>
        <Route component={UnknownPage} />
      </Switch>
    </>
  );
}

function SubNav() {
  const [location] = useHashLocation();
  const here = PAGES.findLast((each) => location === each.path || location.startsWith(`${each.path}/`));
  return (
    <nav class="tabs" aria-label="Admin">
      {PAGES.map((each) => (
        <Link key={each.path} href={each.path} aria-current={each === here ? "page" : undefined}>
          {each.name}
        </Link>
      ))}
    </nav>
  );
}

function NotAdmin({ owner }: { owner: string }) {
  return (
    <>
      <h1>Admin</h1>
      <section class="card">
        <p>This page is for admins. You are signed in as {owner}, who is not in the admin group.</p>
        <p class="soft">Whoever operates this service can add you to the group. Then sign in again.</p>
        <p>
          <Link href="/">Go to my sandbox</Link>
        </p>
      </section>
    </>
  );
}
