"""The SAM transform gets no parameter values, so it cannot resolve `AutoPublishCodeSha256: {"Ref": ...}`."""

from __future__ import annotations

import inspect
from contextvars import ContextVar
from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers
from samtranslator.translator import transform

_apply_transforms = engine._apply_transforms
_translate = transform.transform
_values: ContextVar[dict[str, str]] = ContextVar("_values")


def needed() -> bool:
    return "_sam_transform(copy.deepcopy(template), {}," in inspect.getsource(engine._apply_transforms)


def apply() -> None:
    transform.transform = _translated
    for module in (changesets, engine, handlers):
        module._apply_transforms = _transformed


def _transformed(template: Any, provided_params: Any = None, previous_params: Any = None) -> Any:
    token = _values.set(engine._transform_parameters(template, provided_params, previous_params))
    try:
        return _apply_transforms(template, provided_params, previous_params)
    finally:
        _values.reset(token)


def _translated(template: Any, _parameters: Any, *others: Any) -> Any:
    return _translate(template, _values.get(), *others)
