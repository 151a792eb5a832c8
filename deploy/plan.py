"""`plan`: shows what `deploy` would do. Changes nothing in the account."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy import changes, code_bucket, costs, issuer
from deploy.context import Context
from deploy.errors import DeploymentError
from deploy.packages import Package
from deploy.parameters import SERVICE_URL_PARAMETER
from deploy.stack import Stack


def plan(context: Context, version: str | None, data: Path) -> bool:
    """Show the plan. Return whether it found no problems."""
    there = code_bucket.exists(context.s3, context.stage)
    package = _package(context, version, data, there)
    context.say(f"Package   {package.version}, release {package.release}")
    stack = context.find_stack()
    parameters = context.parameters(package, stack.outputs if stack else {})
    _show_changes(context, package, stack, parameters, there)
    problems = _problems(context, parameters)
    if lines := costs.lines(context.stage.region, parameters):
        context.say("\nCost per month")
        for line in lines:
            context.say(line)
    context.say("\nNothing was changed.")
    if problems:
        context.say(f"Problems to solve before a deployment: {problems}. See above.")
    else:
        earlier = f" VERSION={version}" if version else ""
        context.say(f"To deploy: make deploy STAGE={context.stage.argument}{earlier}")
    return problems == 0


def _package(context: Context, version: str | None, data: Path, there: bool) -> Package:
    if version is None:
        context.say("Building the package.")
        with TemporaryDirectory() as work:
            return context.build(data, Path(work)).in_bucket(code_bucket.name_of(context.stage))
    if not there:
        raise DeploymentError(f"There is no code bucket yet, and therefore no package {version}.")
    return context.packages.find(version)


def _show_changes(
    context: Context, package: Package, stack: Stack | None, parameters: dict[str, str], there: bool
) -> None:
    before = stack.parameters if stack else {}
    if stack is not None and stack.is_moving:
        context.say(f"\nThe stack is {stack.status}. deploy first follows that operation to its end.")
        return
    if stack is not None and not stack.is_new and not stack.can_be_updated:
        context.say(f"\nThe stack is {stack.status}. deploy says what to do, or creates the stack again.")
        return
    if not there:
        context.say("\nChanges")
        context.say(f"deploy creates the bucket {code_bucket.name_of(context.stage)}.")
        context.say("Without it, CloudFormation cannot compare the template, which has these resources. Some")
        context.say("depend on parameters, and a function becomes several resources:")
        _show_template(context, package)
    else:
        _show_change_set(context, package, stack, parameters)
    after = parameters if stack is None or stack.is_new else _with_defaults(package, parameters)
    if lines := changes.parameter_lines(before, after):
        context.say("\nParameters")
        for line in lines:
            context.say(line)
    if _waits_for_its_url(context, package, parameters):
        context.say("\nWhen the API has a URL, deploy updates the stack again: Cognito returns users of the")
        context.say(f"portal to this URL ({SERVICE_URL_PARAMETER}).")


def _waits_for_its_url(context: Context, package: Package, parameters: dict[str, str]) -> bool:
    uses_it = context.stage.identity == "cognito" and SERVICE_URL_PARAMETER in package.parameters
    return uses_it and SERVICE_URL_PARAMETER not in parameters


def _show_template(context: Context, package: Package) -> None:
    counted = Counter(str(resource["Type"]) for resource in package.template["Resources"].values())
    for kind, number in sorted(counted.items()):
        context.say(f"  {number:3} {kind}")


def _show_change_set(
    context: Context, package: Package, stack: Stack | None, parameters: dict[str, str]
) -> None:
    """Create a change set, show it, and delete it with its template."""
    store = context.packages
    key = store.put_plan(package)
    try:
        change_set = context.stacks.create_change_set(stack, store.plan_url(key), parameters)
        try:
            context.say("\nChanges")
            for line in changes.lines(change_set.changes):
                context.say(line)
            for name in changes.lost_data(change_set.changes):
                context.say(f"Warning: {name} holds data, which the service loses.")
        finally:
            context.stacks.delete_change_set(change_set.id)
    finally:
        store.delete_plan(key)


def _with_defaults(package: Package, parameters: dict[str, str]) -> dict[str, str]:
    defaults = {name: str(of["Default"]) for name, of in package.parameters.items() if "Default" in of}
    return {**defaults, **parameters}


def _problems(context: Context, parameters: dict[str, str]) -> int:
    """Show the findings. Return the number of those that make a deployment or a sandbox fail."""
    blocking = 0
    if context.stage.identity == "oidc":
        try:
            issuer.check(parameters, context.send)
        except DeploymentError as error:
            context.say(f"\nProblem: {error}")
            blocking += 1
    for finding in context.find(context.account.session, parameters):
        context.say(f"\n{finding.text}")
        blocking += finding.is_blocking
    return blocking
