"""Chromium for the tests of the docs page: `python -m local.install.browser` installs it on Debian.

Without Debian or without root, it prints a message, and pytest skips the tests that need a browser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_INSTALL = (
    ["apt-get", "update", "-qq"],
    ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
)


def find() -> str | None:
    """Return the path of Chromium, or None if it is not installed."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def main() -> int:
    """Install Chromium if it is missing. Return 0 even on failure, because only some tests need it."""
    if find() is not None:
        return 0
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print("Chromium is not installed. Only root on Debian can install it. Tests of pages are skipped.")
        return 0
    print("Installing Chromium.", flush=True)
    for command in _INSTALL:
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            print(f"Installing Chromium failed. Tests of pages are skipped. {done.stderr.strip()[-500:]}")
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
