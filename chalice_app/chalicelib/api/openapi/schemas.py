"""JSON schemas of the models in the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from chalicelib.api import responses
from chalicelib.api.operations import Files, Operation
from chalicelib.domain.json_types import Json


class Schemas(GenerateJsonSchema):
    """Generates schemas without titles, which would only repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Return False."""
        return False

    def model_schema(self, schema: Any) -> Json:
        """Return the schema of a model: strict for requests, open for responses.

        A response has all fields, and clients must accept new ones.
        """
        found = super().model_schema(schema)
        if self.mode == "serialization":
            found.pop("additionalProperties", None)
            found.pop("title", None)  # differs from the schema's name if a request has the model too
            found["required"] = list(found["properties"])
            for field in found["properties"].values():
                field.pop("default", None)
        return found


def schemas(operations: Sequence[Operation]) -> Json:
    """Return the schemas of all requests and responses by name."""
    models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(responses.Problem, "validation"): None}
    for operation in operations:
        for returned in operation.returns.values():
            if returned is not None and not isinstance(returned, Files):
                models[returned, "serialization"] = None
        if operation.body is not None:
            models[operation.body, "validation"] = None
    _, found = models_json_schema(
        list(models), ref_template="#/components/schemas/{model}", schema_generator=Schemas
    )
    # A model of both requests and responses, such as the settings, has two schemas.
    text = json.dumps(found["$defs"]).replace('-Input"', '"').replace('-Output"', 'Shown"')
    named: Json = json.loads(text)
    return named


def reference(model: type[BaseModel]) -> Json:
    """Return a reference to a model's schema."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}
