"""The API in the package: API Gateway, its own responses, and the versions of its function."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from chalicelib import errors
from deploy.gateway_responses import ANSWERS
from deploy.path_variables import conflicts
from tests.support.translation import TRANSLATOR, translate

pytestmark = pytest.mark.xdist_group("package")


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


def test_the_gateway_compresses_responses_of_1_kb_and_more(resources: dict[str, Any]) -> None:
    [api] = [of["Properties"] for of in resources.values() if of["Type"] == "AWS::ApiGateway::RestApi"]
    assert api["MinimumCompressionSize"] == 1024


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
