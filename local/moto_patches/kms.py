"""KMS with the pages of AWS, and with tags and aliases that count for authorization after five minutes.

"It might take up to five minutes for tag and alias changes to affect KMS key authorization."
(https://docs.aws.amazon.com/kms/latest/developerguide/abac.html)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from moto.kms.models import Key, KmsBackend, kms_backends
from moto.kms.responses import KmsResponse

from local.moto_patches.patching import replace_methods

TAG_DELAY = timedelta(minutes=5)
"""How long a change of a key's tags does not count for authorization."""

_PAGES = {"list_aliases": ("Aliases", 50), "list_keys": ("Keys", 100)}
"""Lists of results and their default page size."""

Clock = Callable[[], datetime]
Tags = dict[str, str]


def install(clock: Clock = lambda: datetime.now(UTC)) -> Callable[[], None]:
    """Install the behavior in moto. Return a function that removes it."""
    undo = [
        replace_methods(KmsResponse, {name: _paged(getattr(KmsResponse, name), name) for name in _PAGES}),
        replace_methods(
            KmsBackend,
            {
                name: _recording(getattr(KmsBackend, name), clock)
                for name in ("create_key", "tag_resource", "untag_resource")
            },
        ),
        replace_methods(Key, {"clock": staticmethod(clock)}),
    ]

    def remove() -> None:
        for each in undo:
            each()

    return remove


def let_tags_count() -> None:
    """Make all present tags count for authorization now, as if they were old."""
    for account in kms_backends.values():
        for backend in account.values():
            for key in backend.keys.values():
                for number, (_, tags) in enumerate(history := vars(key).get("tag_history", [])):
                    history[number] = datetime.min.replace(tzinfo=UTC), tags


def effective_tags(backend: KmsBackend, key: Key) -> Tags:
    """Return the tags of a key that count for authorization now."""
    history: list[tuple[datetime, Tags]] | None = vars(key).get("tag_history")
    if history is None:  # the patch was not installed when the key was created
        return backend.tagger.get_tag_dict_for_resource(key.id)
    until = key.clock() - TAG_DELAY  # type: ignore[attr-defined]
    return next((tags for moment, tags in reversed(history) if moment <= until), {})


def _recording(method: Callable[..., Any], clock: Clock) -> Callable[..., Any]:
    """Return a method that records the tags of its key after the call."""

    @wraps(method)
    def recorded(self: KmsBackend, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        named = args[0] if args else kwargs.get("arn", "")
        key = result if isinstance(result, Key) else self.keys[self.any_id_to_key_id(named)]
        history = vars(key).setdefault("tag_history", [])
        history.append((clock(), self.tagger.get_tag_dict_for_resource(key.id)))
        return result

    return recorded


def _paged(method: Callable[[KmsResponse], str], name: str) -> Callable[[KmsResponse], str]:
    """Return a list operation with `Limit`, `Marker` and `Truncated`.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html
    """
    kind, default = _PAGES[name]

    @wraps(method)
    def paged(self: KmsResponse) -> str:
        found = json.loads(method(self))[kind]
        begin = int(self._get_param("Marker") or 0)
        end = begin + int(self._get_param("Limit") or default)
        more = {"NextMarker": str(end)} if end < len(found) else {}
        return json.dumps({kind: found[begin:end], "Truncated": bool(more), **more})

    return paged
