"""Standard output of a benchmark has figures only, so a file of it can be added to docs/performance.md."""

import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

SCRIPT = """
import sys
from pathlib import Path
from tests.benchmarks.cold_start import served
with served(Path(sys.argv[1])):
    pass
"""


def test_the_app_logs_nothing_to_the_output_of_cold_start(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == ""
