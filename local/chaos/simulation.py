"""Simulated time: pieces of work of which one goes on at a time, always the one that is due next.

Each piece of work has a thread, for it may wait in the midst of code that knows nothing of a simulation (a
handler of the service in its AWS call). But a thread only goes on when it is handed the turn, so everything
happens in one order, which follows from the work and its waits alone.
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
    """The process that does this work is gone. Not an Exception: nobody may go on after it."""


class Abandoned(Killed):
    """The simulation is over."""


@dataclass
class Work:
    """A piece of work, by name; `error` is what it ended with, if not well.

    One that is `killed`, or goes on after its `deadline` (in seconds of the simulation), calls nobody any
    more, even where code swallows its `Killed`. Its machine's clock is `skew` seconds ahead.
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
    """A process whose clock moves only from one piece of work to the next. Use it as a context manager."""

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
        while self._due:  # every thread that waits is told to end
            waiting = heapq.heappop(self._due)[2]
            if waiting.thread is not None:
                self._hand_over(waiting)
        self._travel.stop()

    @property
    def seconds(self) -> float:
        """Seconds since the begin."""
        return self._time - self._begin

    @property
    def current(self) -> Work:
        """The piece of work that goes on now."""
        if self._current is None:
            raise RuntimeError("no work of the simulation goes on")
        return self._current

    def now(self) -> datetime:
        """The simulated time, UTC."""
        return datetime.fromtimestamp(self._time, UTC)

    def clock(self) -> datetime:
        """The time by the clock of the machine on which the current work is done."""
        skew = self._current.skew if self._current is not None else 0.0
        return datetime.fromtimestamp(self._time + skew, UTC)

    def later(self, seconds: float, name: str, do: Callable[[], None]) -> Work:
        """Do something after some seconds."""
        work = Work(name, do, self._time + seconds)
        work.turn.acquire()
        self._enqueue(work, work.began)
        return work

    def start(self, name: str, work: Callable[[], None]) -> Callable[[], None]:
        """Do something as soon as it may; gives what waits, within other work, for its end."""
        begun = self.later(0, name, work)

        def until_ended() -> None:
            while not begun.ended:
                self.wait(_LOOK_SECONDS)

        return until_ended

    def wait(self, seconds: float) -> None:
        """Let seconds pass for the current work, in which others go on. Any thread of that work may call."""
        if self._over:
            raise Abandoned
        wake = self._time + seconds
        if wake <= self._until and (not self._due or wake < self._due[0][0]):
            self._move_to(wake)  # nobody else is due before
            return
        work = self.current
        self._enqueue(work, wake)
        self._main.release()
        work.turn.acquire()
        if self._over:
            raise Abandoned

    def run(self, seconds: float) -> None:
        """Let some seconds pass; an error of work that nobody has expected is raised here."""
        self._until = self._time + seconds
        while self._due and self._due[0][0] <= self._until:
            when, _, work = heapq.heappop(self._due)
            self._move_to(when)
            self._hand_over(work)
            if work.error is not None:
                raise RuntimeError(f"{work.name} ended with {work.error!r}") from work.error
        self._move_to(self._until)

    def close(self) -> None:
        """As a `Runner`: who waits is told by the end of the simulation."""

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
