"""The portal for another static host: `python -m deploy.static_portal --api URL --out FOLDER`.

Copies the built files and adds `config.json`, with the URL of the API and the sign-in that the API names. It
needs no AWS account. docs/portal.md describes what the host must do.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chalicelib.api import portal
from chalicelib.variables import URL
from deploy import http
from deploy.errors import DeploymentError
from deploy.requirements import ROOT

BUILT = ROOT / "chalice_app/chalicelib/portal"
_PAGE, _CONFIG = "index.html", "config.json"


def publish(api: str, out: Path, send: http.Send = http.send, built: Path = BUILT) -> str:
    """Write the files. Return the Content-Security-Policy of the page. Raise `DeploymentError`."""
    if not re.fullmatch(URL, api):
        raise DeploymentError("API must be the URL of the API, https://..., without a query.")
    if not (built / _PAGE).is_file():
        raise DeploymentError("The portal is not built. Run `make portal`.")
    if out.exists() and not _can_be_replaced(out):
        raise DeploymentError(f"{out} has other files than those of a portal. Choose another folder.")
    api = api.rstrip("/")
    config = {**_config(api, send), "api": api}
    urls = [api, config["sign_in"]["token_endpoint"]]
    # Earlier assets stay: pages that are open in a browser load them when they need them.
    shutil.copytree(built, out, ignore=shutil.ignore_patterns("sources.sha256"), dirs_exist_ok=True)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{html.escape(portal.meta_policy(urls))}" />'
    page = out / _PAGE
    page.write_text(portal.with_element(page.read_text(encoding="utf-8"), meta), encoding="utf-8")
    (out / _CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    return portal.policy(urls)


def _can_be_replaced(out: Path) -> bool:
    return out.is_dir() and {path.name for path in out.iterdir()} <= {_PAGE, _CONFIG, "assets"}


def _config(api: str, send: http.Send) -> dict[str, Any]:
    try:
        response = send("GET", f"{api}/{_CONFIG}")
    except http.Unreachable as error:
        raise DeploymentError(f"{api}/{_CONFIG} cannot be read: {error}") from error
    config = response.json()
    if response.status != 200 or not isinstance(config, dict) or "sign_in" not in config:
        raise DeploymentError(
            f"{api}/{_CONFIG} answers {response.status}, without the portal's configuration."
        )
    if config["sign_in"] is None:
        raise DeploymentError("The API has no sign-in for the portal. Set SIGN_IN_* in its stage file.")
    return config


def main(argv: Sequence[str] | None = None) -> int:
    """Write the files and print the headers that the host must send. Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.static_portal")
    parser.add_argument("--api", required=True, help="URL of the API")
    parser.add_argument("--out", required=True, type=Path, help="folder to write")
    options = parser.parse_args(argv)
    try:
        policy = publish(options.api, options.out)
    except DeploymentError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"The portal is in {options.out}. Serve it at the root of PORTAL_ORIGIN with these headers:")
    print(f"  Content-Security-Policy: {policy}")
    print("  X-Content-Type-Options: nosniff")
    print("  Referrer-Policy: no-referrer")
    print("  Cache-Control: no-cache, and for assets/: public, max-age=31536000, immutable")
    return 0


if __name__ == "__main__":
    sys.exit(main())
