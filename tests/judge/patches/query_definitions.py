"""CloudFormation has no `AWS::Logs::QueryDefinition`. Nothing but the console reads saved queries."""

from __future__ import annotations

from typing import Any

from ministack.services.cloudformation import provisioners

_TYPE = "AWS::Logs::QueryDefinition"


def needed() -> bool:
    return _TYPE not in provisioners._RESOURCE_HANDLERS


def apply() -> None:
    provisioners._RESOURCE_HANDLERS[_TYPE] = {"create": _create, "delete": _delete}


def _create(logical_id: str, _properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
    query = f"{stack_name}-{logical_id}"
    return query, {"QueryDefinitionId": query}


def _delete(_physical_id: str, _properties: dict[str, Any]) -> None:
    """Nothing exists besides the record of the stack."""
