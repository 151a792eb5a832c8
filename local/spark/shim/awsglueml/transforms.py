"""Machine learning: every name is refused."""

from typing import Any

from awsglue.utils import unsupported  # type: ignore[import-not-found]


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    unsupported(f"awsglueml.transforms.{name}")
