"""The output of `make package`, checked with AWS's translator, cfn-lint and Lambda's limits."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cfnlint
import pytest
from botocore.session import Session

from chalicelib import errors
from chalicelib.config import Config
from chalicelib.variables import InvalidConfiguration
from chalicelib.wiring import _PATIENT
from deploy.gateway_responses import ANSWERS
from deploy.package import package
from deploy.path_variables import conflicts
from deploy.requirements import pinned
from local.api.dispatch import subscriptions
from local.iam.policies import listed
from local.setup import roles
from tests.support.paths import ROOT

pytestmark = pytest.mark.xdist_group("package")

GRADUAL = "Canary10Percent5Minutes"
TRANSLATOR = Path(sys.prefix) / "sam/bin/python"
IAM = json.loads(
    (Path(cfnlint.__file__).parent / "data/AdditionalSpecs/Policies.json").read_text(encoding="utf-8")
)
FUNCTIONS = {
    "APIHandler": "api_handler",
    "StackChanged": "stack_changed",
    "ResourceChanged": "resource_changed",
    "JobChanged": "job_changed",
    "Tick": "tick",
}
FUNCTION_IDS = {name: logical_id for logical_id, name in FUNCTIONS.items()}
NAMES = {
    *("RoleName", "ManagedPolicyName", "TableName", "BucketName", "QueueName", "TopicName"),
    *("LogGroupName", "AlarmName", "DashboardName"),
}
"""Properties with which a template names a resource."""
VARIABLES_OF_OTHERS = {"POWERTOOLS_LOG_LEVEL", "POWERTOOLS_SERVICE_NAME"}


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package. The wheels come from the registry."""
    out = tmp_path_factory.mktemp("package")
    package(out)
    return out


@pytest.fixture(scope="session")
def sam(packaged: Path) -> dict[str, Any]:
    template: dict[str, Any] = json.loads((packaged / "sam.json").read_text(encoding="utf-8"))
    return template


@pytest.fixture(scope="session")
def translated(packaged: Path, sam: dict[str, Any]) -> Path:
    """The CloudFormation template into which AWS translates the package's template."""
    return translate(packaged, packaged / "cloudformation.json")


def translate(packaged: Path, target: Path, *options: str) -> Path:
    assert TRANSLATOR.exists(), "make test sets up .venv/sam"
    script = str(ROOT / "tests/tools/translate_sam.py")
    done = subprocess.run(
        [TRANSLATOR, script, packaged / "sam.json", target, *options],
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="session")
def gradual(packaged: Path) -> Path:
    """The same with a gradual rollout, and therefore with CodeDeploy."""
    return translate(packaged, packaged / "gradual.json", "--parameter", f"Rollout={GRADUAL}")


