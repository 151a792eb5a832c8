"""`DynamicFrameCollection`: frames by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

DynamicFrame = Any  # its module imports this one


class DynamicFrameCollection:
    """Frames by name, the result of transforms that return several.

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-dynamic-frame-collection.html
    """

    def __init__(self, dynamic_frames: Mapping[str, DynamicFrame], glue_ctx: Any) -> None:
        self._frames = dict(dynamic_frames)
        self._glue_ctx = glue_ctx

    def __getitem__(self, key: str) -> DynamicFrame:
        return self._frames[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._frames.keys()

    def values(self) -> ValuesView[DynamicFrame]:
        """Return the frames."""
        return self._frames.values()

    def select(self, key: str, transformation_ctx: str = "") -> DynamicFrame:
        """Return the frame of a name."""
        return self._frames[key]

    def map(
        self, callable: Callable[..., DynamicFrame], transformation_ctx: str = ""
    ) -> DynamicFrameCollection:
        """Return the results of a function of a frame and a transformation context, by the same names."""
        return self._of(
            {
                name: _call(callable, frame, _context(transformation_ctx, name))
                for name, frame in self._items()
            }
        )

    def flatmap(
        self,
        f: Callable[..., DynamicFrame | DynamicFrameCollection],
        transformation_ctx: str = "",
    ) -> DynamicFrameCollection:
        """Return the results of a function in one collection. Names of an inner collection get a prefix."""
        found: dict[str, DynamicFrame] = {}
        for name, frame in self._items():
            result = _call(f, frame, _context(transformation_ctx, name))
            if isinstance(result, DynamicFrameCollection):
                found |= {f"{name}_{inner}": result[inner] for inner in result}
            else:
                found[name] = result
        return self._of(found)

    def _items(self) -> Iterable[tuple[str, DynamicFrame]]:
        return self._frames.items()

    def _of(self, frames: Mapping[str, DynamicFrame]) -> DynamicFrameCollection:
        return DynamicFrameCollection(frames, self._glue_ctx)


def _context(transformation_ctx: str, name: str) -> str:
    return f"{transformation_ctx}_{name}" if transformation_ctx else ""


def _call(function: Callable[..., Any], frame: DynamicFrame, context: str) -> Any:
    """Call a function of a frame and, if it takes two arguments, its transformation context."""
    try:
        inspect.signature(function).bind(frame, context)
    except TypeError:
        return function(frame)
    return function(frame, context)
