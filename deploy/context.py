"""Context of a command: the stage, its account, and the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from deploy import code_bucket, findings, http, packages, rollout
from deploy.aws import Account
from deploy.errors import DeploymentError
from deploy.findings import Finding
from deploy.packages import Built, Package, Packages
from deploy.parameters import SERVICE_URL_PARAMETER
from deploy.stack import Say, Stack, Stacks
from deploy.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_OF_THE_SERVICE = ("BudgetUsd", "MaxEnvironments")
"""Parameters of the service's stack since its first version."""


@dataclass(frozen=True)
class Context:
    """Inputs of a command. Terminal, HTTP, time and slow steps are arguments, so tests need none of them.

    `assume_yes` answers every question.
    """

    stage: Stage
    account: Account
    assume_yes: bool = False
    say: Say = print
    ask: Callable[[str], str] = input
    send: http.Send = http.send
    build: Callable[[Path, Path], Built] = packages.build
    find: Callable[[boto3.Session, Mapping[str, str]], list[Finding]] = findings.find
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @cached_property
    def s3(self) -> S3Client:
        """Return the S3 client."""
        client: S3Client = self.account.session.client("s3")
        return client

    @cached_property
    def stacks(self) -> Stacks:
        """Return the stack of the stage."""
        return Stacks(
            self.account.session.client("cloudformation"),
            self.stage.stack_name,
            say=self.say,
            clock=self.clock,
            sleep=self.sleep,
        )

    @cached_property
    def packages(self) -> Packages:
        """Return the packages in the code bucket, which must exist."""
        return Packages(self.s3, code_bucket.name_of(self.stage), self.account.id)

    def find_stack(self) -> Stack | None:
        """Return the stage's stack. Raise `DeploymentError` if the stack is not the stage's."""
        stack = self.stacks.find()
        if stack is not None and not stack.is_new and (others := self._owner_if_other(stack)) is not None:
            raise DeploymentError(f"{others} Correct STACK_NAME in {self.stage.path}.")
        return stack

    def deleted_stacks(self) -> Iterator[Stack]:
        """Yield the deleted stacks of the stage. Those of something else can have had the same name."""
        for id in self.stacks.deleted():
            stack = self.stacks.find(id)
            if stack is not None and self._owner_if_other(stack) is None:
                yield stack

    def _owner_if_other(self, stack: Stack) -> str | None:
        """Return to what else a stack belongs, as a sentence, or None if it is the stage's."""
        if not all(name in stack.parameters for name in _OF_THE_SERVICE):
            return f"The stack {self.stacks.name} exists and is not this service."
        if (owner := stack.parameters.get("Stage", self.stage.name)) != self.stage.name:
            return f"The stack {self.stacks.name} belongs to the stage {owner}."
        return None

    def parameters(self, package: Package, outputs: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters of the stage that a package knows, with its revision. Name the others.

        `outputs` are those of the stack, if it exists.
        """
        given = self.stage.parameters
        if unknown := sorted(given.keys() - package.parameters.keys()):
            self.say(f"The package {package.version} does not know {', '.join(unknown)}: ignored.")
        known = {name: value for name, value in given.items() if name in package.parameters}
        return self.with_service_url(package, rollout.with_revision(package.template, known), outputs)

    def with_service_url(
        self, package: Package, parameters: dict[str, str], outputs: Mapping[str, str]
    ) -> dict[str, str]:
        """Return parameters with the URL of the API, if the package uses it and the outputs contain it."""
        url = self.stage.service_url(outputs) if SERVICE_URL_PARAMETER in package.parameters else None
        return parameters if url is None else {**parameters, SERVICE_URL_PARAMETER: url}

    def say_account(self) -> None:
        """Show where the command acts, and as whom."""
        self.say(f"Account   {self.account.id}, {self.account.region}")
        self.say(f"Identity  {self.account.arn}")
        self.say(f"Stage     {self.stage.name} ({self.stage.path}), stack {self.stage.stack_name}")

    def confirm(self, question: str, expected: str) -> None:
        """Ask a question. Raise `DeploymentError` unless the answer is the expected one."""
        if self.assume_yes:
            return
        try:
            answer = self.ask(f"{question} Type {expected} to continue: ")
        except EOFError:
            self.say("")  # ends the line of the question
            raise DeploymentError(
                "Nothing was changed, because nobody answers. YES=1 (--yes) confirms without a question."
            ) from None
        if answer.strip() != expected:
            raise DeploymentError("Not confirmed. Nothing was changed.")