@pytest.fixture(scope="session")
def resources(translated: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(translated.read_text(encoding="utf-8"))["Resources"]
    return found


@pytest.fixture(scope="session")
def unzipped(packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lambda")
    with zipfile.ZipFile(packaged / "deployment.zip") as archive:
        archive.extractall(folder)
    return folder


# -- the templates ----------------------------------------------------------------------------------------


def test_cfn_lint_accepts_the_template_and_its_translations(
    packaged: Path, translated: Path, gradual: Path
) -> None:
    lint = "import sys; from cfnlint.runner import main; sys.exit(main())"
    # API Gateway's account settings must follow the API, and its stage must follow them. Before the
    # translation, API and stage are one resource, and therefore a circle. E1019: cfn-lint does not know
    # SAM's reference to the alias of a function.
    of_sam = (packaged / "sam.json", ["--ignore-checks", "E3004", "E1019"])
    for template, ignored in (of_sam, (translated, []), (gradual, [])):
        command = [sys.executable, "-c", lint, *ignored, "--", template]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), template


def test_the_template_does_not_exceed_cloudformations_limit(packaged: Path, translated: Path) -> None:
    # Limit of 1 MB from a bucket. `aws cloudformation package` rewrites the template, 50 % longer.
    for template in (packaged / "sam.json", translated):
        assert template.stat().st_size < 600_000


def test_every_function_has_a_separate_role_with_the_policy_of_its_file(resources: dict[str, Any]) -> None:
    assert {name for name, of in resources.items() if of["Type"] == "AWS::Lambda::Function"} == set(FUNCTIONS)
    used = []
    for name, function in FUNCTIONS.items():
        role = resources[name]["Properties"]["Role"]["Fn::GetAtt"][0]
        used.append(role)
        properties = resources[role]["Properties"]
        assert [policy["PolicyDocument"] for policy in properties["Policies"]] == [
            roles.functions()[function]
        ]
        assert "ManagedPolicyArns" not in properties
        [trust] = properties["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert len(set(used)) == len(FUNCTIONS)


def test_every_handler_of_the_app_has_a_policy_and_no_policy_is_left_over() -> None:
    import app

    functions = [*app.app.event_sources, *app.app.pure_lambda_functions, *app.app.builtin_auth_handlers]
    handlers = {"api_handler", *(function.name for function in functions)}
    assert set(roles.functions()) == handlers == set(FUNCTIONS.values())
    there = {path.stem for path in (ROOT / "chalice_app/.chalice/policies").iterdir()}
    assert there == handlers


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    for function, policy in roles.functions().items():
        for statement in policy["Statement"]:
            yield function, statement


def test_policies_name_existing_actions_without_wildcards() -> None:
    for function, statement in statements():
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            service, _, name = action.partition(":")
            assert name.lower() in IAM[service]["Actions"], (function, action)


def test_only_actions_without_resource_level_permissions_use_a_star() -> None:
    everywhere = set()
    for _, statement in statements():
        if statement["Resource"] == "*":
            everywhere |= set(listed(statement["Action"]))
    assert everywhere == {
        "glue:GetSecurityConfiguration",  # checks whether a sandbox's own is deleted; returns only settings
        "kms:ListAliases",  # checks whether a sandbox's alias is deleted; returns only names
        "logs:DescribeLogGroups",  # lists the log groups of a prefix; returns only names
        "xray:PutTelemetryRecords",  # a function's own traces
        "xray:PutTraceSegments",
    }
    for action in everywhere:
        service, _, name = action.partition(":")
        assert IAM[service]["Actions"][name.lower()] == {}, action


def test_policies_reach_only_sandboxes_and_the_services_own_table_bucket_role_queue_and_logs() -> None:
    sandbox = re.compile(
        r":::terraglue-\?{10}-\*(/\*(\.(json|py|sql|zip))?)?$|:workgroup/terraglue-\?{10}(-\*)?$|:stack/terraglue-\?{10}/\*$|:job/terraglue-\?{10}-\*$|:catalog$"
        r"|:(database|table|userDefinedFunction)/terraglue_\?{10}_\*(/\*)?$|:role/terraglue-\?{10}-\*$|:log-group:/aws-glue/jobs/terraglue-\?{10}/\*$|:role/self-service-terraglue-\$\{Stage\}-sandbox-reader$"
    )
    for function, statement in statements():
        for resource in listed(statement["Resource"]):
            if resource == "*":
                continue  # the test before
            if "Fn::GetAtt" in resource:
                name, attribute = resource["Fn::GetAtt"]
                own = {"Table", "AssetsBucket", "DeploymentRole", "FailedEvents"}
                own |= {f"{''.join(part.capitalize() for part in function.split('_'))}Logs"}
                assert name in own and attribute == "Arn", (function, resource)
            elif statement["Action"] == ["kms:DescribeKey"]:  # any key, as a deleted one has no tags
                assert resource["Fn::Sub"].endswith(":${AWS::AccountId}:key/*")
            elif ":key/*" in resource["Fn::Sub"]:  # a key has no name; its tag identifies the sandbox
                tags = {
                    key: value
                    for keys in statement["Condition"].values()
                    for key, value in keys.items()
                    if key.startswith("aws:ResourceTag/")
                }
                assert tags in (
                    {"aws:ResourceTag/terraglue:environment": "??????????"},
                    {"aws:ResourceTag/terraglue:shared": "true"},
                )
            else:
                text = resource["Fn::Sub"]
                assert sandbox.search(text) or re.match(r"\$\{(Table|AssetsBucket)\.Arn\}/", text), resource


def test_the_reconciling_functions_share_identical_statements() -> None:
    own = {"OwnLogs", "Indexes"}
    by_function = {
        function: {s["Sid"]: s for s in policy["Statement"] if s["Sid"] not in own}
        for function, policy in roles.functions().items()
        if function != "resource_changed"
    }
    shared = set.intersection(*map(set, by_function.values()))
    assert {"Records", "Stacks", "SandboxObjects", "JobRuns", "DeploymentRole"} <= shared
    for sid in {sid for found in by_function.values() for sid in found}:
        words = [json.dumps(found[sid]) for found in by_function.values() if sid in found]
        assert len(set(words)) == 1, sid
    more = {function: set(found) - shared - {"FailedEvents"} for function, found in by_function.items()}
    assert more == {
        "api_handler": {"IndexedItems", "NewRuns", "SandboxReader"},
        "stack_changed": {"IndexedItems"},
        "job_changed": {"NewRuns"},
        "tick": {"IndexedItems", "NewRuns"},
    }


def test_no_policy_exceeds_iams_limit() -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, white space not counted;
    # Real ARNs are longer than their placeholders here.
    for policy in roles.functions().values():
        text = re.sub(r"\s", "", json.dumps(policy))
        assert (
            len(re.sub(r'{"Fn::Sub":("[^"]*")}', r"\1", text)) < 8_000
        )  # IAM receives the result of Fn::Sub


def test_roles_are_passed_to_cloudformation_only() -> None:
    passing = [s for _, s in statements() if "iam:PassRole" in listed(s["Action"])]
    assert len(passing) == 4
    for statement in passing:
        assert listed(statement["Action"]) == ["iam:PassRole"]
        assert statement["Resource"] == {"Fn::GetAtt": ["DeploymentRole", "Arn"]}
        assert statement["Condition"] == {
            "StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}
        }


def test_the_functions_have_every_variable_that_the_configuration_reads(
    resources: dict[str, Any],
) -> None:
    class Read(Mapping[str, str]):
        def __init__(self) -> None:
            self.names: set[str] = set()

        def __getitem__(self, name: str) -> str:
            self.names.add(name)
            return "1"

        def __iter__(self) -> Iterator[str]:
            raise NotImplementedError

        def __len__(self) -> int:
            raise NotImplementedError

    read = Read()
    with pytest.raises(InvalidConfiguration):  # after reading all variables
        Config.from_environment(read)
    for name in FUNCTIONS:
        variables = resources[name]["Properties"]["Environment"]["Variables"]
        assert set(variables) == read.names | VARIABLES_OF_OTHERS
        assert [v for v in variables.values() if not isinstance(v, dict)] == ["INFO"]


def test_every_parameter_is_used(sam: dict[str, Any]) -> None:
    text = json.dumps({part: sam[part] for part in sam if part != "Parameters"})
    for name in sam["Parameters"]:
        assert f'{{"Ref": "{name}"}}' in text or f"${{{name}}}" in text, name


def test_the_emulator_applies_the_packaged_event_patterns(resources: dict[str, Any]) -> None:
    import app

    rules = {name: of["Properties"] for name, of in resources.items() if of["Type"] == "AWS::Events::Rule"}
    packaged = {
        rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]: roles.resolved(
            rule["EventPattern"], roles.account_values()
        )
        for rule in rules.values()
        if "EventPattern" in rule
    }
    applied = {FUNCTION_IDS[rule.name]: rule.pattern for rule in subscriptions(app.app, "us-east-1")}
    assert packaged == applied
    assert len(applied) == 3


def test_stages_of_one_account_share_no_name(resources: dict[str, Any]) -> None:
    # Names that CloudFormation generates contain the stack's name; the others must contain the stage.
    named = {
        logical_id: of["Properties"][name]
        for logical_id, of in resources.items()
        for name in NAMES & of.get("Properties", {}).keys()
    }
    assert set(named) >= {"DeploymentRole", "SandboxReader", "SandboxBoundary"}
    for logical_id, name in named.items():
        assert "${Stage}" in json.dumps(name) or "${AWS::StackName}" in json.dumps(name), logical_id


def test_aws_generates_the_cursor_key(resources: dict[str, Any]) -> None:
    assert resources["CursorKey"]["Properties"]["GenerateSecretString"]["PasswordLength"] >= 32
    variables = resources["APIHandler"]["Properties"]["Environment"]["Variables"]
    assert variables["CURSOR_KEY"] == {"Fn::Sub": "{{resolve:secretsmanager:${CursorKey}}}"}


def test_every_function_has_a_timeout_and_log_retention(resources: dict[str, Any]) -> None:
    import app

    seconds = {name: resources[name]["Properties"]["Timeout"] for name in FUNCTIONS}
    assert seconds["APIHandler"] == 30  # API Gateway times out after 29
    assert app._TICK_SECONDS + 60 <= seconds["Tick"] <= 900
    assert seconds["StackChanged"] >= 660  # reconcile works for 600 s, and finishes its step
    assert seconds["JobChanged"] >= 660
    for name in FUNCTIONS:
        properties = resources[name]["Properties"]
        group = resources[properties["LoggingConfig"]["LogGroup"]["Ref"]]
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        assert properties["TracingConfig"] == {"Mode": "Active"}
        assert properties["Runtime"] == "python3.11"
    # Accounts with Lambda's smallest quota cannot reserve any concurrency.
    reserved = resources["Tick"]["Properties"]["ReservedConcurrentExecutions"]
    assert reserved == {"Fn::If": ["ReservesTick", 1, {"Ref": "AWS::NoValue"}]}


def test_every_log_group_expires_its_lines(resources: dict[str, Any]) -> None:
    groups = [of["Properties"] for of in resources.values() if of["Type"] == "AWS::Logs::LogGroup"]
    assert len(groups) == len(FUNCTIONS) + 1
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups)


