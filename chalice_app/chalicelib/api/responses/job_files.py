"""Job files in responses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.api.responses.base import EXAMPLE_ENVIRONMENT, JobWarning, Link, ResponseBody, Time
from chalicelib.domain.job_warnings import MOST_WARNINGS


class JobFileLinks(ResponseBody):
    """Links of a job file."""

    self: Annotated[
        Link,
        Field(
            description="Content of the file.", examples=[f"{EXAMPLE_ENVIRONMENT}/job/files/sot_ecommerce.py"]
        ),
    ]


class JobFile(ResponseBody):
    """A file of an environment's job: a script, a library or a file that they read."""

    path: Annotated[str, Field(description="Path, with up to seven folders.", examples=["sot_ecommerce.py"])]
    size_bytes: Annotated[int, Field(ge=0, description="Size in bytes.", examples=[17204])]
    sha256: Annotated[
        str, Field(description="SHA-256 of the content.", pattern="^[0-9a-f]{64}$", examples=["5f" * 32])
    ]
    changed_by: Annotated[str, Field(description="Name of the user, or `release`.", examples=["release"])]
    changed_by_type: Annotated[
        Literal["user", "release"],
        Field(description="Whether a user or the release wrote the file.", examples=["release"]),
    ]
    changed_at: Annotated[Time, Field(description="When the file was written.")]
    links: Annotated[JobFileLinks, Field(description="Related resources.")]


class UploadedJobFile(JobFile):
    """A job file after its upload, with warnings about its content."""

    warnings: Annotated[
        list[JobWarning],
        Field(
            description="Imports and features of a .py file that will fail when a run reaches them, at most "
            f"{MOST_WARNINGS}. The file is stored."
        ),
    ]


class JobFiles(ResponseBody):
    """All files of an environment's job, sorted by path."""

    items: Annotated[list[JobFile], Field(description="The files.")]


class FolderUpload(JobFiles):
    """All files of an environment's job after the upload of a folder, and the paths that it changed."""

    added: Annotated[list[str], Field(description="Paths of new files.", examples=[["sot_ecommerce.py"]])]
    replaced: Annotated[list[str], Field(description="Paths of files with other content.", examples=[[]])]
    removed: Annotated[
        list[str], Field(description="Paths of removed files, with `replace`.", examples=[["old.py"]])
    ]
    skipped: Annotated[
        list[str],
        Field(
            description="Entries that macOS, Windows, Python or git created, such as `__pycache__`.",
            examples=[["__MACOSX/._sot_ecommerce.py"]],
        ),
    ]
    warnings: Annotated[
        list[JobWarning],
        Field(description="The warnings of `PUT` of one file, at most 20. `detail` begins with the path."),
    ]
