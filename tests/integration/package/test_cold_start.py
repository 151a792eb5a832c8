"""What a cold start of the packaged functions imports and loads."""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from chalicelib.api import routes
from tests.support.paths import ROOT
from tests.support.tokens import EC, RSA, jwk, token

pytestmark = [
    pytest.mark.xdist_group("package"),
    pytest.mark.skipif(
        (platform.system(), platform.machine()) != ("Linux", "x86_64"), reason="wheels of Lambda's Linux"
    ),
]

VARIABLES = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "ISSUER": "https://issuer.example",
    "SANDBOX_INSPECTOR_ROLE_ARN": "arn:aws:iam::123456789012:role/sandbox-inspector",
    "SANDBOX_READER_ROLE_ARN": "arn:aws:iam::123456789012:role/sandbox-reader",
    "SANDBOX_USER_ROLE_ARN": "arn:aws:iam::123456789012:role/sandbox-user",
    **dict.fromkeys(("TABLE_NAME", "ASSETS_BUCKET", "AUDIENCE", "CURSOR_KEY"), "some-text-of-ours"),
}
LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "f", "LAMBDA_TASK_ROOT": "/var/task", "AWS_REGION": "us-east-1"}

VERIFICATION = """
import jwt
from chalicelib.api.signing_keys import SigningKey

def verified(sent, entry):
    options = {"verify_aud": False}
    return jwt.decode(sent, SigningKey(entry), algorithms=["RS256", "ES256"], options=options)

for entry in entries:
    sent = tokens[entry["kid"]]
    assert verified(sent, entry)["email"] == "ana@x.org"
    try:
        verified(sent[:-9] + "AAAAAAAA" + sent[-1], entry)
    except jwt.InvalidSignatureError:
        continue
    raise AssertionError(sent)
"""


def modules_after(unzipped: Path, program: str, **environ: str) -> set[str]:
    """Modules of a process that has only the zip on its path."""
    start = f"import json, sys; sys.path.insert(0, {str(unzipped)!r})\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", f"{start}{program}\nprint(json.dumps(sorted(sys.modules)))"],
        env={**VARIABLES, **environ},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("environ", [{}, LAMBDA])
def test_the_import_of_the_app_needs_no_client_and_no_part_of_the_service_and_in_lambda_the_storage(
    unzipped: Path, environ: dict[str, str]
) -> None:
    modules = modules_after(unzipped, "import app", **environ)
    roots = {name.partition(".")[0] for name in modules}
    assert roots & {"boto3", "jwt", "Cryptodome", "sqlite3"} == set()
    in_lambda = {"aws_xray_sdk", "pydantic"}
    assert roots & in_lambda == (in_lambda if environ else set())
    ours = {name for name in modules if name.startswith("chalicelib.")}
    assert ("chalicelib.storage.store" in ours) == bool(environ)
    assert not {name for name in ours if name.split(".")[1] in ("services", "lifecycle", "wiring")}
    assert not {
        name for name in ours if name.startswith(("chalicelib.api.routes.", "chalicelib.api.openapi"))
    }


def test_a_tick_imports_nothing_of_the_api(unzipped: Path) -> None:
    program = "import app\nevents = app.service().events\nevents.tick, events._reconciler.reconcile"
    modules = modules_after(unzipped, program)
    assert {"chalicelib.lifecycle.reconcile", "chalicelib.runs.job_runs"} <= modules
    assert not {"jwt", "Cryptodome", "chalicelib.api.auth", "chalicelib.api.handling"} & modules
    api = ("chalicelib.api.responses", "chalicelib.api.openapi", "chalicelib.api.routes.")
    assert not {name for name in modules if name.startswith(api)}
    assert not {name for name in modules if name.startswith("aws_lambda_powertools.utilities.parser")}