def test_no_event_is_lost_silently(resources: dict[str, Any]) -> None:
    queue = {"Fn::GetAtt": ["FailedEvents", "Arn"]}
    rules = [of["Properties"] for of in resources.values() if of["Type"] == "AWS::Events::Rule"]
    assert len(rules) == 4
    for rule in rules:
        [target] = rule["Targets"]
        assert target["DeadLetterConfig"] == {"Arn": queue}
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] >= 60
    # The queue accepts messages of these rules. CloudFormation shortens the stack's part of their names, so a
    # pattern of names would not match.
    [policy] = [of["Properties"] for of in resources.values() if of["Type"] == "AWS::SQS::QueuePolicy"]
    [allowed] = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert sorted(
        arn["Fn::GetAtt"][0] for arn in allowed["Condition"]["ArnEquals"]["aws:SourceArn"]
    ) == sorted(name for name, of in resources.items() if of["Type"] == "AWS::Events::Rule")
    failed = {
        of["Properties"]["FunctionName"]["Ref"]: of["Properties"].get("DestinationConfig") or None
        for of in resources.values()
        if of["Type"] == "AWS::Lambda::EventInvokeConfig"
    }
    asked_for = {"OnFailure": {"Destination": queue}}
    # The next tick follows a failed one within a minute.
    assert failed == {
        **{name: asked_for for name in ("StackChanged", "ResourceChanged", "JobChanged")},
        "Tick": None,
    }


