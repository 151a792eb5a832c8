"""Named queries and prepared statements, in moto's lists. They can be updated and belong to workgroups."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from moto.athena.models import NamedQuery, PreparedStatement

from local.athena.api import Json, Request, page
from local.athena.errors import Refused

_PRIMARY = "primary"
_STATEMENT_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_@:]{0,255}")


def create_named_query(request: Request) -> Json:
    """CreateNamedQuery."""
    group, values = _work_group(request), request.values
    place = f"{group.name}/named"  # a token belongs to one operation
    if known := request.backend.tokens.known(place, values):
        return {"NamedQueryId": known}
    text = values["QueryString"]
    made = NamedQuery(values["Name"], values.get("Description", ""), values["Database"], text, group)
    request.backend.named_queries[made.id] = made
    request.backend.tokens.keep(place, values, made.id)
    return {"NamedQueryId": made.id}


def get_named_query(request: Request) -> Json:
    """GetNamedQuery."""
    return {"NamedQuery": _named(_find_named(request))}


def list_named_queries(request: Request) -> Json:
    """ListNamedQueries."""
    group = _work_group(request)
    ids = [made.id for made in request.backend.named_queries.values() if made.workgroup is group]
    return page(request, "NamedQueryIds", ids)


def batch_get_named_query(request: Request) -> Json:
    """BatchGetNamedQuery."""
    known, ids = request.backend.named_queries, request.values["NamedQueryIds"]
    return {
        "NamedQueries": [_named(known[each]) for each in ids if each in known],
        "UnprocessedNamedQueryIds": [
            _unprocessed("NamedQueryId", each, f"NamedQuery {each} was not found")
            for each in ids
            if each not in known
        ],
    }


def update_named_query(request: Request) -> Json:
    """UpdateNamedQuery."""
    found, values = _find_named(request), request.values
    found.name, found.query_string = values["Name"], values["QueryString"]
    found.description = values.get("Description", found.description)
    return {}


def delete_named_query(request: Request) -> Json:
    """DeleteNamedQuery."""
    del request.backend.named_queries[_find_named(request).id]
    return {}


def create_prepared_statement(request: Request) -> Json:
    """CreatePreparedStatement."""
    group, name = _work_group(request), request.values["StatementName"]
    # https://docs.aws.amazon.com/athena/latest/APIReference/API_CreatePreparedStatement.html
    if not _STATEMENT_NAME.fullmatch(name):
        raise Refused(f"Prepared statement name {name} is not valid.")
    if (group.name, name) in request.backend.prepared_statements:
        raise Refused(f"PreparedStatement {name} already exists in workGroup {group.name}")
    _keep_prepared(request, group)
    return {}


def update_prepared_statement(request: Request) -> Json:
    """UpdatePreparedStatement."""
    _find_prepared(request)
    _keep_prepared(request, _work_group(request))
    return {}


def get_prepared_statement(request: Request) -> Json:
    """GetPreparedStatement."""
    return {"PreparedStatement": _prepared(_find_prepared(request))}


def list_prepared_statements(request: Request) -> Json:
    """ListPreparedStatements."""
    group = _work_group(request)
    found = [_prepared(each) for each in _of_group(request, group).values()]
    shown = [{key: each[key] for key in ("StatementName", "LastModifiedTime")} for each in found]
    return page(request, "PreparedStatements", shown)


def batch_get_prepared_statement(request: Request) -> Json:
    """BatchGetPreparedStatement."""
    group = _work_group(request)
    known, names = _of_group(request, group), request.values["PreparedStatementNames"]
    return {
        "PreparedStatements": [_prepared(known[each]) for each in names if each in known],
        "UnprocessedPreparedStatementNames": [
            _unprocessed("StatementName", each, _not_prepared(each, group.name))
            for each in names
            if each not in known
        ],
    }


def delete_prepared_statement(request: Request) -> Json:
    """DeletePreparedStatement."""
    found = _find_prepared(request)
    del request.backend.prepared_statements[found.workgroup.name, found.statement_name]
    return {}


CALLS: tuple[Callable[[Request], Json], ...] = (
    *(create_named_query, get_named_query, list_named_queries, batch_get_named_query),
    *(update_named_query, delete_named_query, create_prepared_statement, update_prepared_statement),
    *(get_prepared_statement, list_prepared_statements, batch_get_prepared_statement),
    delete_prepared_statement,
)


def _work_group(request: Request) -> Any:
    name = request.values.get("WorkGroup") or _PRIMARY
    group = request.backend.work_groups.get(name)
    if group is None:
        raise Refused(f"WorkGroup {name} is not found.")
    return group


def _find_named(request: Request) -> NamedQuery:
    query_id = request.values["NamedQueryId"]
    found: NamedQuery | None = request.backend.named_queries.get(query_id)
    if found is None:
        raise Refused(f"NamedQuery {query_id} was not found")
    return found


def _named(found: NamedQuery) -> Json:
    return {
        "Name": found.name,
        "Description": found.description or "",
        "Database": found.database,
        "QueryString": found.query_string,
        "NamedQueryId": found.id,
        "WorkGroup": found.workgroup.name,
    }


def _of_group(request: Request, group: Any) -> dict[str, PreparedStatement]:
    items = request.backend.prepared_statements.items()
    return {name: found for (_, name), found in items if found.workgroup is group}


def _find_prepared(request: Request) -> PreparedStatement:
    group, name = _work_group(request), request.values["StatementName"]
    found = _of_group(request, group).get(name)
    if found is None:
        raise Refused(_not_prepared(name, group.name), code="ResourceNotFoundException")
    return found


def _keep_prepared(request: Request, group: Any) -> None:
    values = request.values
    name, text = values["StatementName"], values["QueryStatement"]
    kept = PreparedStatement(name, group, text, values.get("Description", ""))
    kept.last_modified_time = int(time.time())  # type: ignore[assignment]
    request.backend.prepared_statements[group.name, name] = kept


def _prepared(found: PreparedStatement) -> Json:
    return {
        "StatementName": found.statement_name,
        "QueryStatement": found.query_statement,
        "WorkGroupName": found.workgroup.name,
        "Description": found.description or "",
        "LastModifiedTime": found.last_modified_time,
    }


def _not_prepared(name: str, group: str) -> str:
    return f"PreparedStatement {name} was not found in workGroup {group}"


def _unprocessed(key: str, value: str, message: str) -> Json:
    return {key: value, "ErrorCode": "INVALID_INPUT", "ErrorMessage": message}
