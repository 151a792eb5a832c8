"""The parameters that all transforms share.

`transformation_ctx` names the state of a job bookmark, which only readers and writers have. `info` is a text
of the error records, and a threshold is a number of errors above which the job fails (0: no threshold).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

_COMMON = inspect.signature(
    lambda transformation_ctx="", info="", stageThreshold=0, totalThreshold=0: None
).parameters


def transform(method: Callable[..., Any]) -> Callable[..., Any]:
    """Add the shared parameters to a method of a frame, and make a frame of the DataFrame that it returns."""
    own = inspect.signature(method).parameters
    given = [parameter for parameter in own.values() if parameter.kind is not parameter.VAR_KEYWORD]
    open_ended = [parameter for parameter in own.values() if parameter.kind is parameter.VAR_KEYWORD]
    added = [parameter for name, parameter in _COMMON.items() if name not in own]
    signature = inspect.Signature([*given, *added, *open_ended])

    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        values = dict(bound.arguments)
        options = {name: option for found in open_ended for name, option in values.pop(found.name).items()}
        result = method(**{name: value for name, value in values.items() if name in own}, **options)
        frame = values["self"]
        sources = [value for value in values.values() if isinstance(value, type(frame))]
        return frame._next(
            result, sources, values["info"], values["stageThreshold"], values["totalThreshold"]
        )

    wrapper.__signature__ = signature  # type: ignore[attr-defined]
    return wrapper


def shared(call: Callable[..., Any]) -> Callable[..., Any]:
    """Replace `**common` of a function by the shared parameters."""
    own = [parameter for name, parameter in inspect.signature(call).parameters.items() if name != "common"]
    signature = inspect.Signature([*own, *_COMMON.values()])

    @functools.wraps(call)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return call(**signature.bind(*args, **kwargs).arguments)

    wrapper.__signature__ = signature  # type: ignore[attr-defined]
    return wrapper
