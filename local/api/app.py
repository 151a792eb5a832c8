"""Loads the unchanged Chalice app and its configuration.

`chalice.cli.factory` does the same, but imports the packages of Chalice's prompts and deployment, too.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

from chalice.app import Chalice
from chalice.config import Config

from local.runtime.paths import ROOT

_PROJECT = ROOT / "chalice_app"


def load(stage: str) -> tuple[Chalice, Config]:
    """Import the app with the variables of a stage. Return the app and the stage's configuration."""
    from_disk = json.loads((_PROJECT / ".chalice" / "config.json").read_text(encoding="utf-8"))
    config = Config(
        chalice_stage=stage,
        user_provided_params={"chalice_app": lambda: importlib.import_module("app").app},
        config_from_disk=from_disk,
        default_params={"project_dir": str(_PROJECT), "api_gateway_stage": "api", "autogen_policy": False},
    )
    os.environ.update(config.environment_variables)
    if str(_PROJECT) not in sys.path:
        sys.path.insert(0, str(_PROJECT))
    app: Chalice = config.chalice_app
    return app, config
