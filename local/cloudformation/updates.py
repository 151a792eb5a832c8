"""Updates of stacks: creates, changes and replaces resources, then removes old ones or rolls back.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from local.cloudformation import resources
from local.cloudformation.changes import same_property
from local.cloudformation.parameters import TemplateError
from local.cloudformation.provisioner import Provisioner, Tools, reason_of
from local.cloudformation.resources import Former, Json
from local.cloudformation.schemas import schema
from local.cloudformation.stack import Earlier, Resource, Stack

_ATTEMPTS = 3
"""Attempts to delete the leftovers of an update before they are abandoned.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
"""
_NEW = "Requested update requires the creation of a new physical resource; hence creating one."
_CUSTOM = (
    "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
    "Rename {} and update the stack again."
)
_ORPHANS = "Update successful. One or more resources could not be deleted."


class Update:
    """The update of a stack whose new version is already set. Resources in `gone` are created again."""

    def __init__(self, stack: Stack, tools: Tools, pause: float, gone: frozenset[str] = frozenset()) -> None:
        self._stack = stack
        self._gone = gone
        self._provisioner = Provisioner(stack, tools, pause)

    def run(self) -> None:
        """Update the stack to its new version, or roll back."""
        stack, earlier = self._stack, self._earlier
        for logical_id in stack.order:
            if stack.cancel_requested:
                self._fail("User Initiated")
                return
            if failure := self._step(logical_id):
                self._fail(failure)
                return
        try:
            outputs = stack.template.outputs(self._provisioner.placed())
        except TemplateError as error:
            self._fail(str(error))
            return
        with stack.lock:
            stack.outputs = outputs
            removed = [r for name, r in stack.resources.items() if name not in stack.template.resources]
            for resource in removed:
                del stack.resources[resource.logical_id]
                stack.leftovers.append(resource)
        stack.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        orphans = self._clean_up(earlier.version.order)
        stack.set_status("UPDATE_COMPLETE", _ORPHANS if orphans else None)

    def roll_back(self, skip: Collection[str] = ()) -> None:
        """Roll back to the earlier version. Resources in `skip` count as restored."""
        stack, earlier = self._stack, self._earlier
        stack.version = earlier.version
        for old in [earlier.resources[name] for name in stack.order if name in earlier.resources]:
            if not self._restore(stack.resources[old.logical_id], old, skipped=old.logical_id in skip):
                reason = f"The following resource(s) failed to update: [{old.logical_id}]. "
                stack.set_status("UPDATE_ROLLBACK_FAILED", reason)
                return
        with stack.lock:
            for name in stack.resources.keys() - earlier.resources.keys():
                stack.leftovers.append(stack.resources.pop(name))
        stack.set_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        for resource in stack.leftovers:
            resource.undo_creation()
        self._clean_up(earlier.next_order)
        stack.set_status("UPDATE_ROLLBACK_COMPLETE")

    @property
    def _earlier(self) -> Earlier:
        assert self._stack.earlier is not None  # noqa: S101 - an update has begun
        return self._stack.earlier

    def _fail(self, reason: str) -> None:
        self._stack.set_status("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        self.roll_back()

    def _step(self, logical_id: str) -> str | None:
        """Update one resource to the new version. Return the reason if the stack must roll back."""
        stack = self._stack
        current = stack.resources.get(logical_id)
        if current is None or logical_id in self._gone:
            resource = self._provisioner.create_resource(logical_id)
            failed = resource.status == "CREATE_FAILED"
            return f"The following resource(s) failed to create: [{logical_id}]. " if failed else None
        failure = self._change(current)
        if failure is None:
            return None
        stack.set_resource(current, "UPDATE_FAILED", failure)
        return f"The following resource(s) failed to update: [{logical_id}]. "

    def _change(self, current: Resource) -> str | None:
        stack, declared = self._stack, self._stack.template.resources[current.logical_id]
        before = self._earlier.version.template.resources[current.logical_id]
        try:
            properties = stack.template.properties(current.logical_id, self._provisioner.placed())
        except Exception as error:  # any error is the resource's failure
            return reason_of(error)
        current.deletion_policy = declared.get("DeletionPolicy", "Delete")
        if _is_replaced(current, properties):
            return self._replace(current, properties)
        if _differs(current, properties, stack.tags) or before.get("Metadata") != declared.get("Metadata"):
            return self._update(current, properties, stack.tags)
        return None

    def _replace(self, current: Resource, properties: Json) -> str | None:
        """Create a replacement of a resource, which is kept until the whole update has succeeded."""
        stack, logical_id = self._stack, current.logical_id
        own_name = schema(current.type).custom_name(properties)
        if own_name is not None and own_name == schema(current.type).custom_name(current.properties):
            return _CUSTOM.format(current.physical_id)
        stack.set_resource(current, "UPDATE_IN_PROGRESS", _NEW)
        fresh = self._provisioner.new_resource(logical_id, "UPDATE_IN_PROGRESS")
        failure = self._provisioner.make(fresh)
        with stack.lock:
            if failure is not None:
                stack.leftovers.append(fresh)
                return failure
            stack.resources[logical_id] = fresh
            policy = stack.template.resources[logical_id].get("UpdateReplacePolicy", "Delete")
            stack.leftovers.append(replace(current, deletion_policy=policy))
        stack.set_resource(fresh, "UPDATE_IN_PROGRESS", "Resource creation Initiated")
        stack.set_resource(fresh, "UPDATE_COMPLETE")
        return None

    def _update(self, current: Resource, properties: Json, tags: dict[str, str]) -> str | None:
        """Update a resource in place. After a failure, it may have some of the old and new properties."""
        stack = self._stack
        stack.set_resource(current, "UPDATE_IN_PROGRESS")
        self._provisioner.pause()
        placed = current.placed
        if placed is None:
            return "The resource was never created."
        former = Former(placed, current.properties, current.tags)
        is_changed = _differs(current, properties, tags)
        with stack.lock:
            current.properties, current.tags = properties, tags
        try:
            if is_changed:
                self._provisioner.check("update", current)
                context = replace(self._provisioner.context(current), tags=tags)
                current.placed = resources.update(current.type, context, former, properties)
        except Exception as error:  # any error is the resource's failure
            return reason_of(error)
        stack.set_resource(current, "UPDATE_COMPLETE")
        return None

    def _restore(self, current: Resource, old: Resource, *, skipped: bool) -> bool:
        """Restore the earlier properties of a resource, or the resource that was replaced."""
        stack = self._stack
        if current.birth != old.birth:
            restored = replace(old)
            with stack.lock:
                stack.leftovers = [one for one in stack.leftovers if one.birth != old.birth] + [current]
                stack.resources[old.logical_id] = restored
            stack.set_resource(restored, "UPDATE_IN_PROGRESS")
            stack.set_resource(restored, "UPDATE_COMPLETE")
            return True
        current.deletion_policy = old.deletion_policy
        if skipped:
            current.properties, current.tags, current.placed = old.properties, old.tags, old.placed
            stack.set_resource(current, "UPDATE_COMPLETE")
            return True
        if current.status != "UPDATE_FAILED" and not _differs(current, old.properties, old.tags):
            return True
        attempted = (current.properties, current.tags)
        failure = self._update(current, old.properties, old.tags)
        if failure is not None:
            current.properties, current.tags = attempted  # the resource may still have some of them
            stack.set_resource(current, "UPDATE_FAILED", failure)
        return failure is None

    def _clean_up(self, order: list[str]) -> bool:
        """Delete the leftovers, in reverse of the given creation order. Return whether some remain."""
        stack, orphans = self._stack, False
        for resource in sorted(stack.leftovers, key=lambda left: -order.index(left.logical_id)):
            deleted = any(self._provisioner.delete_resource(resource) for _ in range(_ATTEMPTS))
            orphans = orphans or not deleted
        with stack.lock:
            stack.earlier, stack.leftovers = None, []
        return orphans


def _is_replaced(current: Resource, properties: Json) -> bool:
    shape = schema(current.type)
    return any(
        not same_property(current.properties, properties, name)
        and shape.recreation(name, current.properties, properties) == "Always"
        for name in current.properties.keys() | properties.keys()
    )


def _differs(current: Resource, properties: Json, tags: dict[str, str]) -> bool:
    names = current.properties.keys() | properties.keys()
    is_tagged = schema(current.type).takes_tags and current.tags != tags
    return is_tagged or any(not same_property(current.properties, properties, name) for name in names)