def test_a_read_of_an_environment_imports_nothing_of_jobs_queries_and_the_life_cycle(unzipped: Path) -> None:
    program = (
        "import app\nfrom chalicelib.api import handling, routes\nroutes.declared('environments')\n"
        "service = app.service()\nservice.environments.visible, service.authenticator.caller\n"
        "service.environments._store._table._client.get_item, service.releases._buckets._client.get_object"
    )
    modules = modules_after(unzipped, program)
    assert {"chalicelib.services.environments", "chalicelib.api.auth"} <= modules
    others = ("chalicelib.runs.", "chalicelib.queries.", "chalicelib.lifecycle.", "chalicelib.sandbox.")
    assert not {name for name in modules if name.startswith((*others, "chalicelib.api.openapi"))}
    assert not {"chalicelib.services.jobs", "chalicelib.services.cohorts", "cryptography"} & modules
    assert not {"chalicelib.api.responses.jobs", "chalicelib.api.responses.tables"} & modules
    assert not {name for name in modules if name.startswith(("boto3", "s3transfer"))}


def test_every_part_of_the_service_can_be_built_from_the_zip_alone(unzipped: Path) -> None:
    program = (
        "import gc, app, boto3\n"
        "from chalicelib import lazy\n"
        "from chalicelib.api import openapi\n"
        "service = app.service()\n"
        "for _ in range(3):\n"  # a part that is made can have others
        "    for each in [found for found in gc.get_objects() if type(found) is lazy._Lazy]:\n"
        "        lazy._made(each)\n"  # a `getattr` with a default would hide an AttributeError of its making
        "shared = vars(__import__('chalicelib.wiring.shared', fromlist=['x']))\n"
        "for name in (*shared['PATIENT_SERVICES'], 'cloudformation', 'dynamodb', 'sns', 'sts'):\n"
        "    boto3.client(name)\n"
        "document = openapi.document(app.api.all)\n"
        f"committed = json.load(open({str(ROOT / 'docs/openapi.json')!r}))\n"
        "assert json.loads(json.dumps(document)) == committed\n"
    )
    assert "chalicelib.services.cohorts" in modules_after(unzipped, program, **LAMBDA)


def test_tokens_are_verified_with_the_zip_alone_and_without_libraries_of_the_system(unzipped: Path) -> None:
    tokens = {"rsa": token(), "ec": token(EC, "ES256", "ec")}
    program = f"entries, tokens = {[jwk(RSA, 'rsa'), jwk(EC, 'ec')]!r}, {tokens!r}\n" + VERIFICATION
    modules = modules_after(unzipped, program, **LAMBDA)
    assert "Cryptodome.Math._IntegerCustom" in modules  # _IntegerGMP starts ldconfig
    assert not {"Cryptodome.Math._IntegerGMP", "cryptography", "cffi"} & modules


def test_cursors_are_sealed_with_the_zip_alone_as_another_implementation_does(unzipped: Path) -> None:
    cipher = AESSIV(hashlib.sha512(b"secret").digest())
    sealed = (
        base64.urlsafe_b64encode(cipher.encrypt(b'{"pk":"a"}', [b'"jobs"', b"null"])).decode().rstrip("=")
    )
    program = (
        "from chalicelib.api.cursors import Cursors\n"
        "cursors = Cursors('secret')\n"
        f"assert cursors.encode({{'pk': 'a'}}, ('jobs', None)) == {sealed!r}\n"
        f"assert cursors.decode({sealed!r}, ('jobs', None)) == {{'pk': 'a'}}\n"
    )
    modules_after(unzipped, program, **LAMBDA)


def test_the_zip_has_the_byte_code_of_every_module(unzipped: Path) -> None:
    sources = {path.relative_to(unzipped) for path in unzipped.rglob("*.py")}
    assert {path.parts[0] for path in sources} == {"app.py", "chalicelib"}
    for path in sources:
        compiled = unzipped / path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc"
        flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
        assert flags == 0b01, path  # Python does not compare it with the source (PEP 552)


def test_every_operation_is_registered_by_the_module_that_declares_it() -> None:
    files = {path.stem for path in Path(routes.__file__).parent.glob("*.py")} - {"__init__", "responding"}
    assert routes.MODULES.keys() == files
    for module, registered in routes.MODULES.items():
        assert [operation.route for operation in routes.declared(module)] == list(registered), module
