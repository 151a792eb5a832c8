"""The package of response models imports each when it is used."""

from __future__ import annotations

import pytest

from chalicelib.api import responses


def test_each_model_comes_from_the_module_that_defines_it() -> None:
    for name, module in responses._MODULES.items():
        model = getattr(responses, name)
        if name.isupper():
            continue
        assert model.__module__ == f"chalicelib.api.responses.{module}", name


def test_an_unknown_model_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Unknown'"):
        _ = responses.Unknown  # type: ignore[attr-defined]
