"""The import of an OpenAPI document ignores `x-amazon-apigateway-binary-media-types`.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-binary-media-types.html
"""

from __future__ import annotations

import inspect
from typing import Any

from ministack.services import apigateway_v1

_EXTENSION = "x-amazon-apigateway-binary-media-types"
_import_rest_api = apigateway_v1._import_rest_api


def needed() -> bool:
    return _EXTENSION not in inspect.getsource(apigateway_v1)


def apply() -> None:
    apigateway_v1._import_rest_api = _imported


def _imported(document: dict[str, Any], settings: dict[str, Any], *others: Any, **more: Any) -> Any:
    types = document.get(_EXTENSION, [])
    return _import_rest_api(document, {**settings, "binaryMediaTypes": types}, *others, **more)
