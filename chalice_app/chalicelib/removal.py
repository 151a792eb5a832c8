"""What removing an environment asks of AWS: its runs, its objects, its stack, its logs; and the proof."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.buckets import Buckets
from chalicelib.keys import Keys
from chalicelib.logs import Logs
from chalicelib.records import BUCKET_KEYS, Environment, Json
from chalicelib.releases import Releases
from chalicelib.runs import Runs
from chalicelib.stacks import Stack, Stacks


class Removal:
    """Every method can be repeated without harm."""

    def __init__(
        self,
        *,
        stacks: Stacks,
        buckets: Buckets,
        logs: Logs,
        keys: Keys,
        releases: Releases,
        runs: Runs,
    ) -> None:
        self._stacks = stacks
        self._buckets = buckets
        self._logs = logs
        self._keys = keys
        self._releases = releases
        self._runs = runs

    def look(self, environment: Environment) -> Stack | None:
        """The environment's stack as it is now; None when there never was one."""
        return self._stacks.find(environment.stack_id or environment.name)

    def prepare(self, environment: Environment) -> Iterator[bool]:
        """Stop the runs and empty the buckets, so that the stack can be deleted.

        Gives True after each slice of work, and False (and ends) while a run still has to stop.
        """
        if not self._runs.stop_all(environment):
            yield False
            return
        for key in BUCKET_KEYS:
            for _ in self._buckets.empty(environment.bucket(key)):
                yield True

    def delete_stack(self, environment: Environment, stack: Stack) -> None:
        """Start deleting the stack; the version makes each attempt a new one to CloudFormation."""
        self._stacks.delete(stack.id, token=f"delete-{environment.id}-{environment.version}")

    def receipt(self, environment: Environment) -> Json:
        """Remove what is outside the stack, then say what was removed and what remains, and why."""
        # A run that ended late may have made a log group again after the stack had removed it.
        groups = self._logs.remove_groups(f"/aws-glue/jobs/{environment.name}")
        self._releases.remove_template(environment)
        last = self._stacks.resources(environment.stack_id) if environment.stack_id else {}
        removed: list[Json] = []
        remaining: list[Json] = []
        for logical_id, resource in sorted(last.items()):
            entry = {"type": resource["type"], "logical_id": logical_id}
            if resource["status"] == "DELETE_COMPLETE":
                removed.append(entry)
            else:
                remaining.append({**entry, "why": resource.get("reason") or resource["status"]})
        if groups:
            removed.append(
                {"type": "AWS::Logs::LogGroup", "count": groups, "why": "made again after the stack"}
            )
        key_arn = (environment.outputs or {}).get("kms_key_arn")
        gone_at = self._keys.removal_date(key_arn) if key_arn else None
        if gone_at and not environment.settings["kms_key_arn"]:
            why = "AWS keeps a deleted key for a waiting period, in which it cannot be used."
            remaining.append({"type": "AWS::KMS::Key", "id": key_arn, "why": why, "until": gone_at})
        return {"removed": removed, "remaining": remaining}
