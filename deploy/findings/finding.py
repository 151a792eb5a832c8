"""A finding of `make plan`: what in an AWS account stops or limits the service."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters. `BLOCKS`: the deployment or every sandbox fails."""

    BLOCKS = "blocks"
    LIMITS = "limits"
    ADVICE = "advice"


@dataclass(frozen=True)
class Finding:
    """What is wrong, why it matters, what to do, and the URL of AWS's document."""

    severity: Severity
    title: str
    detail: str
    fix: str
    document: str

    @property
    def is_blocking(self) -> bool:
        """Return whether the deployment, or every sandbox, fails."""
        return self.severity is Severity.BLOCKS

    @property
    def text(self) -> str:
        """Return the finding as the commands show it."""
        label = {Severity.BLOCKS: "Problem", Severity.LIMITS: "Limit", Severity.ADVICE: "Note"}[self.severity]
        return f"{label}: {self.title}\n  {self.detail}\n  {self.fix}\n  {self.document}"
