"""Installation of the pinned packages: `python3.11 -m local.install`."""

from __future__ import annotations

import sys

from local.install.packages import main

if __name__ == "__main__":
    sys.exit(main())
