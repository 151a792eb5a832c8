"""Change sets in readable form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ChangeTypeDef, ResourceChangeTypeDef

HOLDS_DATA = (
    *("AWS::DynamoDB::Table", "AWS::S3::Bucket"),
    *("AWS::Cognito::UserPool", "AWS::Cognito::UserPoolGroup"),
)
"""Resource types whose replacement leaves the service without its data, users or members of a group."""


def lines(changes: Iterable[ChangeTypeDef]) -> list[str]:
    """Return a line for each resource: added (+), changed (~), replaced (!) or removed (-)."""
    found = sorted((_line(change["ResourceChange"]) for change in changes), key=lambda line: line[2:])
    count = {mark: sum(line.startswith(mark) for line in found) for mark in "+~!-"}
    summary = f"{count['+']} to add, {count['~']} to change, {count['!']} to replace, {count['-']} to remove"
    return [summary, *(f"  {line}" for line in found)]


def parameter_lines(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return a line for each parameter that is set or changed."""
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None:
            found.append(f"  {name} = {new}")
        elif old != new:
            found.append(f"  {name}: {old or 'empty'} -> {'removed' if new is None else new or 'empty'}")
    return found


def lost_data(changes: Iterable[ChangeTypeDef]) -> list[str]:
    """Return the resources with data that are, or may be, replaced or removed."""
    return [
        f"{change['LogicalResourceId']} ({change['ResourceType']})"
        for change in (change["ResourceChange"] for change in changes)
        if change["ResourceType"] in HOLDS_DATA
        and (change["Action"] == "Remove" or change.get("Replacement", "False") != "False")
    ]


def _line(change: ResourceChangeTypeDef) -> str:
    action, replacement = change["Action"], change.get("Replacement", "False")
    name = f"{change['LogicalResourceId']} ({change['ResourceType']})"
    if action == "Add":
        return f"+ {name}"
    if action == "Remove":
        kept = ", which is kept in the account" if change.get("PolicyAction") == "Retain" else ""
        return f"- {name}{kept}"
    causes = ", ".join(dict.fromkeys(_causes(change)))
    if replacement == "False":
        return f"~ {name}: {causes}"
    how = "is replaced" if replacement == "True" else "may be replaced"
    return f"! {name} {how}: {causes}"


def _causes(change: ResourceChangeTypeDef) -> Iterable[str]:
    """Yield the changed properties, or attributes such as Tags."""
    for detail in change.get("Details", []):
        target = detail.get("Target", {})
        if name := target.get("Name") or target.get("Attribute"):
            yield str(name)
    if not change.get("Details"):
        yield from map(str, change.get("Scope", []))
