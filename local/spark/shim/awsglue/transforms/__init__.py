"""Transforms of frames, as scripts of Glue Studio use them: `ApplyMapping.apply(frame=..., ...)`.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-transforms.html
"""

from __future__ import annotations

import json
from typing import NoReturn

from ..utils import unsupported
from .fields import ApplyMapping as ApplyMapping
from .fields import DropFields as DropFields
from .fields import DropNullFields as DropNullFields
from .fields import Relationalize as Relationalize
from .fields import RenameField as RenameField
from .fields import ResolveChoice as ResolveChoice
from .fields import SelectFields as SelectFields
from .fields import SplitFields as SplitFields
from .fields import Unbox as Unbox
from .fields import UnnestFrame as UnnestFrame
from .frames import Coalesce as Coalesce
from .frames import DropDuplicates as DropDuplicates
from .frames import ErrorsAsDynamicFrame as ErrorsAsDynamicFrame
from .frames import Filter as Filter
from .frames import FlatMap as FlatMap
from .frames import Join as Join
from .frames import Map as Map
from .frames import MapToCollection as MapToCollection
from .frames import Repartition as Repartition
from .frames import SelectFromCollection as SelectFromCollection
from .frames import Spigot as Spigot
from .frames import SplitRows as SplitRows
from .frames import Union as Union
from .transform import GlueTransform as GlueTransform

ALL_TRANSFORMS = set(GlueTransform.__subclasses__())

__all__ = sorted(transform.__name__ for transform in ALL_TRANSFORMS)


def get_transforms() -> set[GlueTransform]:
    """Return an instance of every transform."""
    return {transform() for transform in ALL_TRANSFORMS}


def get_transform(name: str) -> GlueTransform:
    """Return the transform of a name, in any case."""
    (found,) = [transform for transform in get_transforms() if transform.name().lower() == name.lower()]
    return found


def describe_transform(name: str) -> str:
    """Return the description of a transform as JSON."""
    return json.dumps(get_transform(name).describe(), sort_keys=True, indent=4, default=str)


def __getattr__(name: str) -> NoReturn:
    if name.startswith("_"):
        raise AttributeError(name)
    unsupported(f"awsglue.transforms.{name}")
