"""Base class of the transforms."""

from __future__ import annotations

import inspect
from typing import Any


class GlueTransform:
    """Transform that `apply` runs, and that describes itself by its signature and docstring.

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-transforms-GlueTransform.html
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the transform."""
        raise NotImplementedError(self.name())

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the transform."""
        return cls()(*args, **kwargs)

    @classmethod
    def name(cls) -> str:
        """Return the name of the class."""
        return cls.__name__

    @classmethod
    def describeArgs(cls) -> list[dict[str, Any]]:
        """Return the parameters, each with its name, whether it is optional, and its default."""
        parameters = list(inspect.signature(cls.__call__).parameters.values())[1:]
        return [
            {
                "name": item.name,
                "type": str(item.annotation) if item.annotation is not item.empty else "",
                "description": "",
                "optional": item.default is not item.empty or item.kind is item.VAR_KEYWORD,
                "defaultValue": None if item.default is item.empty else item.default,
            }
            for item in parameters
        ]

    @classmethod
    def describeReturn(cls) -> dict[str, str]:
        """Return the type of the result."""
        kind = inspect.signature(cls.__call__).return_annotation
        return {"type": str(kind), "description": ""}

    @classmethod
    def describeTransform(cls) -> str:
        """Return what the transform does."""
        return inspect.getdoc(cls) or ""

    @classmethod
    def describeErrors(cls) -> list[dict[str, str]]:
        """Return the errors that a transform raises."""
        return []

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """Return all descriptions."""
        return {
            "transform": {
                "name": cls.name(),
                "args": cls.describeArgs(),
                "returns": cls.describeReturn(),
                "description": cls.describeTransform(),
                "raises": cls.describeErrors(),
            }
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GlueTransform) and self.name() == other.name()

    def __hash__(self) -> int:
        return hash(self.name())

    def __repr__(self) -> str:
        return self.name()
