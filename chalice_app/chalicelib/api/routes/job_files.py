"""Job files: the scripts and libraries of an environment's job."""

from __future__ import annotations

from collections.abc import Mapping

from chalice.app import Request, Response

from chalicelib import errors
from chalicelib.api import http_request, responses
from chalicelib.api.call import Call
from chalicelib.api.operations import Files, Operations
from chalicelib.api.presenters.jobs import job_file_body, uploaded_file_body
from chalicelib.api.routes.responding import response

operations = Operations("Job files")

# Chalice's path parameters contain no slash, so a path of up to three parts needs three routes. API Gateway
# requires one name for the parameters at one position of all paths ("A sibling ... already has a variable
# path part").
_PATHS = {
    "": "{part1}",
    "_in_folder": "{part1}/{part2}",
    "_in_subfolder": "{part1}/{part2}/{part3}",
}
_UPLOAD_ERRORS = (
    errors.EnvironmentNotReady,
    errors.LearningMode,
    errors.TooManyFiles,
    errors.Conflict,
    errors.PayloadTooLarge,
    errors.UnsupportedMediaType,
    errors.InvalidFields,
    errors.InvalidFile,
)


@operations.add("GET", "/environments/{environment_id}/job/files", returns={200: responses.JobFiles})
def list_job_files(call: Call, environment_id: str) -> responses.JobFiles:
    """List an environment's job files.

    Returns all files, sorted by path.
    """
    environment = call.service.job_files.listing(call.caller, environment_id)
    paths = sorted(environment.job_files)
    return responses.JobFiles(items=[job_file_body(environment, path, call.base) for path in paths])


def get_job_file(call: Call, environment_id: str, **parts: str) -> Response:
    """Download a job file.

    A .zip file requires `Accept: application/zip`.
    """
    path = _path(parts)
    return _download(call.request, path, call.service.job_files.read(call.caller, environment_id, path))


def put_job_file(call: Call, environment_id: str, **parts: str) -> Response:
    """Upload a job file.

    Creates the file (201) or replaces it (200). Requires production mode and a READY environment. Python and
    JSON files must be valid, and zip files must be readable. `warnings` lists what will fail when a run
    reaches it, such as imports of modules that Glue does not provide.
    """
    path, content = _path(parts), http_request.raw_body(call.request)
    environment, is_new = call.service.job_files.write(
        call.caller, environment_id, path, content, call.request_id
    )
    warnings = call.service.job_files.warnings(environment, path, content)
    body = uploaded_file_body(environment, path, call.base, warnings)
    return response(body, 201 if is_new else 200)


for _suffix, _parts in _PATHS.items():
    operations.add(
        "GET",
        f"/environments/{{environment_id}}/job/files/{_parts}",
        name=f"get_job_file{_suffix}",
        returns={200: Files(("text/plain", "application/zip"))},
        errors=(errors.NotAcceptable,),
    )(get_job_file)
    operations.add(
        "PUT",
        f"/environments/{{environment_id}}/job/files/{_parts}",
        name=f"put_job_file{_suffix}",
        returns={200: responses.UploadedJobFile, 201: responses.UploadedJobFile},
        errors=_UPLOAD_ERRORS,
        upload=True,
    )(put_job_file)


@operations.add(
    "PUT",
    "/environments/{environment_id}/job/files/{part1}/{part2}/{part3}/{part4}",
    returns={},
    upload=True,
)
def refuse_deep_job_file(call: Call, environment_id: str, **parts: str) -> Response:
    """Reject a job file in more than two folders.

    Always returns 422, because a path has at most two folders. A deeper path returns 404.
    """
    return put_job_file(call, environment_id, **parts)


def _path(parts: Mapping[str, str]) -> str:
    return "/".join(parts[name] for name in sorted(parts))


def _download(request: Request, path: str, content: bytes) -> Response:
    """Return a file as text, or a .zip as bytes if the request accepts those.

    API Gateway sends bytes in base64 to clients that do not accept their media type.
    """
    name = path.rpartition("/")[2]
    headers: dict[str, str | list[str]] = {"Content-Disposition": f'attachment; filename="{name}"'}
    if not name.endswith(".zip"):
        return Response(content.decode(), headers={**headers, "Content-Type": "text/plain; charset=utf-8"})
    if "application/zip" not in request.headers.get("accept", ""):
        raise errors.NotAcceptable("Request this file with Accept: application/zip.")
    return Response(content, headers={**headers, "Content-Type": "application/zip"})
