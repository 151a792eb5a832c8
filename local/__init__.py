"""The whole product on a laptop: an embedded AWS (moto and what moto lacks) and the unchanged API beside it.

`python -m local` is the way in. Nothing in here ships to Lambda or to a sandbox.
"""

from __future__ import annotations

import sys
from pathlib import Path

# The embedded Glue reads schedules as the service does.
_SERVICE = str(Path(__file__).parents[1] / "chalice_app")
if _SERVICE not in sys.path:
    sys.path.append(_SERVICE)
