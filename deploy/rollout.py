"""Versions of the API's function: when a new one is published, and how API Gateway reaches it.

chalice_app/rollout.json gives APIHandler the alias `live`. SAM publishes a version if the parameter
`Revision` changes, and moves the alias to it at once, or step by step with CodeDeploy:
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/automating-updates-to-serverless-apps.html
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from deploy.parameters import REVISION_PARAMETER, SERVICE_URL_PARAMETER

ROLLOUT_PARAMETER = "Rollout"
"""Parameter with CodeDeploy's name of the steps, or `AllAtOnce`."""

AT_ONCE = "AllAtOnce"

_LENGTH = 10  # SAM names a version after the first ten characters
_OTHER_PARTS = ("Outputs", "Parameters")  # the outputs contain the release, which is no part of a function

Json = dict[str, Any]


def with_revision(template: Json, given: Mapping[str, str]) -> dict[str, str]:
    """Return parameters with the revision, if the template knows it.

    A version contains its environment variables, and SAM computes its name before it resolves them. So a
    changed parameter would not reach the API (https://github.com/aws/serverless-application-model/issues/3820).
    Defaults count like given values. How a version is rolled out does not matter, and no function gets the
    URL of the API.
    """
    if REVISION_PARAMETER not in template["Parameters"]:
        return dict(given)
    values = {name: str(of["Default"]) for name, of in template["Parameters"].items() if "Default" in of}
    values |= given
    for name in (ROLLOUT_PARAMETER, SERVICE_URL_PARAMETER):
        values.pop(name, None)
    content = {name: part for name, part in template.items() if name not in _OTHER_PARTS}
    digest = hashlib.sha256(json.dumps([content, values], sort_keys=True).encode()).hexdigest()
    return {**given, REVISION_PARAMETER: digest[:_LENGTH]}


def through_alias(template: Json) -> Json:
    """Return Chalice's template with an API that invokes the alias of APIHandler, not its latest state."""
    changed = copy.deepcopy(template)
    resources = changed["Resources"]
    api = json.dumps(resources["RestAPI"])
    resources["RestAPI"] = json.loads(api.replace("${APIHandler.Arn}", "${APIHandler.Alias}"))
    # The permission must be that of the alias:
    # https://docs.aws.amazon.com/lambda/latest/dg/using-aliases.html#permissions-aliases
    resources["APIHandlerInvokePermission"]["Properties"]["FunctionName"] = {"Ref": "APIHandler.Alias"}
    return changed
