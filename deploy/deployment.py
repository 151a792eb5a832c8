"""`deploy` and `versions`. A deployment can be repeated, also after it was killed at any line."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from deploy import changes, code_bucket, issuer, rollback, rollout, smoke
from deploy.context import Context
from deploy.errors import DeploymentError
from deploy.packages import VERSION_OUTPUT, Package
from deploy.parameters import SERVICE_URL_PARAMETER
from deploy.stack import Stack
from glue_assets import report


def deploy(context: Context, version: str | None, data: Path) -> None:
    """Deploy this checkout, or an earlier package. Raise `DeploymentError` with what to do."""
    before = context.find_stack()
    if context.stage.identity == "oidc":
        issuer.check(context.stage.parameters, context.send)
    _check_account(context)
    package = _upload(context, data) if version is None else _earlier(context, version)
    parameters = context.parameters(package, before.outputs if before else {})
    current = before.outputs.get(VERSION_OUTPUT, "no earlier version") if before else "none"
    context.say(f"Package   {package.version} (now: {current}), release {package.release}")
    stack = _update(context, package, parameters, context.stage.watch_minutes)
    complete = context.with_service_url(package, parameters, stack.outputs)
    if complete != parameters:
        context.say(f"Portal    at {complete[SERVICE_URL_PARAMETER]}: updating the stack with its URL")
        stack = _update(context, package, complete, watch_minutes=0)
    assets = stack.outputs["AssetsBucketName"]
    published = context.packages.publish(package.release, assets)
    context.say(f"Release   {package.release} {'published' if published else 'is already the newest'}")
    url = context.stage.url(stack.outputs)
    smoke.test(url, context.send, context.clock, context.sleep)
    context.say(f"Works     {url}/health, /openapi.json, and 401 without a token")
    for line in _first_steps(context, stack, url):
        context.say(line)


def list_versions(context: Context) -> None:
    """Print the packages in the code bucket, newest first. A star marks the deployed one."""
    stack = context.find_stack()
    current = stack.outputs.get(VERSION_OUTPUT) if stack else None
    if not code_bucket.exists(context.s3, context.stage):
        raise DeploymentError("There is no code bucket yet, and therefore no package. Run deploy.")
    for version, at in context.packages.versions():
        context.say(f"{'*' if version == current else ' '} {version}  {at} UTC")


def _check_account(context: Context) -> None:
    """Show the findings that make a deployment or every sandbox fail, and ask whether to continue."""
    found = context.find(context.account.session, context.stage.parameters)
    blocking = [finding for finding in found if finding.is_blocking]
    for finding in blocking:
        context.say(finding.text)
    if blocking:
        context.confirm("The deployment will probably fail.", "yes")


def _upload(context: Context, data: Path) -> Package:
    context.say("Building the package.")
    with TemporaryDirectory() as work:
        built = context.build(data, Path(work))
        for line in report.decisions(built.release.tables):
            context.say(line)
        bucket = code_bucket.ensure(context.s3, context.stage, context.account)
        context.say(f"Uploading it to {bucket}.")
        return context.packages.upload(built)


def _earlier(context: Context, version: str) -> Package:
    if not code_bucket.exists(context.s3, context.stage):
        raise DeploymentError(f"There is no code bucket yet, and therefore no package {version}.")
    return context.packages.find(version)


def _update(context: Context, package: Package, parameters: dict[str, str], watch_minutes: int) -> Stack:
    """Bring the stack to the package's template. Return the stack with its outputs."""
    stack = _settled(context)
    stage, outputs = context.stage, stack.outputs if stack else {}
    change_set = context.stacks.create_change_set(
        stack,
        context.packages.template_url(package.version),
        parameters,
        rollback.configuration(stage.name, watch_minutes, outputs),
    )
    if change_set.is_empty and stack is not None:
        context.stacks.delete_change_set(change_set.id)
        context.say("Stack     has no changes")
        return stack
    for line in changes.lines(change_set.changes):
        context.say(line)
    if lost := changes.lost_data(change_set.changes):
        try:
            context.confirm(
                f"The service loses the data of {', '.join(lost)}. What holds it stays in the account.",
                context.stage.name,
            )
        except DeploymentError:
            context.stacks.delete_change_set(change_set.id)
            raise
    if watch_minutes and outputs:
        period = f"{watch_minutes} minutes"
        context.say(f"CloudFormation undoes the update if an alarm is raised in {period}.")
    steps = parameters.get(rollout.ROLLOUT_PARAMETER, rollout.AT_ONCE)
    if not outputs or steps == rollout.AT_ONCE:
        return context.stacks.execute(change_set)
    context.say(f"A new version of the API gets its requests by {steps}. Two minutes of 5xx undo the update.")
    url = stage.url(outputs)
    return context.stacks.execute(change_set, lambda: smoke.request_health(url, context.send))


