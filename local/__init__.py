"""The whole product on one machine: a local AWS emulator (moto and additions) and the unchanged API.

Run it with `python -m local`. Nothing in here ships to Lambda or to a sandbox.
"""

from __future__ import annotations

import sys
from pathlib import Path

# The emulator's Glue parses schedules with the service's code.
_SERVICE = str(Path(__file__).parents[1] / "chalice_app")
if _SERVICE not in sys.path:
    sys.path.append(_SERVICE)
