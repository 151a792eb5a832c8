"""Errors of the deployment commands.

DeploymentError      a sentence for the operator; the command ends with exit code 1
  InvalidInput       the stage file or the command line is invalid; exit code 2
"""

from __future__ import annotations


class DeploymentError(Exception):
    """The command cannot continue. The message states the cause and what to do."""

    exit_code = 1


class InvalidInput(DeploymentError):
    """The stage file or the command line is invalid. Raised before the first call to AWS."""

    exit_code = 2
