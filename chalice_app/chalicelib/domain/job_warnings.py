"""Warnings about jobs: what will fail when a run reaches it, known when it is set."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from chalicelib.domain.glue_modules import import_name, is_in_awsglue, is_provided
from chalicelib.domain.json_types import Json
from chalicelib.domain.settings import JobSettings, Settings

_ARCHIVES = (".zip", ".whl")
MOST_WARNINGS = 20
_SHOWN_LETTERS = 100


@dataclass(frozen=True)
class JobWarning:
    """A warning. `code` is for programs, `line` the line of the file or None."""

    code: str
    detail: str
    line: int | None = None


def settings_warnings(settings: Settings, unsupported: Collection[str]) -> list[JobWarning]:
    """Return the warnings about an environment's settings.

    `unsupported` names what runs of this installation do not support (`Config.unsupported_features`).
    """
    given = {name: None for job in settings.all_jobs for name, value in job.arguments.items() if value}
    return [_unsupported(name, None) for name in given if f"argument:{name}" in unsupported]


def file_warnings(
    job: JobSettings, files: Collection[str], read: Json, unsupported: Collection[str]
) -> list[JobWarning]:
    """Return the warnings about a Python file of a job.

    `files` are the paths of all job files. `read` is what `script_reader` found in the file.
    """
    found = {warning: None for warning in [*_modules(job, files, read), *_features(read, unsupported)]}
    return sorted(found, key=lambda warning: warning.line or 0)[:MOST_WARNINGS]


def _modules(job: JobSettings, files: Collection[str], read: Json) -> Iterator[JobWarning]:
    for module, name, line in read["names"]:
        if not is_in_awsglue(module, name):
            detail = f"Glue's {_cut(module)} has no {_cut(name)}."
            yield JobWarning("unknown_name", detail, line)
    if any(path.endswith(_ARCHIVES) for path in job.extra_files):  # their modules are not known
        return
    imported = {module.partition(".")[0]: line for module, line in reversed(read["imports"])}
    installed = {import_name(requirement) for requirement in job.python_modules}
    own = {part.removesuffix(".py") for path in files for part in path.split("/")}
    if installed - imported.keys():  # a package whose modules have another name than the package
        return
    for module, line in imported.items():
        if not (is_provided(module, job.glue_version) or module in installed or module in own):
            yield JobWarning(
                "unknown_module",
                f"Glue {job.glue_version} does not provide the module {_cut(module)}. Add its package to "
                "job.python_modules, or upload the module as a job file.",
                line,
            )


def _cut(name: str) -> str:
    """Return a name of the script, which can have a megabyte, for a response of at most 6 MB."""
    return name if len(name) <= _SHOWN_LETTERS else f"{name[:_SHOWN_LETTERS]}..."


def _features(read: Json, unsupported: Collection[str]) -> Iterator[JobWarning]:
    for feature, line in read["features"]:
        if feature in unsupported:
            kind, _, name = feature.partition(":")
            what = {"connection": "connections of type", "format": "the format"}.get(kind, "Spark's format")
            yield _unsupported(f"{what} {name}", line)


def _unsupported(what: str, line: int | None) -> JobWarning:
    return JobWarning("unsupported_feature", f"Runs of this service do not support {what}.", line)
