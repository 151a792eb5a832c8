"""Caches for work that moto repeats on every call in `mock_aws`, a third of the time of a small call."""

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
    """Install the caches in moto. Return a function that removes them.

    moto imports the module of S3's URLs for every call of every service, in case a custom endpoint was added,
    and generates an RSA key for every KMS key, even a symmetric one.
    """
    parts = contextlib.ExitStack()
    parts.callback(replace_methods(S3Backend, {"_url_module": property(lambda _: moto.s3.urls)}))
    made_once = functools.cache(generate_private_key)
    parts.callback(replace_methods(moto.kms.models, {"generate_private_key": made_once}))
    return parts.close
