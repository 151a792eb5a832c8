"""Stage files: the account, region and configuration of one deployment, `deploy/stages/<stage>.env`.

A line is empty, a comment that starts with `#`, or `KEY=VALUE`. docs/configuration.md lists the keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.config import Config
from chalicelib.variables import InvalidConfiguration
from deploy import parameters
from deploy.errors import InvalidInput
from deploy.requirements import ROOT

STAGES = ROOT / "deploy" / "stages"
"""Folder of the stage files."""

STACK_PREFIX = "self-service-terraglue-"
"""Default prefix of stack names. Stacks named `terraglue-*` are sandboxes, and the service hears of them."""

_NAME = r"[a-z][a-z0-9-]{0,15}"
# The domain of a Cognito user pool contains the stage and cannot contain these words:
# https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html
_RESERVED = ("aws", "amazon", "cognito")
_LARGEST_BYTES = 64 * 1024
_REQUIRED = ("ACCOUNT", "REGION")
_OWN = {
    "ACCOUNT": (r"[0-9]{12}", "an account ID of 12 digits"),
    "REGION": (r"[a-z]{2}(-[a-z]+)+-[0-9]", "a region such as eu-west-1"),
    "STACK_NAME": (r"(?!terraglue-)[A-Za-z][A-Za-z0-9-]{0,99}", "a stack name that is not terraglue-*"),
    "CODE_BUCKET": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket's name"),
    "WATCH_MINUTES": (r"[0-9]|[1-3][0-9]", "a number of minutes from 0 to 39"),
    "API_URL": (
        r"(https://|http://(localhost|127\.0\.0\.1)[:/])([^\s?#{}]|\{[A-Za-z][A-Za-z0-9]*\})+",
        "the URL of the API, https://...",
    ),
}
"""Keys that are no parameter of the template, with pattern and description of their values."""

# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html
_COGNITO_GROUP = r"[^\s\x00-\x1f]{1,128}"
_LISTS = ("SHARED_ROLE_ARNS", "SHARED_KMS_KEY_ARNS", "STACK_TAGS")
_LISTS_BYTES = 2200
"""Bytes of `_LISTS` together. Lambda allows 4 KB for all variables of a function; the others need the rest:
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

# Variables that the stack sets itself, with values that are valid anywhere.
_SET_BY_THE_STACK = {
    "TABLE_NAME": "table",
    "ASSETS_BUCKET": "assets",
    "CURSOR_KEY": "set by the stack",
    "SANDBOX_INSPECTOR_ROLE_ARN": "arn:aws:iam::000000000000:role/inspector",
    "SANDBOX_READER_ROLE_ARN": "arn:aws:iam::000000000000:role/reader",
    "SANDBOX_USER_ROLE_ARN": "arn:aws:iam::000000000000:role/user",
    "ISSUER": "https://issuer.invalid",
    "AUDIENCE": "set by the stack",
}


@dataclass(frozen=True)
class Stage:
    """A deployment of the service.

    - `parameters`: parameters of the stack. Those that the file does not set have the template's defaults.
    - `code_bucket`: an existing bucket for packages; None for one that `deploy` creates.
    - `watch_minutes`: how long after an update its alarms undo it.
    - `api_url`: the URL of the API if it is not API Gateway's. May contain outputs, such as `{RestAPIId}`.
    """

    name: str
    path: Path
    account: str
    region: str
    stack_name: str
    code_bucket: str | None = None
    watch_minutes: int = 0
    api_url: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Return `cognito` if the stack contains the user pool, else `oidc`."""
        return self.parameters.get("Identity", "oidc")

    @property
    def argument(self) -> str:
        """Return the value of STAGE for this stage: its name, or the path of a file in another folder."""
        return self.name if self.path.parent == STAGES else str(self.path)

    def url(self, outputs: Mapping[str, str]) -> str:
        """Return the URL of the API from the outputs of the stack, without a slash at the end."""
        try:
            return (self.api_url or "{EndpointURL}").format_map(outputs).rstrip("/")
        except KeyError as error:
            raise InvalidInput(
                f"API_URL in {self.path} names {error}, which is no output of the stack."
            ) from error

    def service_url(self, outputs: Mapping[str, str]) -> str | None:
        """Return the URL of the API with a slash at the end, where Cognito sends the portal's users.

        None for another provider, or if the outputs do not contain the URL yet.
        """
        if self.identity != "cognito":
            return None
        try:
            return f"{self.url(outputs)}/"
        except InvalidInput:
            return None


def read(stage: str) -> Stage:
    """Read a stage file by the name of the stage, or by its path. Raise `InvalidInput` with every error."""
    if not stage:
        raise InvalidInput("Name a stage, for example STAGE=dev for deploy/stages/dev.env.")
    path = Path(stage) if "/" in stage or stage.endswith(".env") else STAGES / f"{stage}.env"
    if not re.fullmatch(_NAME, path.stem):
        raise InvalidInput(
            f"{path.stem!r} is not a stage name: use up to 16 lowercase letters, digits and hyphens, "
            "starting with a letter."
        )
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
        text = content.decode("utf-8-sig")  # editors of Windows may add a byte order mark
    except FileNotFoundError:
        raise InvalidInput(
            f"{path} does not exist. Copy {STAGES / 'example.env'} to it and set ACCOUNT and REGION."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.") from error
    if len(content) > _LARGEST_BYTES:
        raise InvalidInput(f"{path} is larger than {_LARGEST_BYTES:,} bytes.")
    return parse(path.stem, text, path)


def parse(name: str, text: str, path: Path) -> Stage:
    """Return the stage of a file's text. Raise `InvalidInput` with every error and its line."""
    reader = _Reader(path)
    given = reader.pairs(text)
    names = {parameters.key_of(name): name for name in parameters.declared()}
    for parameter in parameters.WITHOUT_KEY:
        names.pop(parameters.key_of(parameter), None)
    for key in given.keys() - names.keys() - _OWN.keys():
        reader.refuse(key, "is unknown. docs/configuration.md lists the keys.")
    for key in _REQUIRED:
        if key not in given:
            reader.refuse(key, "is required.")
    for key, (pattern, expected) in _OWN.items():
        if key in given and not re.fullmatch(pattern, given[key]):
            reader.refuse(key, f"must be {expected}; got {given[key]!r}.")
    values = {names[key]: value for key, value in given.items() if key in names}
    _check_identity(name, given, reader)
    for parameter, expected in parameters.errors(parameters.declared(), values):
        reader.refuse(parameters.key_of(parameter), f"{expected}; got {values[parameter]!r}.")
    _check_service({key: given[key] for key in given.keys() & names.keys()}, reader)
    reader.check()
    return Stage(
        name=name,
        path=path,
        account=given["ACCOUNT"],
        region=given["REGION"],
        stack_name=given.get("STACK_NAME", STACK_PREFIX + name),
        code_bucket=given.get("CODE_BUCKET"),
        watch_minutes=int(given.get("WATCH_MINUTES", "0")),
        api_url=given.get("API_URL"),
        parameters=values | {parameters.STAGE_PARAMETER: name},
    )


