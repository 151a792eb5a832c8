"""IAM for the local AWS emulator: a role or a user may only do what its policies allow.

moto can check policies, but only for all callers or none, mostly against the resource "*", and without most
conditions (see its `iam/access_control.py`). This module always checks the credentials that STS issued for a
role and the access keys of users. Any other credentials are those of the account's root. It does not check
signatures or the expiration of sessions.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import AccessDeniedError, JsonRESTError
from moto.core.responses import ActionResult
from moto.glue.responses import GlueResponse
from moto.iam.models import iam_backends
from moto.s3.exceptions import S3AccessDeniedError
from moto.s3.responses import ACTION_MAP
from moto.sts.models import sts_backends

from local.aws.clients import Credentials
from local.iam.checks import Json, PermissionCheck
from local.iam.kms import key_policy_verdict
from local.iam.policies import Verdict, listed, parsed, verdict
from local.iam.requests import permission_checks
from local.iam.s3 import ACTIONS_UNKNOWN_TO_MOTO
from local.moto_patches.patching import replace_methods

_CREDENTIAL = re.compile(r"Credential=([^/,&]+)/[^/]*/([^/]*)/([^/]*)/")
_XML_SERVICES = {"cloudformation", "ec2", "iam", "sns", "sts"}
_NOTHING: Json = {"Statement": []}


class NotTrusted(Exception):
    """The role does not exist or does not let the service assume it."""


def assume(clients: Callable[[str], Any], role: str, service: str, session: str) -> Credentials:
    """Return credentials of a role (name or ARN) for an AWS service. Raises `NotTrusted` if not possible."""
    name = role.rpartition("/")[2]
    iam = clients("iam")
    try:
        found = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException as error:
        raise NotTrusted(f"Role {role} does not exist.") from error
    if not _trusts(found["AssumeRolePolicyDocument"], "Service", {service}):
        raise NotTrusted(f"Role {role} cannot be assumed by {service}: its trust policy does not allow it.")
    given = clients("sts").assume_role(RoleArn=found["Arn"], RoleSessionName=session[:64])["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


Trail = Callable[[str, PermissionCheck, str | None], None]
"""Callback for each permission check of a role or a user.

