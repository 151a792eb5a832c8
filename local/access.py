"""IAM for the embedded AWS: calls with a role's credentials may do what the role's policies allow.

moto can check policies, but all callers or none, most calls only against the resource "*", and without most
conditions (see the head of its `iam/access_control.py`). Here whoever comes with the credentials of an
assumed role is checked, always; any other credentials are those of the account's root.
Resources and condition keys are those of the Service Authorization Reference, for the services of a sandbox.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import unquote

from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import AccessDeniedError, JsonRESTError
from moto.iam.models import iam_backends
from moto.s3.exceptions import S3AccessDeniedError
from moto.s3.responses import ACTION_MAP
from moto.sts.models import sts_backends

from local.access_requests import S3_ACTIONS_UNKNOWN_TO_MOTO, Asked, asked
from local.clients import Credentials

Json = dict[str, Any]

_CREDENTIAL = re.compile(r"Credential=([^/,]+)/[^/]*/([^/]*)/([^/]*)/")
_XML_SERVICES = {"iam", "sts", "cloudformation"}


class NotTrusted(Exception):
    """A role that does not exist, or that does not let the service assume it."""


def assume(clients: Callable[[str], Any], role: str, service: str, session: str) -> Credentials:
    """Credentials of a role (name or ARN) for an AWS service, if the role trusts that; else `NotTrusted`."""
    name = role.rpartition("/")[2]
    iam = clients("iam")
    try:
        found = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException as error:
        raise NotTrusted(f"Role {role} does not exist.") from error
    trust = found["AssumeRolePolicyDocument"]
    for statement in _listed(trust.get("Statement", [])):
        principals = statement.get("Principal", {})
        services = _listed(principals.get("Service", [])) if isinstance(principals, dict) else []
        if statement["Effect"] == "Allow" and service in services:
            break
    else:
        raise NotTrusted(f"Role {role} cannot be assumed by {service}: its trust policy does not allow it.")
    given = clients("sts").assume_role(RoleArn=found["Arn"], RoleSessionName=session[:64])["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def install() -> None:
    """Put the checks into moto; doing it twice changes nothing more."""

    def check(self: Any, request_class: type, resource: str = "*") -> None:
        authorize(self, resource)

    for method, actions in S3_ACTIONS_UNKNOWN_TO_MOTO.items():  # before the default, which catches all
        known = ACTION_MAP["BUCKET"][method]
        ACTION_MAP["BUCKET"][method] = {**actions, **known}
    ActionAuthenticatorMixin._authenticate_and_authorize_action = check  # type: ignore[method-assign,assignment]


def authorize(request: Any, resource: str) -> None:
    """Refuse a request, one of moto's response objects, that its role may not make."""
    match = _CREDENTIAL.search(request.headers.get("Authorization", ""))
    if match is None:
        return
    key, region, service = match.groups()
    account: str = request.current_account
    role = _role(account, key)
    if role is None:
        return
    if service == "sts":
        return  # who has a role's credentials may always ask who that is; nothing here assumes another
    policies = Policies(account, role)
    caller = f"arn:aws:sts::{account}:assumed-role/{role.name}/{key}"
    for wish in asked(request, service, region, account, resource):
        if not policies.allow(wish):
            raise _denied(service, caller, wish)


def _role(account: str, key: str) -> Any:
    for assumed in sts_backends[account]["aws"].assumed_roles:
        if assumed.access_key_id == key:
            name = assumed.role_arn.split("/")[-1]
            roles = iam_backends[account]["aws"].roles.values()
            return next((role for role in roles if role.name == name), None)
    return None


def _denied(service: str, caller: str, wish: Asked) -> Exception:
    what = f"{wish.action} on resource: {wish.resource}"
    if service == "s3":
        error = S3AccessDeniedError()
        error.message = f"User: {caller} is not authorized to perform: {what}"
        return cast(Exception, error)
    if service in _XML_SERVICES:
        return cast(Exception, AccessDeniedError(caller, what))
    words = f"User: {caller} is not authorized to perform: {what}"
    return cast(Exception, JsonRESTError("AccessDeniedException", words))


class Policies:
    """What a role may do: its own policies, within its permissions boundary if it has one."""

    def __init__(self, account: str, role: Any) -> None:
        self._account = account
        self._own = [_document(text) for text in role.policies.values()]
        self._own += [self._managed(policy.arn) for policy in role.managed_policies.values()]
        boundary = role.permissions_boundary_arn
        self._boundary = [self._managed(boundary)] if boundary else None

    def allow(self, wish: Asked) -> bool:
        """Whether the role may do this: allowed by both, denied by neither."""
        sets = [self._own, *([self._boundary] if self._boundary is not None else [])]
        return all(_verdict(documents, wish) for documents in sets)

    def _managed(self, arn: str) -> Json:
        policy = iam_backends[self._account]["aws"].managed_policies[arn]
        return _document(next(version.document for version in policy.versions if version.is_default))


def _verdict(documents: list[Json], wish: Asked) -> bool:
    is_allowed = False
    for document in documents:
        for statement in _listed(document["Statement"]):
            if _applies(statement, wish):
                if statement["Effect"] == "Deny":
                    return False
                is_allowed = True
    return is_allowed


def _applies(statement: Json, wish: Asked) -> bool:
    return (
        _named(statement, "Action", wish.action, ignore_case=True)
        and _named(statement, "Resource", wish.resource)
        and all(
            _holds(operator, key, _listed(values), wish.context)
            for operator, pairs in statement.get("Condition", {}).items()
            for key, values in pairs.items()
        )
    )


def _named(statement: Json, element: str, value: str, *, ignore_case: bool = False) -> bool:
    if f"Not{element}" in statement:
        return not _any_like(_listed(statement[f"Not{element}"]), value, ignore_case)
    return _any_like(_listed(statement.get(element, [])), value, ignore_case)


def _any_like(patterns: list[Any], value: str, ignore_case: bool = False) -> bool:
    return any(_like(str(pattern), value, ignore_case) for pattern in patterns)


def _like(pattern: str, value: str, ignore_case: bool = False) -> bool:
    regex = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(regex, value, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def _holds(operator: str, key: str, expected: list[Any], context: Mapping[str, str]) -> bool:
    wanted = [str(value).lower() if isinstance(value, bool) else str(value) for value in expected]
    actual = {name.lower(): value for name, value in context.items()}.get(key.lower())
    if operator == "Null":
        return (actual is None) == (wanted == ["true"])
    base = operator.removesuffix("IfExists")
    if actual is None:
        return operator.endswith("IfExists") or base in ("StringNotEquals", "StringNotLike", "ArnNotLike")
    if base in ("StringEquals", "Bool"):
        return actual in wanted
    if base in ("StringLike", "ArnLike", "ArnEquals"):
        return _any_like(wanted, actual)
    if base == "StringNotEquals":
        return actual not in wanted
    if base in ("StringNotLike", "ArnNotLike"):
        return not _any_like(wanted, actual)
    raise NotImplementedError(f"The embedded AWS does not know the condition operator {operator}.")


def _document(value: Any) -> Json:
    if isinstance(value, dict):
        return value
    loaded: Json = json.loads(unquote(value) if "%22" in value else value)  # IAM keeps some of them encoded
    return loaded


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