def _check_identity(name: str, given: Mapping[str, str], reader: _Reader) -> None:
    if given.get("IDENTITY") == "cognito":
        if not re.fullmatch(_COGNITO_GROUP, given.get("ADMIN_GROUP", "admins")):
            reader.refuse("ADMIN_GROUP", "must be a Cognito group's name: up to 128 characters, no spaces.")
        for key in ("ISSUER", "AUDIENCE"):
            if key in given:
                reader.refuse(key, "cannot be set with IDENTITY=cognito, which creates the issuer.")
        if any(word in name for word in _RESERVED):
            reader.refuse(
                "IDENTITY",
                f"cannot be cognito for the stage {name}: its sign-in domain cannot contain "
                f"{', '.join(_RESERVED[:-1])} or {_RESERVED[-1]}.",
            )
        return
    if given.get("IDENTITY", "oidc") != "oidc":
        return  # a misspelled IDENTITY is its only error
    for key in ("ISSUER", "AUDIENCE"):
        if key not in given:
            reader.refuse(key, "is required, unless IDENTITY=cognito.")


def _check_service(variables: Mapping[str, str], reader: _Reader) -> None:
    """Check the configuration as the service does when it starts, and its size."""
    lists = {key: len(variables[key].encode()) for key in _LISTS if key in variables}
    if sum(lists.values()) > _LISTS_BYTES:
        reader.refuse(
            max(lists, key=lambda key: lists[key]),
            f"is too long: {', '.join(_LISTS)} must have at most {_LISTS_BYTES:,} bytes together.",
        )
    try:
        Config.from_environment({**_SET_BY_THE_STACK, **variables})
    except InvalidConfiguration as error:
        for key, expected in error.errors:
            reader.refuse(key, expected)


class _Reader:
    """Reader of a stage file's lines. Collects errors, one for each key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: dict[str, int] = {}
        self._errors: dict[str, tuple[int, str]] = {}

    def pairs(self, text: str) -> dict[str, str]:
        """Return the values by key."""
        found: dict[str, str] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            key, equals, value = (piece.strip() for piece in line.partition("="))
            if not equals or not re.fullmatch("[A-Z][A-Z0-9_]*", key):
                # Not the rest of the line, which can be a secret in the wrong file.
                what = repr(key[:60]) if equals else "the line"
                self._errors[line] = (number, f"{what} is not KEY=VALUE.")
            elif key in found:
                self._errors[line] = (number, f"{key} is already set in line {self._lines[key]}.")
            elif not value:
                self._errors[line] = (number, f"{key} is empty. Remove the line to use the default.")
            elif value[0] in "\"'":
                self._errors[line] = (number, f"{key} must not be quoted.")
            else:
                self._lines[key] = number
                found[key] = value
        return found

    def refuse(self, key: str, expected: str) -> None:
        """Record the error of a key, if it has none yet."""
        self._errors.setdefault(key, (self._lines.get(key, 0), f"{key} {expected}"))

    def check(self) -> None:
        """Raise `InvalidInput` if there are errors."""
        if self._errors:
            errors = sorted(self._errors.values())
            lines = [f"  line {at}: {error}" if at else f"  {error}" for at, error in errors]
            raise InvalidInput("\n".join([f"{self._path} is invalid:", *lines]))
