"""Small wheels, built without tools."""

from __future__ import annotations

import io
import zipfile


def wheel(name: str, source: str, *, version: str = "1.0", requires: str = "") -> tuple[str, bytes]:
    """Return the file name and content of a wheel with one package."""
    about = f"{name}-{version}.dist-info"
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    files = {
        f"{name}/__init__.py": source,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    listed = "".join(f"{path},,\n" for path in (*files, f"{about}/RECORD"))
    return f"{name}-{version}-py3-none-any.whl", zipped({**files, f"{about}/RECORD": listed})


def zipped(files: dict[str, str] | dict[str, bytes]) -> bytes:
    """Return a zip file."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return body.getvalue()
