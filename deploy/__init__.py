"""Deployment of the service to AWS: `python -m deploy COMMAND --stage dev`.

`__main__` reads the command line and calls the module of a command with a `Context`:

    plan, deployment, destroy        plan; deploy and versions; destroy
    publish                          a data folder as the default data or a data set of a deployed stage
    orphans, forget, restore         commands on the records of a deployed stage, which `records` reads
    context                          the inputs of a command: stage, account, terminal, time
    stage, parameters                stage files, and the template's parameters that they set
    aws, errors, http                access to AWS, errors for the operator, other HTTP requests
    findings/, issuer, costs         checks of the account and of the issuer, and costs
    packages, code_bucket            packages in S3
    stack, changes, events           CloudFormation: operations, change sets, progress
    rollback, rollout, smoke         alarms that undo an update, versions, and the test of the deployed API
    package                          the build, with the resources of dashboard, queries, gateway_responses

Nothing in here runs in Lambda or imports `local`.
"""

from __future__ import annotations

import sys
from pathlib import Path

# A stage file is checked by the service's own code, before anything is deployed.
_SERVICE = str(Path(__file__).parents[1] / "chalice_app")
if _SERVICE not in sys.path:
    sys.path.append(_SERVICE)
