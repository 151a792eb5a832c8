"""Manual deletions: deletes resources of READY environments without the service, as a console user would."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from local.chaos.world import World
from local.setup.bootstrap import TABLE

_PROBABILITY = 0.04
"""Probability of a manual deletion for each request to the service."""
_OBJECTS = ("Versions", "DeleteMarkers")


class ManualDeletes:
    """Deletes at random.

    `deleted` describes the deletions. `last` is the time of the last one, in simulated seconds.
    """

    def __init__(self, world: World, seed: int) -> None:
        self.deleted: list[str] = []
        self.last: float | None = None
        self._world = world
        self._rng = random.Random(f"hand {seed}")  # noqa: S311 - for a simulation
        self._kinds: list[tuple[str, Callable[[str], None]]] = [
            ("stack", self._stack),
            ("empty stack", self._empty_stack),
            ("job", self._job),
            ("bucket", self._bucket),
            ("role", self._role),
        ]

    def act(self) -> None:
        """Delete something, with a probability of `_PROBABILITY`."""
        if self._rng.random() < _PROBABILITY:
            self._world.simulation.later(0, "hand", self._delete)

    def _delete(self) -> None:
        ready = sorted(self._ready())
        if not ready:
            return
        environment_id = self._rng.choice(ready)
        kind, delete = self._rng.choice(self._kinds)
        self.last = self._world.simulation.seconds
        self.deleted.append(f"{kind} of {environment_id}")
        self._world.note(self.deleted[-1])
        delete(environment_id)

    def _ready(self) -> list[str]:
        pages = self._world.clients("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
        items = [item for page in pages for item in page["Items"]]
        return [item["id"]["S"] for item in items if item.get("gsi_status", {}).get("S") == "READY"]

    def _empty_stack(self, environment_id: str) -> None:
        for bucket in self._buckets(environment_id):
            self._empty(bucket)
        self._stack(environment_id)

    def _stack(self, environment_id: str) -> None:
        """Delete a stack. If its buckets contain data, the deletion fails and leaves a partial stack."""
        cloudformation = self._world.clients("cloudformation")
        try:
            cloudformation.delete_stack(StackName=f"terraglue-{environment_id}")
        except cloudformation.exceptions.ClientError:  # an update has just started
            self.deleted.pop()

    def _job(self, environment_id: str) -> None:
        glue = self._world.clients("glue")
        for name in glue.list_jobs()["JobNames"]:
            if name.startswith(f"terraglue-{environment_id}-"):
                glue.delete_job(JobName=name)

    def _bucket(self, environment_id: str) -> None:
        if buckets := self._buckets(environment_id):
            bucket = self._rng.choice(buckets)
            self._empty(bucket)
            self._world.clients("s3").delete_bucket(Bucket=bucket)

    def _role(self, environment_id: str) -> None:
        iam = self._world.clients("iam")
        try:
            iam.delete_role(RoleName=f"terraglue-{environment_id}-glue-job")
        except iam.exceptions.NoSuchEntityException:
            self.deleted.pop()  # deleted before

    def _buckets(self, environment_id: str) -> list[str]:
        found = self._world.clients("s3").list_buckets()["Buckets"]
        return sorted(b["Name"] for b in found if b["Name"].startswith(f"terraglue-{environment_id}-"))

    def _empty(self, bucket: str) -> None:
        s3 = self._world.clients("s3")
        listed: Any = s3.list_object_versions(Bucket=bucket)
        for version in [each for kind in _OBJECTS for each in listed.get(kind, [])]:
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
