"""Spark's event log of a run: written to the disk, and copied to S3 as Glue does.

"Every 30 seconds, AWS Glue backs up the Spark event logs to the Amazon S3 path that you specify":
https://docs.aws.amazon.com/glue/latest/dg/monitor-spark-ui-jobs.html. Spark on the laptop writes to the disk,
so that S3 does not slow it down.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.aws.s3_uris import bucket_and_key

_COPY_SECONDS = 5.0
"""Runs on the laptop are shorter than those of Glue."""

_logger = logging.getLogger(__name__)


class EventLogCopy:
    """Copies the event log in a folder to a URI. Does nothing without a URI."""

    def __init__(self, s3: Any, uri: str | None, folder: Path) -> None:
        self._s3 = s3
        self._place = bucket_and_key(uri) if uri else None
        self._folder = folder
        self._copied: dict[Path, int] = {}
        self._at = time.monotonic()

    @property
    def properties(self) -> dict[str, str]:
        """Return Spark's properties that write the log. Creates the folder, which Spark does not."""
        if self._place is None:
            return {}
        self._folder.mkdir(parents=True, exist_ok=True)
        return {"spark.eventLog.enabled": "true", "spark.eventLog.dir": self._folder.as_uri()}

    def copy_when_due(self) -> None:
        """Copy the log if the last copy is some seconds old."""
        if time.monotonic() - self._at >= _COPY_SECONDS:
            self.copy()

    def copy(self) -> None:
        """Copy the files that have grown. A failure does not concern the run."""
        self._at = time.monotonic()
        if self._place is None or not self._folder.is_dir():
            return
        bucket, prefix = self._place
        for path in sorted(self._folder.rglob("*")):
            try:
                size = path.stat().st_size
                if path.name.startswith(".") or not path.is_file() or self._copied.get(path) == size:
                    continue
                key = f"{prefix.rstrip('/')}/{path.relative_to(self._folder)}".lstrip("/")
                self._s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
                self._copied[path] = size
                former = path.with_name(f"{path.name}.inprogress")  # Spark renames it at the end
                if former in self._copied:
                    self._s3.delete_object(Bucket=bucket, Key=f"{key}.inprogress")
                    del self._copied[former]
            except (BotoCoreError, ClientError, OSError) as error:
                _logger.warning("event log not copied: %s", error)
