"""Short paths for logs and error messages: those of this machine mean nothing to the author of a script."""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from local.runtime.paths import GLUE_LIBRARIES, ROOT
from local.spark import pyspark_package
from local.spark.launch import SHIM


def shortener(folder: Path) -> Callable[[str], str]:
    """Return a function that replaces paths of this machine in a text.

    Files of the run, whose folder is `folder`, and of packages keep the path that an import has, such as
    `main.py` and `pyspark/sql/dataframe.py`. Other paths keep what follows the home or the environment.
    """
    own = [folder / name for name in ("script", "libraries", "modules", "work")]
    packages = [SHIM, GLUE_LIBRARIES, pyspark_package.FOLDER.parent, Path(sysconfig.get_path("purelib"))]
    modules = folder.parent.with_name("python-modules")
    library = Path(sysconfig.get_path("stdlib"))
    replaced = {
        **{f"{path}/": "" for place in (*own, *packages, folder, ROOT) for path in {place, place.resolve()}},
        f"{library}/": f"{library.name}/",
        f"{sys.prefix}/": "",
        f"{Path.home()}/": "~/",
    }
    longest_first = sorted((re.escape(path) for path in replaced if len(path) > 2), key=len, reverse=True)
    installed = rf"{re.escape(str(modules))}/[^/\s]+/(?:modules/)?"
    # Not in the middle of a path, and not the bucket of an s3:// URI.
    begin = r"(?<![\w.-])(?<!s3:/)(?<!s3a:/)(?<!s3n:/)"
    pattern = re.compile(f"{begin}(?:{'|'.join([installed, *longest_first])})")
    return lambda text: pattern.sub(lambda match: replaced.get(match[0], ""), text)
