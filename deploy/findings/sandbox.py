"""Contents of one sandbox, counted in its template."""

from __future__ import annotations

import functools
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.requirements import ROOT
from glue_assets.tables import find_tables
from glue_assets.template_builder import assemble, complete, parse, resources

STACK = "AWS::CloudFormation::Stack"
"""The stack itself, which is no resource of the template."""
NAME = re.compile(r"terraglue-[a-z2-7]{10}")
"""Names of the sandboxes' stacks."""


@dataclass(frozen=True)
class Sandbox:
    """Resources of one sandbox with default settings, by type, and the DPUs of one run of its job."""

    resources: Counter[str]
    dpus: int

    @property
    def size(self) -> int:
        """Number of resources of the stack."""
        return self.resources.total() - self.resources[STACK]


@functools.cache
def sandbox() -> Sandbox:
    """Count the resources of the template with the tables of `data/`, including the optional ones."""
    with TemporaryDirectory() as work:
        text = complete(assemble(ROOT / "glue_assets"), find_tables(ROOT / "data", Path(work)))
    parameters = parse(text)["Parameters"]
    # G.4X has 4 DPUs, R.4X 4 M-DPUs: https://docs.aws.amazon.com/glue/latest/dg/worker-types.html
    worker = int(parameters["WorkerType"]["Default"][2:-1])
    counted = Counter(resource.type for resource in resources(text))
    counted[STACK] = 1
    return Sandbox(counted, worker * int(parameters["NumberOfWorkers"]["Default"]))