# -- API Gateway ------------------------------------------------------------------------------------------


def test_the_api_has_its_stage_its_limits_and_a_log_without_tokens(resources: dict[str, Any]) -> None:
    [stage] = [of["Properties"] for of in resources.values() if of["Type"] == "AWS::ApiGateway::Stage"]
    assert stage["StageName"] == "api"
    [settings] = stage["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert settings["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "RequestBurst"}
    assert (settings["DataTraceEnabled"], settings["LoggingLevel"]) == (False, "OFF")
    written = json.loads(stage["AccessLogSetting"]["Format"])
    assert written["request_id"] == "$context.requestId"
    # No headers, query strings or paths, because users may put confidential values into them.
    assert not [v for v in written.values() if re.search(r"header|querystring|context\.path|authorizer", v)]


def test_zip_files_pass_the_gateway_unchanged(resources: dict[str, Any]) -> None:
    [api] = [
        of["Properties"]["Body"] for of in resources.values() if of["Type"] == "AWS::ApiGateway::RestApi"
    ]
    assert "application/zip" in api["x-amazon-apigateway-binary-media-types"]
    assert "application/octet-stream" in api["x-amazon-apigateway-binary-media-types"]
    assert "*/*" not in api["x-amazon-apigateway-binary-media-types"]  # JSON would be returned in base64


def test_the_gateway_has_every_route_of_the_app(resources: dict[str, Any]) -> None:
    import app

    [api] = [
        of["Properties"]["Body"] for of in resources.values() if of["Type"] == "AWS::ApiGateway::RestApi"
    ]
    routes = {path: {method.lower() for method in methods} for path, methods in app.app.routes.items()}
    assert {path: set(methods) for path, methods in api["paths"].items()} == routes