def _settled(context: Context) -> Stack | None:
    """Return the stack after any earlier operation has ended, or None if there is none to update."""
    while (stack := context.find_stack()) is not None and not stack.is_new:
        if stack.is_moving:
            context.say(f"The stack is {stack.status}. Following that operation first.")
            context.stacks.follow(stack.id)
        elif stack.failed_at_first:
            context.say(f"The stack is {stack.status}: its creation failed. Deleting it first.")
            context.stacks.delete(stack)
        elif stack.can_be_updated:
            return stack
        else:
            raise DeploymentError(_stuck(context, stack))
    return stack


def _stuck(context: Context, stack: Stack) -> str:
    cli = f"--stack-name {context.stage.stack_name} --region {context.stage.region}"
    fixes = {
        "UPDATE_ROLLBACK_FAILED": (
            f"Correct the cause and run `aws cloudformation continue-update-rollback {cli}`"
        ),
        "UPDATE_FAILED": f"Run `aws cloudformation rollback-stack {cli}`",
        "DELETE_FAILED": f"Run `make destroy STAGE={context.stage.argument}`",
    }
    fix = fixes.get(stack.status, "Bring the stack to a complete status in the CloudFormation console")
    failed = "".join(f"\n  {line}" for line in context.stacks.failed_resources(stack))
    return f"The stack is {stack.status}: {stack.reason}{failed}\n{fix}, then run the command again."


def _first_steps(context: Context, stack: Stack, url: str) -> list[str]:
    lines = ["", f"The API is at {url}, its documentation at {url}/docs."]
    if SERVICE_URL_PARAMETER in stack.parameters:
        lines.append(f"The portal is at {url}/.")
    if pool := stack.outputs.get("UserPoolId"):
        lines += _cognito_steps(context, stack, pool)
    else:
        lines += ["", f"Get a token from {context.stage.parameters['Issuer']}, then:"]
    return [
        *lines,
        "",
        f'  curl -s {url}/me -H "Authorization: Bearer $TOKEN"',
        f'  curl -s -X POST {url}/environments -H "Authorization: Bearer $TOKEN"',
    ]


def _cognito_steps(context: Context, stack: Stack, pool: str) -> list[str]:
    # Tokens by password need IAM permissions (AdminInitiateAuth); browsers use the sign-in page.
    where = f"--user-pool-id {pool} --region {context.stage.region}"
    group = context.stage.parameters.get("AdminGroup", "admins")
    client = stack.outputs["SignInClientId"]
    return [
        "",
        "Create the first user, an admin, and get a token:",
        "",
        "  USERNAME=you@example.com; read -rsp 'Password, at least 12 characters: ' PASSWORD",
        f'  aws cognito-idp admin-create-user {where} --username "$USERNAME" --message-action SUPPRESS \\',
        '      --user-attributes Name=email,Value="$USERNAME" Name=email_verified,Value=true \\',
        f'    && aws cognito-idp admin-set-user-password {where} --username "$USERNAME" \\',
        '      --password "$PASSWORD" --permanent \\',
        f'    && aws cognito-idp admin-add-user-to-group {where} --username "$USERNAME" --group-name {group}',
        f"  TOKEN=$(aws cognito-idp admin-initiate-auth {where} --client-id {client} \\",
        "      --auth-flow ADMIN_USER_PASSWORD_AUTH \\",
        '      --auth-parameters "USERNAME=$USERNAME,PASSWORD=$PASSWORD" \\',
        "      --query AuthenticationResult.IdToken --output text)",
    ]
