"""What moto does anew for every call in `mock_aws`, done once: a third of the time of a small call."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable

import moto.kms.models
import moto.s3.urls
from moto.kms.utils import generate_private_key
from moto.s3.models import S3Backend

from local.moto_patches.patching import replace_methods


def install() -> Callable[[], None]:
    """Put them into moto; gives what takes them away again.

    moto loads the module of S3's URLs for every call of every service, in case a custom endpoint has come,
    and makes an RSA key for every KMS key, also for a symmetric one.
    """
    parts = contextlib.ExitStack()
    parts.callback(replace_methods(S3Backend, {"_url_module": property(lambda _: moto.s3.urls)}))
    made_once = functools.cache(generate_private_key)
    parts.callback(replace_methods(moto.kms.models, {"generate_private_key": made_once}))
    return parts.close
