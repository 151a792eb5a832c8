"""Deployment of the service to AWS: `python -m deploy COMMAND --stage dev`.

Nothing in here runs in Lambda or imports `local`.
"""

from __future__ import annotations

import sys
from pathlib import Path

# A stage file is checked by the service's own code, before anything is deployed.
_SERVICE = str(Path(__file__).parents[1] / "chalice_app")
if _SERVICE not in sys.path:
    sys.path.append(_SERVICE)
