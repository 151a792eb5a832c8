"""Simulated time: a scheduler that runs one work item at a time, in the order of their due times.

Each work item has a thread, because it may wait inside code that is unaware of the simulation, such as a
handler of the service during an AWS call. A thread continues only when it is its turn, so that the order of
events depends only on the work items and their waits.
"""

from __future__ import annotations

import heapq
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import time_machine

from local.cloudformation.threads import Runner

_LOOK_SECONDS = 1.0


class Killed(BaseException):
    """The process of this work item was killed. Not an Exception, so that no handler continues after it."""


class Abandoned(Killed):
    """The simulation has ended."""


@dataclass
class Work:
    """A work item. `error` is the exception that it ended with.

    A work item that is `killed`, or that continues after its `deadline` (in simulated seconds), makes no more
    calls, even if code suppresses its `Killed`. Its machine's clock is ahead by `skew` seconds.
    """

    name: str
    do: Callable[[], None]
    began: float
    killed: bool = False
    skew: float = 0.0
    deadline: float = math.inf
    turn: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread | None = None
    ended: bool = False
    error: BaseException | None = None


class Simulation(Runner):
    """A process whose clock advances only between work items. Use it as a context manager."""

    def __init__(self, begin: datetime) -> None:
        self._travel = time_machine.travel(begin, tick=False)
        self._begin: float = begin.timestamp()
        self._time: float = self._begin
        self._due: list[tuple[float, int, Work]] = []
        self._count = 0
        self._until = self._begin
        self._main = threading.Lock()
        self._main.acquire()
        self._current: Work | None = None
        self._over = False

    def __enter__(self) -> Simulation:
        self._traveller = self._travel.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        while self._due:  # ends every waiting thread
            waiting = heapq.heappop(self._due)[2]
            if waiting.thread is not None:
                self._hand_over(waiting)
        self._travel.stop()

    @property
    def seconds(self) -> float:
        """Simulated seconds since the start."""
        return self._time - self._begin

    @property
    def current(self) -> Work:
        """The running work item."""
        if self._current is None:
            raise RuntimeError("no work item is running")
        return self._current

    def now(self) -> datetime:
        """Return the simulated time in UTC."""
        return datetime.fromtimestamp(self._time, UTC)

    def clock(self) -> datetime:
        """Return the time of the clock of the machine that runs the current work item."""
        skew = self._current.skew if self._current is not None else 0.0
        return datetime.fromtimestamp(self._time + skew, UTC)

    def later(self, seconds: float, name: str, do: Callable[[], None]) -> Work:
        """Schedule a work item after some seconds."""
        work = Work(name, do, self._time + seconds)
        work.turn.acquire()
        self._enqueue(work, work.began)
        return work

    def start(self, name: str, work: Callable[[], None]) -> Callable[[], None]:
        """Schedule a work item now. Return a function that waits for its end within another work item."""
        begun = self.later(0, name, work)

        def until_ended() -> None:
            while not begun.ended:
                self.wait(_LOOK_SECONDS)

        return until_ended

    def wait(self, seconds: float) -> None:
        """Let seconds pass for the current work item. Can be called from any of its threads."""
        if self._over:
            raise Abandoned
        wake = self._time + seconds
        if wake <= self._until and (not self._due or wake < self._due[0][0]):
            self._move_to(wake)  # no other work item is due before
            return
        work = self.current
        self._enqueue(work, wake)
        self._main.release()
        work.turn.acquire()
        if self._over:
            raise Abandoned

    def run(self, seconds: float) -> None:
        """Run the work items of the next seconds. Raise the unexpected error of a work item."""
        self._until = self._time + seconds
        while self._due and self._due[0][0] <= self._until:
            when, _, work = heapq.heappop(self._due)
            self._move_to(when)
            self._hand_over(work)
            if work.error is not None:
                raise RuntimeError(f"{work.name} ended with {work.error!r}") from work.error
        self._move_to(self._until)

    def close(self) -> None:
        """Do nothing, as the end of the simulation ends all waits."""

    def _enqueue(self, work: Work, when: float) -> None:
        self._count += 1
        heapq.heappush(self._due, (when, self._count, work))

    def _move_to(self, when: float) -> None:
        self._time = when
        self._traveller.move_to(when)

    def _hand_over(self, work: Work) -> None:
        before, self._current = self._current, work
        if work.thread is None:
            work.thread = threading.Thread(target=self._carry_out, args=(work,), name=work.name, daemon=True)
            work.thread.start()
        else:
            work.turn.release()
        self._main.acquire()
        self._current = before
        if work.ended:
            work.thread.join()

    def _carry_out(self, work: Work) -> None:
        try:
            work.do()
        except Abandoned:
            pass
        except BaseException as error:  # raised again by `run`, in the main thread
            work.error = error
        finally:
            work.ended = True
            self._main.release()
