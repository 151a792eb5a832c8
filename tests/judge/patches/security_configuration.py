"""CloudFormation has no `AWS::Glue::SecurityConfiguration`, although ministack's Glue has its API."""

from __future__ import annotations

from typing import Any

from ministack.services import glue
from ministack.services.cloudformation import provisioners

_TYPE = "AWS::Glue::SecurityConfiguration"


def needed() -> bool:
    return _TYPE not in provisioners._RESOURCE_HANDLERS


def apply() -> None:
    provisioners._RESOURCE_HANDLERS[_TYPE] = {"create": _create, "delete": _delete}


def _create(_logical_id: str, properties: dict[str, Any], _stack_name: str) -> tuple[str, dict[str, Any]]:
    provisioners._glue_call(glue._create_security_configuration, properties, _TYPE, "create")
    return properties["Name"], {}


def _delete(physical_id: str, _properties: dict[str, Any]) -> None:
    glue._delete_security_configuration({"Name": physical_id})
