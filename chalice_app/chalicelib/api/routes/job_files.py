"""Job files: the scripts and libraries of an environment's jobs."""

from __future__ import annotations

from collections.abc import Mapping

from chalice.app import Request, Response

from chalicelib import errors
from chalicelib.api import http_request, responses
from chalicelib.api.call import Call
from chalicelib.api.operations import Files, Operations
from chalicelib.api.presenters.environments import warnings_body
from chalicelib.api.presenters.jobs import job_file_body, uploaded_file_body
from chalicelib.api.query_parameters import FolderQuery
from chalicelib.api.routes.responding import response
from chalicelib.domain.environment import Environment
from chalicelib.domain.setting_types import MAX_FOLDERS
from chalicelib.services.job_file_writes import Precondition

operations = Operations("Job files")

# Each depth of folders is a path of its own (routes/__init__.py).
_PARTS = [f"{{part{number}}}" for number in range(1, MAX_FOLDERS + 3)]
_PATHS = {
    {0: "", 1: "_in_folder", 2: "_in_subfolder"}.get(folders, f"_in_{folders}_folders"): "/".join(
        _PARTS[: folders + 1]
    )
    for folders in range(MAX_FOLDERS + 1)
}
ARCHIVES = {
    "application/zip": "zip",
    "application/x-tar": "tar",
    "application/gzip": "tar",
    "application/x-gzip": "tar",
}
"""Kind of the archive by media type. Chalice must know them as binary (app.py)."""
_BYTES = ("application/octet-stream",)
_BINARY = (".zip", ".whl")
_CHANGE_ERRORS = (
    errors.EnvironmentNotReady,
    errors.EnvironmentFrozen,
    errors.LearningMode,
    errors.Conflict,
)
_UPLOAD_ERRORS = (
    *_CHANGE_ERRORS,
    errors.TooManyFiles,
    errors.PayloadTooLarge,
    errors.UnsupportedMediaType,
    errors.InvalidFile,
)


@operations.add("GET", "/environments/{environment_id}/job/files", returns={200: responses.JobFiles})
def list_job_files(call: Call, environment_id: str) -> responses.JobFiles:
    """List an environment's job files.

    Returns all files, sorted by path.
    """
    return responses.JobFiles(items=_items(call, call.service.job_files.listing(call.caller, environment_id)))


@operations.add(
    "PUT",
    "/environments/{environment_id}/job/files",
    returns={200: responses.FolderUpload},
    errors=(*_UPLOAD_ERRORS, errors.JobFileInUse),
    upload=(*ARCHIVES,),
    cost=5,
)
def put_job_folder(call: Call, environment_id: str, query: FolderQuery) -> responses.FolderUpload:
    """Upload a folder of job files.

    The body is a zip or tar archive of at most 4 MiB, and its paths become the paths of the job files. All
    files are written at once, or none if one is invalid: then `errors` lists every error with its file. Files
    with unchanged content stay as they are. Requires production mode and a READY environment.
    """
    media_type = (call.request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if media_type not in ARCHIVES:
        raise errors.UnsupportedMediaType(f"Send an archive, as Content-Type: {', '.join(ARCHIVES)}.")
    done = call.service.job_files.write_folder(
        *(call.caller, environment_id, ARCHIVES[media_type], http_request.raw_body(call.request)),
        call.request_id,
        replace=query.replace == "true",
    )
    return responses.FolderUpload(
        items=_items(call, done.environment),
        added=done.added,
        replaced=done.replaced,
        removed=done.removed,
        skipped=done.skipped,
        warnings=warnings_body(done.warnings),
    )


def get_job_file(call: Call, environment_id: str, **parts: str) -> Response:
    """Download a job file.

    A .zip or .whl file requires `Accept: application/zip`.
    """
    path = _path(parts)
    return _download(call.request, path, call.service.job_files.read(call.caller, environment_id, path))


def put_job_file(call: Call, environment_id: str, **parts: str) -> Response:
    """Upload a job file.

    Creates the file (201) or replaces it (200). Requires production mode and a READY environment. Python and
    JSON files must be valid, and .zip and .whl files must be readable. `warnings` lists what will fail when a
    run reaches it, such as imports of modules that Glue does not provide.
    """
    path, content = _path(parts), http_request.raw_body(call.request)
    environment, is_new = call.service.job_files.write(
        *(call.caller, environment_id, path, content, call.request_id), _precondition(call.request)
    )
    warnings = call.service.job_files.warnings(environment, path, content)
    body = uploaded_file_body(environment, path, call.base, warnings)
    return response(body, 201 if is_new else 200)


def delete_job_file(call: Call, environment_id: str, **parts: str) -> Response:
    """Delete a job file.

    Requires production mode and a READY environment. Returns 409 if the settings of a job name the file, and
    404 if it does not exist, also if it was deleted before.
    """
    call.service.job_files.remove(
        *(call.caller, environment_id, _path(parts), call.request_id), _precondition(call.request)
    )
    return Response("", status_code=204)


for _suffix, _parts in _PATHS.items():
    _path_of_file = f"/environments/{{environment_id}}/job/files/{_parts}"
    operations.add(
        "GET",
        _path_of_file,
        name=f"get_job_file{_suffix}",
        returns={200: Files(("text/plain", "application/zip"))},
        errors=(errors.NotAcceptable,),
    )(get_job_file)
    operations.add(
        "PUT",
        _path_of_file,
        name=f"put_job_file{_suffix}",
        returns={200: responses.UploadedJobFile, 201: responses.UploadedJobFile},
        errors=(*_UPLOAD_ERRORS, errors.InvalidFields, errors.PreconditionFailed),
        upload=_BYTES,
    )(put_job_file)
    operations.add(
        "DELETE",
        _path_of_file,
        name=f"delete_job_file{_suffix}",
        returns={204: None},
        errors=(*_CHANGE_ERRORS, errors.JobFileInUse, errors.PreconditionFailed),
    )(delete_job_file)


@operations.add(
    "PUT",
    f"/environments/{{environment_id}}/job/files/{'/'.join(_PARTS)}",
    returns={},
    upload=_BYTES,
)
def refuse_deep_job_file(call: Call, environment_id: str, **parts: str) -> Response:
    """Reject a job file in more than seven folders.

    Always returns 422, because a path has at most seven folders. A deeper path returns 404.
    """
    return put_job_file(call, environment_id, **parts)


def _items(call: Call, environment: Environment) -> list[responses.JobFile]:
    return [job_file_body(environment, path, call.base) for path in sorted(environment.job_files)]


def _path(parts: Mapping[str, str]) -> str:
    return "/".join(parts[name] for name in sorted(parts))


def _precondition(request: Request) -> Precondition:
    tags = request.headers.get("if-match", "").split(",")
    return Precondition(
        digests=[tag.strip().strip('"') for tag in tags if tag.strip()],
        is_new=request.headers.get("if-none-match", "").strip() == "*",
    )


def _download(request: Request, path: str, content: bytes) -> Response:
    """Return a file as text, or an archive as bytes if the request accepts those.

    API Gateway sends bytes in base64 to clients that do not accept their media type.
    """
    name = path.rpartition("/")[2]
    headers: dict[str, str | list[str]] = {"Content-Disposition": f'attachment; filename="{name}"'}
    if not name.endswith(_BINARY):
        return Response(content.decode(), headers={**headers, "Content-Type": "text/plain; charset=utf-8"})
    if "application/zip" not in request.headers.get("accept", ""):
        raise errors.NotAcceptable("Request this file with Accept: application/zip.")
    return Response(content, headers={**headers, "Content-Type": "application/zip"})
