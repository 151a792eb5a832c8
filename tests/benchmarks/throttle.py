"""Runs a command with a share of a CPU, as Lambda gives it to functions with less than 1,769 MB.

    python tests/benchmarks/throttle.py SHARE COMMAND...

Like the kernel's quota (https://docs.kernel.org/scheduler/sched-bwc.html), but without its rights: in each
period, the process may use SHARE of the period as CPU time, and is stopped for the rest of the period when it
has. What it did not use is lost. What it used too much is subtracted from the next period. Linux only.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence

_PERIOD = 0.02
_SHORTEST_SLEEP = 0.0002


def run(share: float, command: Sequence[str]) -> int:
    """Run a command, and return its exit code."""
    process = subprocess.Popen(command)
    if share >= 1:
        return process.wait()
    clock = ~process.pid << 3 | 2  # clock_getcpuclockid(3): CPU time of all threads of the process
    quota, stopped = share * _PERIOD, False
    limit, end = quota, time.monotonic() + _PERIOD
    while process.poll() is None:
        try:
            used = time.clock_gettime(clock)
        except OSError:  # the process has just ended
            continue
        rest = end - time.monotonic()
        if rest <= 0:
            limit, end = min(limit, used) + quota, end + _PERIOD
        elif used >= limit:
            if not stopped:
                process.send_signal(signal.SIGSTOP)
                stopped = True
            time.sleep(rest)
        else:
            if stopped:
                process.send_signal(signal.SIGCONT)
                stopped = False
            time.sleep(max(_SHORTEST_SLEEP, min(limit - used, rest)))
    return process.returncode


if __name__ == "__main__":
    sys.exit(run(float(sys.argv[1]), sys.argv[2:]))
