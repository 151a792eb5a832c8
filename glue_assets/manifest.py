"""A built release, and its manifest: everything that the service knows about a release."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glue_assets.tables import Column, Table
from glue_assets.template_builder import Resource, definition, storage


@dataclass(frozen=True)
class ReleaseFile:
    """A file of the release at `path`, copied to `key` in the bucket `target`. `size` is in bytes."""

    path: str
    target: str
    key: str
    size: int
    sha256: str
    source: Path


@dataclass(frozen=True)
class Release:
    """A built release. `template` is the complete template as text."""

    version: str
    notes: str
    template: str
    files: tuple[ReleaseFile, ...]
    tables: tuple[Table, ...]
    resources: tuple[Resource, ...]

    @property
    def sha256(self) -> str:
        """Hash of the manifest without `release` and `sha256`."""
        text = json.dumps(self._content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def id(self) -> str:
        """ID of the release."""
        return f"{self.version}-{self.sha256[:12]}"

    @property
    def manifest(self) -> dict[str, Any]:
        """Content of `manifest.json`."""
        return {"release": self.id, "sha256": self.sha256, **self._content()}

    def _content(self) -> dict[str, Any]:
        template = self.template.encode()
        return {
            "version": self.version,
            "notes": self.notes,
            "template": {
                "path": "template.yaml",
                "size": len(template),
                "sha256": hashlib.sha256(template).hexdigest(),
            },
            "files": [
                {"path": f.path, "target": f.target, "key": f.key, "size": f.size, "sha256": f.sha256}
                for f in self.files
            ],
            "tables": [
                {
                    "database": table.database,
                    "table": table.name,
                    "format": table.format,
                    "columns": [_shown(column) for column in table.columns],
                    "partition_keys": [_shown(key) for key in table.partition_keys],
                    "rows": table.rows,
                    "bytes": table.size,
                    "files": len(table.files),
                    "original_files": len(table.originals),
                    "decisions": list(table.decisions),
                    **({"description": table.description} if table.description else {}),
                    "definition": definition(table),
                    **(_partitions(table) if table.partitions else {}),
                }
                for table in self.tables
            ],
            "resources": [
                {"logical_id": resource.logical_id, "type": resource.type, "when": resource.when}
                for resource in self.resources
            ],
        }


def _shown(column: Column) -> dict[str, str]:
    comment = {"comment": column.comment} if column.comment else {}
    return {"name": column.name, "type": column.type, **comment}


def _partitions(table: Table) -> dict[str, Any]:
    """Return what the service needs to register partitions, which are too many for resources of a stack."""
    folder = f"{table.database}/{table.name}"
    found = [{"values": list(p.values), "path": f"{folder}/{p.path}"} for p in table.partitions]
    return {"partitions": found, "storage": storage(table)}