Its arguments are the principal's ARN, the check, and the reason of a denial or None.
"""


def install(trail: Trail = lambda *_: None) -> Callable[[], None]:
    """Install the checks in moto, for the server and for `mock_aws`. Return a function that removes them."""

    def authenticate(self: Any, request_class: type, resource: str = "*") -> None:
        authorize(self, resource, trail)

    for kind, methods in ACTIONS_UNKNOWN_TO_MOTO.items():  # before the default, which matches everything
        for method, actions in methods.items():
            known = ACTION_MAP[kind][method]
            ACTION_MAP[kind][method] = {**actions, **known}
    checks = {"_authenticate_and_authorize_action": authenticate}
    restore_checks = replace_methods(ActionAuthenticatorMixin, checks)
    restore_lists = replace_methods(GlueResponse, {"get_databases": _visible_databases})

    def restore() -> None:
        restore_checks()
        restore_lists()

    return restore


def _visible_databases(self: GlueResponse) -> ActionResult:
    """GetDatabases: the databases that the caller may get.

    AWS documents this for the permissions of Lake Formation, and nothing for those of IAM
    (https://docs.aws.amazon.com/lake-formation/latest/dg/resource-links-glue-apis.html). A role with access
    to some databases was seen to list others too (https://github.com/ClickHouse/ClickHouse/issues/83623).
    """
    found = [database.as_dict() for database in self.glue_backend.get_databases()]
    signed = _signature(self)
    caller = _caller(self.current_account, signed[0]) if signed else None
    if signed and caller is not None:
        prefix = f"arn:aws:glue:{signed[1]}:{self.current_account}:database/"
        found = [
            each
            for each in found
            if _refusal(
                self.current_account, caller, PermissionCheck("glue:GetDatabases", prefix + each["Name"], {})
            )
            is None
        ]
    return ActionResult({"DatabaseList": found})


def authorize(request: Any, resource: str, trail: Trail) -> None:
    """Raise an access denied error if the caller of a request may not make it.

    `request` is one of moto's response objects.
    """
    signed = _signature(request)
    if signed is None:
        return
    key, region, service = signed
    account: str = request.current_account
    caller = _caller(account, key)
    if caller is None:
        return
    for check in permission_checks(request, service, region, account, resource):
        why = _refusal(account, caller, check)
        trail(caller.principal, check, why)
        if why:
            raise _denied(service, caller.session, f"{check.action} on resource: {check.resource} {why}")


def _signature(request: Any) -> tuple[str, str, str] | None:
    """Return the access key, region and service of a request's signature, or None for an unsigned request."""
    query = unquote(request.uri)  # a presigned URL has its signature here, in version 2 or 4
    for place in (request.headers.get("Authorization", ""), query):
        if match := _CREDENTIAL.search(place):
            return match[1], match[2], match[3]
    if match := re.search(r"[?&]AWSAccessKeyId=([^&]+)", query):
        return match[1], request.region, "s3"
    return None


@dataclass(frozen=True)
class Caller:
    """A role session or a user, with its layers of policies. Every layer must allow a request."""

    session: str
    principal: str
    layers: dict[str, list[Json]]

    def completed(self, check: PermissionCheck) -> PermissionCheck:
        """Return a permission check with the condition keys of the caller."""
        context = {"aws:PrincipalArn": self.principal}
        if ":user/" in self.principal:
            context["aws:username"] = self.principal.rpartition("/")[2]
        return dataclasses.replace(check, context={**context, **check.context})

    def verdicts(self, check: PermissionCheck) -> dict[str, Verdict]:
        """Return the verdict of each layer of policies on a permission check."""
        return {name: verdict(documents, check) for name, documents in self.layers.items()}


_IDENTITY = "identity-based policy"


def _refusal(account: str, caller: Caller, check: PermissionCheck) -> str | None:
    """Return the reason of a denial, in AWS's words, or None if the caller is allowed."""
    check = caller.completed(check)
    verdicts = caller.verdicts(check)
    for name, found in verdicts.items():
        if found is Verdict.DENIED:
            return f"with an explicit deny in {'an' if name == _IDENTITY else 'a'} {name}"
    if check.action == "sts:AssumeRole":
        itself = {caller.principal, caller.session}
        if _is_trusted(account, check.resource, itself):
            del verdicts[_IDENTITY]  # a principal named in the trust policy needs no policy of its own
        elif not _is_trusted(account, check.resource, {f"arn:aws:iam::{account}:root", account}):
            return f"because no resource-based policy allows the {check.action} action"
    if check.action.startswith("kms:"):
        by_key, is_delegated = key_policy_verdict(check, {caller.principal, caller.session})
        if by_key is Verdict.DENIED:
            return "with an explicit deny in a resource-based policy"
        # A boundary and a session policy limit what a key policy grants to a role, but not what it grants to
        # a session, or to everybody on the condition of aws:PrincipalArn:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
        if key_policy_verdict(check, {caller.session})[0] is Verdict.ALLOWED:
            return None
        if by_key is Verdict.ALLOWED:
            del verdicts[_IDENTITY]
        elif not is_delegated:
            return f"because no resource-based policy allows the {check.action} action"
    for name, found in verdicts.items():
        if found is Verdict.SILENT:
            return f"because no {name} allows the {check.action} action"
    return None


def _caller(account: str, key: str) -> Caller | None:
    iam = iam_backends[account]["aws"]
    for session in list(sts_backends[account]["aws"].assumed_roles):
        if session.access_key_id == key:
            name = session.role_arn.rpartition("/")[2]
            role = next((role for role in list(iam.roles.values()) if role.name == name), None)
            # As in AWS, the sessions of a deleted role have no permissions.
            layers = {_IDENTITY: []} if role is None else _layers(iam, role, role.permissions_boundary_arn)
            if session.policy:
                layers["session policy"] = [parsed(session.policy)]
            return Caller(session.arn, session.role_arn, layers)
    for user in list(iam.users.values()):
        if any(owned.access_key_id == key for owned in user.access_keys):
            layers = _layers(iam, user, None)
            for group in list(iam.groups.values()):
                if user in group.users:
                    layers[_IDENTITY] += _layers(iam, group, None)[_IDENTITY]
            return Caller(user.arn, user.arn, layers)
    return None


def _layers(iam: Any, owner: Any, boundary: str | None) -> dict[str, list[Json]]:
    own = [parsed(text) for text in list(owner.policies.values())]
    own += [_managed(iam, arn) for arn in list(owner.managed_policies)]
    layers = {_IDENTITY: own}
    if boundary:
        layers["permissions boundary"] = [_managed(iam, boundary)]
    return layers


def _managed(iam: Any, arn: str) -> Json:
    policy = iam.managed_policies.get(arn)
    if policy is None:
        return _NOTHING
    return parsed(next(version.document for version in policy.versions if version.is_default))


def _is_trusted(account: str, role_arn: str, principals: set[str]) -> bool:
    """Return whether the trust policy of a role names one of the principals."""
    roles = list(iam_backends[account]["aws"].roles.values())
    role = next((role for role in roles if role.arn == role_arn), None)
    return role is not None and _trusts(parsed(role.assume_role_policy_document), "AWS", principals)


def _trusts(trust: Json, kind: str, principals: set[str]) -> bool:
    effects = set()
    for statement in listed(trust.get("Statement", [])):
        named = statement.get("Principal", {})
        names = listed(named.get(kind, [])) if isinstance(named, dict) else listed(named)
        actions = {"sts:AssumeRole", "sts:*", "*"} & set(listed(statement.get("Action", [])))
        if actions and ({"*"} | principals) & set(names):
            effects.add(statement["Effect"])
    return effects == {"Allow"}


def _denied(service: str, caller: str, what: str) -> Exception:
    message = f"User: {caller} is not authorized to perform: {what}"
    if service == "s3":
        error = S3AccessDeniedError()
        error.message = message
        return cast(Exception, error)
    if service in _XML_SERVICES:
        return cast(Exception, AccessDeniedError(caller, what))
    return cast(Exception, JsonRESTError("AccessDeniedException", message))
