"""Pinned Python packages of the service, of its deployment and of its development."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

REQUIREMENTS = tuple(
    ROOT / name
    for name in ("chalice_app/requirements.txt", "deploy/requirements.txt", "requirements-dev.txt")
)


def pinned() -> list[str]:
    """Return every pin of the requirement files, such as `boto3==1.40.0`."""
    lines = [line.strip() for file in REQUIREMENTS for line in file.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith(("#", "-r"))]
