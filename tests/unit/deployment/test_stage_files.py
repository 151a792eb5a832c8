"""Stage files: every error at once, with its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.config import Config
from deploy import parameters, stage
from deploy.errors import InvalidInput
from deploy.requirements import ROOT

OIDC = "ACCOUNT=123456789012\nREGION=eu-west-1\nISSUER=https://issuer.example/\nAUDIENCE=portal\n"
COGNITO = "ACCOUNT=123456789012\nREGION=eu-west-1\nIDENTITY=cognito\n"


def parse(text: str, name: str = "dev") -> stage.Stage:
    return stage.parse(name, text, Path("deploy/stages/dev.env"))


def refused(text: str, name: str = "dev") -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse(text, name)
    first, *lines = str(caught.value).splitlines()
    assert first == "deploy/stages/dev.env is invalid:"
    return [line.strip() for line in lines]


def test_a_stage_has_an_account_a_region_and_parameters_of_the_stack() -> None:
    read = parse(
        OIDC + "# a comment\n\nBUDGET_USD = 2.50\nPRICE_PER_M_DPU_HOUR_USD=0.6\nSTACK_TAGS=team=data, a=b=c\n"
    )
    assert (read.account, read.region, read.stack_name) == (
        "123456789012",
        "eu-west-1",
        "self-service-terraglue-dev",
    )
    assert read.parameters == {
        "Issuer": "https://issuer.example/",
        "Audience": "portal",
        "BudgetUsd": "2.50",
        "PricePerMDpuHourUsd": "0.6",
        "StackTags": "team=data, a=b=c",
        "Stage": "dev",
    }
    assert (read.identity, parse(COGNITO).identity) == ("oidc", "cognito")


def test_every_error_is_reported_with_its_line() -> None:
    text = "\n".join(
        [
            "ACCOUNT=1234",
            "REGION=us-east1",
            "IDENTITY=oidc",
            "BUDGET_USD=lots",
            "MAX_WORKERS=11",
            "LOG_RETENTION_DAYS=31",
            "COLOUR=blue",
            "TABLE_NAME=mine",
            "STAGE=prod",
            "MAX_HOURS=24",
            "MAX_HOURS=48",
            "nonsense",
            "AUDIENCE=",
            'ISSUER="https://issuer.example"',
            "STACK_TAGS=aws:team=data",
            "STACK_NAME=terraglue-dev",
        ]
    )
    assert [re.match(r"(?:line (\d+): )?(\S+)", line).groups() for line in refused(text)] == [  # type: ignore[union-attr]
        (None, "AUDIENCE"),
        (None, "ISSUER"),
        ("1", "ACCOUNT"),
        ("2", "REGION"),
        ("4", "BUDGET_USD"),
        ("5", "MAX_WORKERS"),
        ("6", "LOG_RETENTION_DAYS"),
        ("7", "COLOUR"),
        ("8", "TABLE_NAME"),
        ("9", "STAGE"),
        ("11", "MAX_HOURS"),
        ("12", "the"),
        ("13", "AUDIENCE"),
        ("14", "ISSUER"),
        ("15", "STACK_TAGS"),
        ("16", "STACK_NAME"),
    ]


def test_a_value_that_only_the_service_or_only_the_template_rejects_is_invalid() -> None:
    assert refused(OIDC + "SHARED_ROLE_ARNS=arn:aws:iam::123456789012:role/other")  # only the service
    assert refused(OIDC + "LEASE_SECONDS=5")  # only the template


@pytest.mark.parametrize("key", ["ISSUER=https://issuer.example", "AUDIENCE=portal"])
def test_cognito_creates_the_issuer(key: str) -> None:
    [line] = refused(f"{COGNITO}{key}\n")
    assert line.startswith("line 4: ") and "IDENTITY=cognito" in line


@pytest.mark.parametrize("name", ["data admins", "a" * 129])
def test_cognito_accepts_the_name_of_the_admin_group(name: str) -> None:
    [line] = refused(f"{COGNITO}ADMIN_GROUP={name}\n")
    assert line.startswith("line 4: ADMIN_GROUP must be a Cognito group's name")
    assert parse(f"{OIDC}ADMIN_GROUP={name}\n").parameters["AdminGroup"] == name
    assert parse(f"{COGNITO}ADMIN_GROUP=verwaltung-ä:1\n").identity == "cognito"


def test_the_variables_of_a_function_fit_lambdas_4_kb() -> None:
    keys = ",".join(
        f"arn:aws:kms:eu-west-1:123456789012:key/{n:08d}-0000-0000-0000-000000000000" for n in range(25)
    )
    tags = ",".join(f"team-{n:02d}=data" for n in range(40))
    assert parse(OIDC + f"SHARED_KMS_KEY_ARNS={keys}\n")
    [line] = refused(OIDC + f"SHARED_KMS_KEY_ARNS={keys}\nSTACK_TAGS={tags}\n")
    assert line.startswith("line 5: SHARED_KMS_KEY_ARNS is too long")


def test_the_burst_is_a_whole_number() -> None:
    [line] = refused(OIDC + "REQUEST_BURST=1.5\n")
    assert line.startswith("line 5: REQUEST_BURST must match")


@pytest.mark.parametrize("name", ["aws", "draws", "cognito-2", "amazonia"])
def test_a_sign_in_domain_cannot_have_reserved_words(name: str) -> None:
    [line] = refused(COGNITO, name)
    assert "sign-in domain cannot contain aws, amazon or cognito" in line
    assert parse(OIDC, name).name == name


@pytest.mark.parametrize("name", ["Dev", "1", "dev_1", "a" * 17, "-a"])
def test_a_stage_name_is_short_and_plain(name: str) -> None:
    with pytest.raises(InvalidInput, match="is not a stage name"):
        stage.read(name)


def test_a_missing_stage_file_names_the_example() -> None:
    with pytest.raises(InvalidInput, match=r"nowhere\.env does not exist\. Copy .*example\.env"):
        stage.read("nowhere")


def test_a_stage_file_is_found_by_name_and_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test.env").write_text(COGNITO, encoding="utf-8")
    assert stage.read(str(tmp_path / "test.env")).name == "test"
    monkeypatch.setattr(stage, "STAGES", tmp_path)
    assert stage.read("test").path == tmp_path / "test.env"


def test_a_misspelled_identity_is_one_error() -> None:
    [line] = refused("ACCOUNT=123456789012\nREGION=eu-west-1\nIDENTITY=congito\n")
    assert "IDENTITY must be one of oidc, cognito; got 'congito'" in line


def test_the_example_is_valid_with_and_without_its_comments() -> None:
    text = (ROOT / "deploy/stages/example.env").read_text(encoding="utf-8")
    assert parse(text).identity == "cognito"
    everything = re.sub(r"^#([A-Z_]+=)", r"\1", text, flags=re.MULTILINE).replace("IDENTITY=cognito\n", "")
    read = parse(everything)
    assert (read.identity, read.code_bucket) == ("oidc", "our-deployment-packages")


def test_the_url_of_the_api_can_contain_outputs_of_the_stack() -> None:
    outputs = {"EndpointURL": "https://a.example/api/", "RestAPIId": "abc"}
    assert parse(OIDC).url(outputs) == "https://a.example/api"
    assert parse(OIDC + "API_URL=https://b.example/{RestAPIId}/").url(outputs) == "https://b.example/abc"
    [line] = refused(OIDC + "API_URL=https://b.example/{RestApiId")
    assert "API_URL" in line


def test_every_variable_of_the_service_has_a_key_or_is_set_by_the_stack() -> None:
    class Names(dict[str, str]):
        def get(self, name: str, default: object = None) -> None:  # type: ignore[override]
            self[name] = ""

    names = Names()
    with pytest.raises(ValueError, match="required"):
        Config.from_environment(names)
    keys = {parameters.key_of(name) for name in parameters.declared()}
    of_the_stack = {
        "ASSETS_BUCKET",
        "CURSOR_KEY",
        "DEPLOYMENT_ROLE_ARN",
        "PERMISSIONS_BOUNDARY_ARN",
        "SANDBOX_INSPECTOR_ROLE_ARN",
        "SANDBOX_READER_ROLE_ARN",
        "SANDBOX_USER_ROLE_ARN",
        "SERVICE_ROLE_ARNS",
        "TABLE_NAME",
    }
    assert names.keys() - keys == of_the_stack | {
        *("FEDERATION_URL", "UNSUPPORTED_FEATURES"),  # only the local AWS emulator sets them
        *("WEBHOOK_NETWORKS", "WEBHOOK_PORTS"),  # only for receivers on a developer's machine
    }


def test_the_revision_is_computed_and_the_rollout_is_chosen() -> None:
    [line] = refused(OIDC + "REVISION=0123456789\n")
    assert "REVISION is unknown" in line
    [line] = refused(OIDC + "ROLLOUT=Canary20Percent5Minutes\n")
    assert "ROLLOUT must be one of AllAtOnce, Canary10Percent5Minutes" in line
    read = parse(OIDC + "ROLLOUT=Linear10PercentEvery1Minute\n")
    assert read.parameters["Rollout"] == "Linear10PercentEvery1Minute"


def test_every_key_is_documented() -> None:
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    keys = {parameters.key_of(name) for name in parameters.declared()} - {"STAGE", "REVISION", "SERVICE_URL"}
    own = {"ACCOUNT", "REGION", "STACK_NAME", "CODE_BUCKET", "API_URL", "WATCH_MINUTES"}
    assert {key for key in keys | own if f"`{key}`" not in page} == set()


def test_a_file_of_windows_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "dev.env"
    path.write_bytes(b"\xef\xbb\xbf" + OIDC.replace("\n", "\r\n").encode())
    assert stage.read(str(path)).parameters == parse(OIDC).parameters


def test_a_file_that_is_no_stage_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "dev.env"
    path.symlink_to("/dev/zero")
    with pytest.raises(InvalidInput, match="larger than"):
        stage.read(str(path))


def test_values_of_invalid_lines_are_not_shown() -> None:
    assert refused(OIDC + "export AWS_SECRET_ACCESS_KEY=hunter2\nhunter2 SECRET\n") == [
        "line 5: 'export AWS_SECRET_ACCESS_KEY' is not KEY=VALUE.",
        "line 6: the line is not KEY=VALUE.",
    ]


def test_outputs_in_the_url_of_the_api_have_names() -> None:
    [error] = refused(OIDC + "API_URL=https://{0}.example\n")
    assert "API_URL must be" in error
