"""Proofs about roles, with iamprover's model of IAM and Z3: `prove_permissions.py ACCOUNT.json [PRINCIPAL]`.

Z3 proves each claim of `permission_claims.py` for every action, resource and context, or returns a request
that refutes it. It runs in a virtual environment of its own, .venv/iam.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import z3
from iamprover.engine.context import Context
from iamprover.engine.encoder import allowed
from iamprover.engine.patterns import globs_intersect, matches_any
from iamprover.model import Policy, Principal, Statement
from iamprover.parsers.iam import load_account
from permission_claims import Claim, claims

MILLISECONDS = 60_000
"""Time for one proof. Without a proof by then, the claim fails."""


def refuted(claim: Claim, principal: Principal, granting: Sequence[Policy] = ()) -> str | None:
    """Return a request that refutes a claim, or None if Z3 proves that there is none.

    `granting` are policies of resources. The claims about other principals are about their own policies.
    """
    if granting:
        return _refuted(claim, principal, granting)
    for case in _cases(claim, principal):
        if found := _refuted(claim, case):
            return found
    return None


def _cases(claim: Claim, principal: Principal) -> Iterator[Principal]:
    """Yield the principal with one allowed action on one resource at a time: one request needs no more.

    The same applies to its boundary. The denials stay. Z3 proves many small cases in a second, and one large
    one hardly ever.
    """
    denials = [each for each in _statements(principal.policies) if each.effect == "Deny"]
    for allowing in _permissions(claim, principal.policies):
        granted = replace(principal, policies=[Policy("case", [allowing, *denials])])
        if principal.permission_boundary is None:
            yield granted
            continue
        bounds = [principal.permission_boundary]
        denied = [each for each in _statements(bounds) if each.effect == "Deny"]
        for bounding in _permissions(claim, bounds):
            if globs_intersect(bounding.actions[0].lower(), allowing.actions[0].lower()) and globs_intersect(
                bounding.resources[0], allowing.resources[0]
            ):
                yield replace(granted, permission_boundary=Policy("bounds", [bounding, *denied]))


def _statements(policies: Sequence[Policy]) -> list[Statement]:
    return [statement for policy in policies for statement in policy.statements]


def _permissions(claim: Claim, policies: Sequence[Policy]) -> Iterator[Statement]:
    """Yield each allowed action on each resource that may concern a claim, as a statement."""
    for statement in _statements(policies):
        if statement.effect == "Deny":
            continue
        if statement.not_actions or statement.not_resources:
            raise ValueError("NotAction and NotResource are not divided into cases")
        for action, resource in itertools.product(statement.actions, statement.resources):
            if (
                any(globs_intersect(action.lower(), each.lower()) for each in claim.actions)
                and any(globs_intersect(resource, each) for each in claim.resources)
                and not any(_covers(each.lower(), action.lower()) for each in claim.but_actions)
                and not any(_covers(each, resource) for each in claim.but)
            ):
                yield replace(statement, actions=[action], resources=[resource])


def _covers(pattern: str, other: str) -> bool:
    """Return whether one pattern matches all that another one matches. May return False if it does."""
    parts = {"*": ".*", "?": "[^*]"}
    return re.fullmatch("".join(parts.get(each, re.escape(each)) for each in pattern), other) is not None


def _refuted(claim: Claim, principal: Principal, granting: Sequence[Policy] = ()) -> str | None:
    action, resource, context = z3.String("action"), z3.String("resource"), Context()
    request = z3.And(
        matches_any(action, claim.actions, case_insensitive=True),
        matches_any(resource, claim.resources),
        z3.Not(matches_any(action, claim.but_actions, case_insensitive=True)),
        z3.Not(matches_any(resource, claim.but)),
        *(z3.Not(matches_any(context.string(key), patterns)) for key, patterns in claim.unlike.items()),
        allowed(principal, action, resource, context, granting),
    )
    # Z3 proves quickly that no strings exist, and is slow to find strings that do. It checks a guess at once.
    for guess in _guesses(principal):
        values = [(action, z3.StringVal(guess[0].lower())), (resource, z3.StringVal(guess[1]))]
        solver = z3.Solver()
        solver.add(z3.simplify(z3.substitute(request, *values)))
        solver.set("timeout", MILLISECONDS)
        if solver.check() == z3.sat:
            return f"{guess[0]} on {guess[1]} with {context.assignments(solver.model())}"
    solver = z3.Solver()
    solver.set("timeout", MILLISECONDS)
    solver.add(request)
    answer = solver.check()
    if answer == z3.unknown:
        return f"no proof: {solver.reason_unknown()}"
    if answer == z3.unsat:
        return None
    model = solver.model()
    found = (model.eval(each, model_completion=True).as_string() for each in (action, resource))
    return f"{' on '.join(found)} with {context.assignments(model)}"


def _guesses(principal: Principal) -> Iterator[tuple[str, str]]:
    """Yield an action and a resource of each pair in the principal's policies and boundary."""
    bounds = [principal.permission_boundary] if principal.permission_boundary else []
    for statement in (each for policy in [*principal.policies, *bounds] for each in policy.statements):
        for action, resource in itertools.product(statement.actions, statement.resources):
            yield re.sub(r"[*?]", "x", action), re.sub(r"[*?]", "x", resource)


def can_fail(claim: Claim) -> bool:
    """Return whether an administrator could make a request that the claim forbids."""
    action, resource = (re.sub(r"[*?]", "x", each[0]) for each in (claim.actions, claim.resources))
    return not any(_covers(each.lower(), action.lower()) for each in claim.but_actions) and not any(
        _covers(each, resource) for each in claim.but
    )


def main(path: Path, *principals: str) -> int:
    """Prove every claim, or those about some principals. Return the exit code."""
    names = json.loads(path.read_text(encoding="utf-8"))["names"]
    account = load_account(path)
    failures, proven = [], 0
    for claim in claims(names):
        if principals and claim.principal not in principals:
            continue
        granting = account.resource_policies if claim.principal == "stranger" else ()
        if found := refuted(claim, account.principal(claim.principal), granting):
            failures.append(f"not true: {claim.what}: {found}")
        elif not can_fail(claim):
            failures.append(f"cannot fail: {claim.what}")
        else:
            proven += 1
    print("\n".join([*failures, f"{proven} claims about permissions are proven, {len(failures)} are not."]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