def test_variables_at_one_position_have_one_name_in_every_path_of_the_package(
    sam: dict[str, Any], resources: dict[str, Any]
) -> None:
    """API Gateway: "A sibling of this resource already has a variable path part"."""
    [api] = [
        of["Properties"]["Body"] for of in resources.values() if of["Type"] == "AWS::ApiGateway::RestApi"
    ]
    packaged = sam["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    assert packaged.keys() == api["paths"].keys()
    for paths in (packaged, api["paths"]):
        assert len(paths) > 20 and conflicts(paths) == {}


def test_the_gateways_own_errors_are_problems_like_the_apps(resources: dict[str, Any]) -> None:
    [api] = [
        of["Properties"]["Body"] for of in resources.values() if of["Type"] == "AWS::ApiGateway::RestApi"
    ]
    responses = api["x-amazon-apigateway-gateway-responses"]
    assert responses.keys() == ANSWERS.keys()
    for kind, response in responses.items():
        problem = json.loads(response["responseTemplates"]["application/json"])
        assert list(problem) == ["type", "title", "status", "detail", "instance", "code"], kind
        assert problem["type"] == f"urn:terraglue:problem:{problem['code']}"
        assert problem["instance"] == "urn:terraglue:request:$context.requestId"
        assert int(response["statusCode"]) == problem["status"]
        # These templates do not escape values, so they must not contain input of callers.
        assert re.findall(r"\$\w[\w.]*", json.dumps(problem)) == ["$context.requestId"]
        headers = {
            name.removeprefix("gatewayresponse.header."): value
            for name, value in response["responseParameters"].items()
        }
        assert headers["Content-Type"] == "'application/problem+json'"
        assert headers["X-Request-Id"] == "context.requestId"
        assert ("Retry-After" in headers) == (problem["status"] in (429, 503)), kind


def test_the_gateways_problems_have_the_apps_codes_and_titles() -> None:
    known = [
        *(errors.BadRequest, errors.NotFound, errors.PayloadTooLarge, errors.UnsupportedMediaType),
        *(errors.Throttled, errors.Unavailable, errors.ServiceError),
    ]
    of_the_app = {(kind.status, kind.code, kind.title) for kind in known}
    only_here = {(403, "forbidden", "Forbidden")}  # the app returns 404
    assert {(a.status, a.code, a.title) for a in ANSWERS.values()} == of_the_app | only_here


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("MISSING_AUTHENTICATION_TOKEN", 404),
        ("INVALID_SIGNATURE", 404),
        ("RESOURCE_NOT_FOUND", 404),
        ("REQUEST_TOO_LARGE", 413),
        ("UNSUPPORTED_MEDIA_TYPE", 415),
        ("THROTTLED", 429),
        ("BAD_REQUEST_BODY", 400),
        ("INTEGRATION_TIMEOUT", 503),
        ("WAF_FILTERED", 403),
        ("DEFAULT_5XX", 500),
    ],
)
def test_the_gateway_answers_with_the_status_of_the_contract(kind: str, status: int) -> None:
    assert ANSWERS[kind].status == status


