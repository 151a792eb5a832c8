"""Operations of the API: each declares what validates its requests and what `/openapi.json` publishes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack, get_type_hints

from pydantic import BaseModel

from chalicelib.domain.settings import Limits
from chalicelib.errors import ServiceError

View = Callable[..., Any]
CombinationCheck = Callable[[Any, Limits], list[dict[str, str]]]
"""Returns what is invalid in a body whose fields are valid alone, as `pointer` and `detail`."""


@dataclass(frozen=True)
class Files:
    """A response that is a file of one of these media types."""

    media_types: tuple[str, ...]


Returns = Mapping[int, type[BaseModel] | Files | None]
"""Bodies of successful responses by status. A 204 has none."""


@dataclass(frozen=True)
class Operation:
    """One method of one path, with the view that handles it."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    description: str
    view: View
    returns: Returns
    errors: tuple[type[ServiceError], ...] = ()
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    upload: tuple[str, ...] = ()
    public: bool = False
    idempotent: bool = False
    links: tuple[str, ...] = ()
    cost: int = 0
    csv: bool = False
    invalid_combinations: CombinationCheck | None = None

    @property
    def route(self) -> str:
        """Return method and path."""
        return f"{self.method} {self.path}"


class Options(TypedDict, total=False):
    """Fields of an operation that have defaults."""

    errors: tuple[type[ServiceError], ...]
    upload: tuple[str, ...]
    public: bool
    idempotent: bool
    links: tuple[str, ...]
    cost: int
    csv: bool
    invalid_combinations: CombinationCheck


@dataclass(frozen=True)
class Operations:
    """The operations of one tag. `RestApi.register` makes routes of them."""

    tag: str
    all: list[Operation] = field(default_factory=list)

    def add(
        self, method: str, path: str, *, returns: Returns, name: str | None = None, **options: Unpack[Options]
    ) -> Callable[[View], View]:
        """Decorate a view: `view(call, **path parameters, [query], [body])`.

        A view returns a model, which is sent with the first status of `returns`, or a Response. The models
        that its parameters `query` and `body` are annotated with validate the request. The first line of its
        docstring is the operation's summary, the rest the description. `name`, the operation ID, is the
        view's name by default. `upload` lists the media types of a body that is a file.

        `cost` is what a call takes out of the caller's limit (storage/rate_limits.py): by default 0 for GET
        and 1 for other methods. Declare it for a GET that computes something, and for a call that does the
        work of several.
        """

        def add(view: View) -> View:
            hints = get_type_hints(view)
            given: Options = {"cost": 0 if method == "GET" else 1, **options}
            summary, _, description = (inspect.getdoc(view) or "").partition("\n\n")
            self.all.append(
                Operation(
                    method=method,
                    path=path,
                    name=name or view.__name__,
                    tag=self.tag,
                    summary=summary.rstrip("."),
                    description=description,
                    view=view,
                    returns=returns,
                    query=hints.get("query"),
                    body=hints.get("body"),
                    **given,
                )
            )
            return view

        return add