def test_an_unknown_path_is_404_whichever_response_api_gateway_chooses() -> None:
    model = Session().get_service_model("apigateway")
    of_other_causes = {
        *("BAD_REQUEST_BODY", "BAD_REQUEST_PARAMETERS", "REQUEST_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
        *("THROTTLED", "QUOTA_EXCEEDED", "WAF_FILTERED", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT"),
        # of authorizers and of an invalid definition, which the API does not have
        *("AUTHORIZER_FAILURE", "AUTHORIZER_CONFIGURATION_ERROR", "API_CONFIGURATION_ERROR", "DEFAULT_5XX"),
    }
    kinds = set(model.shape_for("GatewayResponseType").enum)
    assert of_other_causes < kinds
    assert {ANSWERS.get(kind, ANSWERS["DEFAULT_4XX"]).status for kind in kinds - of_other_causes} == {404}


def test_every_deployment_of_the_stack_deploys_the_api(packaged: Path, tmp_path: Path) -> None:
    # The gateway responses contain a parameter, which SAM does not resolve when it names the deployment.
    ids = []
    for moment in ("1000000000", "1000000060"):
        target = tmp_path / f"{moment}.json"
        template = json.loads(translate(packaged, target, "--at", moment).read_text(encoding="utf-8"))
        [stage] = [
            of["Properties"]
            for of in template["Resources"].values()
            if of["Type"] == "AWS::ApiGateway::Stage"
        ]
        deployment = stage["DeploymentId"]["Ref"]
        assert template["Resources"][deployment]["Type"] == "AWS::ApiGateway::Deployment"
        ids.append(deployment)
    assert len(set(ids)) == 2


# -- versions of the API's function -----------------------------------------------------------------------


def test_the_api_invokes_the_alias_and_has_the_permission(resources: dict[str, Any]) -> None:
    [body] = [
        of["Properties"]["Body"] for of in resources.values() if of["Type"] == "AWS::ApiGateway::RestApi"
    ]
    integrations = [
        method["x-amazon-apigateway-integration"]
        for path in body["paths"].values()
        for method in path.values()
    ]
    uris = {json.dumps(integration["uri"]) for integration in integrations if "uri" in integration}
    [uri] = uris
    assert "/functions/${APIHandlerAliaslive}/invocations" in uri
    assert "APIHandler.Arn" not in json.dumps(body)
    permissions = [of["Properties"] for of in resources.values() if of["Type"] == "AWS::Lambda::Permission"]
    of_the_gateway = [of for of in permissions if of["Principal"] == "apigateway.amazonaws.com"]
    assert [of["FunctionName"] for of in of_the_gateway] == [{"Ref": "APIHandlerAliaslive"}]
    aliases = [name for name, of in resources.items() if of["Type"] == "AWS::Lambda::Alias"]
    assert aliases == ["APIHandlerAliaslive"]  # the other functions have no callers who wait


def test_the_alias_has_a_new_version_if_and_only_if_the_revision_changes(
    packaged: Path, tmp_path: Path
) -> None:
    """SAM names versions before it resolves the function's variables. So the revision is their hash."""

    def version(**parameters: str) -> str:
        options = [f"--parameter={name}={value}" for name, value in parameters.items()]
        made = translate(packaged, tmp_path / "made.json", *options)
        found = json.loads(made.read_text(encoding="utf-8"))["Resources"]
        name: str = found["APIHandlerAliaslive"]["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]
        assert found[name]["Type"] == "AWS::Lambda::Version"
        # Without a change of the function itself, Lambda publishes no version.
        assert found["APIHandler"]["Properties"]["Description"] == parameters["Revision"]
        return name

    first = version(Revision="0123456789", BudgetUsd="5")
    assert version(Revision="0123456789", BudgetUsd="7") == first
    assert version(Revision="9876543210", BudgetUsd="7") != first


def test_codedeploy_exists_only_with_a_gradual_rollout(gradual: Path, resources: dict[str, Any]) -> None:
    with_codedeploy = json.loads(gradual.read_text(encoding="utf-8"))["Resources"]
    added = {name: of["Type"] for name, of in with_codedeploy.items() if name not in resources}
    deployments = {name for name in added if added[name] == "AWS::ApiGateway::Deployment"}
    assert {name: kind for name, kind in added.items() if name not in deployments} == {
        "APIHandlerDeploymentGroup": "AWS::CodeDeploy::DeploymentGroup",
        "CodeDeployServiceRole": "AWS::IAM::Role",
        "ServerlessDeploymentApplication": "AWS::CodeDeploy::Application",
    }
    group = with_codedeploy["APIHandlerDeploymentGroup"]["Properties"]
    alarms = {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Fn::If"][1]["Alarms"]}
    assert alarms == {"NewVersion5xxAlarm", "NewVersionErrorsAlarm"}
    version = with_codedeploy["APIHandlerAliaslive"]["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]
    [executed] = with_codedeploy["NewVersionErrorsAlarm"]["Properties"]["Dimensions"][2:]
    assert executed == {"Name": "ExecutedVersion", "Value": {"Fn::GetAtt": [version, "Version"]}}
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    assert "UpdatePolicy" in with_codedeploy["APIHandlerAliaslive"]
    assert "UpdatePolicy" not in resources["APIHandlerAliaslive"]


def test_every_rollout_is_a_configuration_of_codedeploy(sam: dict[str, Any]) -> None:
    [module] = TRANSLATOR.parent.parent.rglob("deployment_preference_collection.py")
    known = set(re.findall(r'^    "(\w+)",$', module.read_text(encoding="utf-8"), re.MULTILINE))
    rollouts = sam["Parameters"]["Rollout"]["AllowedValues"]
    assert set(rollouts) <= known
    by_codedeploy = {name: of["ByCodeDeploy"] for name, of in sam["Mappings"]["Rollouts"].items()}
    assert by_codedeploy == {name: str(name != "AllAtOnce").lower() for name in rollouts}


# -- the zip ----------------------------------------------------------------------------------------------


def test_the_zip_is_small_and_has_only_the_app_and_its_dependencies(packaged: Path, unzipped: Path) -> None:
    files = [path for path in unzipped.rglob("*") if path.is_file()]
    assert (packaged / "deployment.zip").stat().st_size < 12e6
    first = {path.name for path in unzipped.iterdir()}
    assert first & {"local", "tests", "data", "glue_assets", "moto", "pytest"} == set()
    assert {"app.py", "chalice", "chalicelib"} <= first
    source, shipped = ROOT / "chalice_app/chalicelib", unzipped / "chalicelib"
    modules = {path.relative_to(source) for path in source.rglob("*.py")}
    assert {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()} == modules
    assert [path for path in files if path.suffix == ".pyc"] == []


def test_the_zip_has_the_sdk_models_of_the_services_that_the_app_calls_and_no_others(unzipped: Path) -> None:
    sources = "".join(path.read_text() for path in (ROOT / "chalice_app/chalicelib").rglob("*.py"))
    called = {"xray", *_PATIENT, *re.findall(r"\.client\(\s*\"([a-z0-9-]+)\"", sources)}
    assert {path.name for path in (unzipped / "botocore/data").iterdir() if path.is_dir()} == called


def test_the_zip_has_the_tested_versions_for_lambdas_platform(unzipped: Path) -> None:
    pins = {re.sub(r"\[.*\]", "", pin).lower().replace("-", "_") for pin in pinned()}
    infos = list(unzipped.glob("*.dist-info"))
    assert len(infos) >= 8
    for info in infos:
        assert "==".join(info.name.removesuffix(".dist-info").lower().split("-")) in pins, info.name
        for tag in re.findall(r"^Tag: (\S+)$", (info / "WHEEL").read_text(), re.MULTILINE):
            assert fits_lambda(tag) or any(
                fits_lambda(other)
                for other in re.findall(r"^Tag: (\S+)$", (info / "WHEEL").read_text(), re.M)
            ), (info.name, tag)


def fits_lambda(tag: str) -> bool:
    """Python 3.11 on Amazon Linux 2 (glibc 2.26), x86_64."""
    python, abi, system = tag.split("-")
    if (abi, system) == ("none", "any"):
        return python in ("py3", "py311")
    legacy = {"manylinux1_x86_64": 5, "manylinux2010_x86_64": 12, "manylinux2014_x86_64": 17}
    match = re.fullmatch(r"manylinux_2_(\d+)_x86_64", system)
    minor = int(match[1]) if match else legacy.get(system, 99)
    version = int(python.removeprefix("cp3") or 0)
    return minor <= 26 and (abi == "cp311" or (abi == "abi3" and version <= 11))


def test_builds_of_the_zip_are_reproducible(packaged: Path) -> None:
    with zipfile.ZipFile(packaged / "deployment.zip") as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o644}


@pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"), reason="the wheels are for Lambda's Linux"
)
def test_the_app_starts_with_only_the_zip(unzipped: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(unzipped)!r})\n"
        "import app\n"
        "app.service()\n"
        "print(len(app.app.routes), app.app.__class__.__module__, app.__file__)"
    )
    settings = ("TABLE_NAME", "ASSETS_BUCKET", "AUDIENCE", "CURSOR_KEY")
    environ = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "ISSUER": "https://issuer.example",
        "SANDBOX_READER_ROLE_ARN": "arn:aws:iam::123456789012:role/sandbox-reader",
        **dict.fromkeys(settings, "some-text-of-ours"),
    }
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", program], env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    routes, module, file = done.stdout.split()
    assert int(routes) > 10
    assert (module, file) == ("chalice.app", str(unzipped / "app.py"))
