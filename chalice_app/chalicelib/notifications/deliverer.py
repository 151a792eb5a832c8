"""Deliverer: works off the outbox, so that one slow receiver does not delay the others.

Notices of one environment are sent one after the other, those of several at the same time. At most
`_HOST_THREADS` go to one host. If a host does not answer, its other notices are postponed without a request.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from chalicelib.aws.errors import AwsError
from chalicelib.clock import Clock, now, timestamp
from chalicelib.domain.environment import Environment
from chalicelib.domain.notices import Notice
from chalicelib.errors import StaleRecord, Unavailable
from chalicelib.notifications.delivery import NoticeDelivery, webhook_for
from chalicelib.notifications.https_client import HttpsClient
from chalicelib.observability import logger, record_metric
from chalicelib.storage import metrics
from chalicelib.storage.store import Store

_THREADS = 8
_HOST_THREADS = 2
_BATCH = 100
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""


@dataclass(frozen=True)
class _Group:
    """The due notices of one environment, and the host of its webhook, or an empty string."""

    environment: Environment | None
    notices: list[Notice]
    host: str


class Deliverer:
    """Delivers the notices that are due. Can be called repeatedly, also by several processes."""

    def __init__(
        self,
        store: Store,
        delivery: NoticeDelivery,
        client: HttpsClient,
        *,
        clock: Clock = now,
        threads: int = _THREADS,
    ) -> None:
        self._store = store
        self._delivery = delivery
        self._client = client
        self._clock = clock
        self._threads = threads

    def with_one_thread(self) -> Deliverer:
        """Return a deliverer that sends one notice at a time, as a simulation of time requires."""
        return Deliverer(self._store, self._delivery, self._client, clock=self._clock, threads=1)

    def deliver(self, *, seconds: float) -> int:
        """Deliver the due notices for about `seconds`, longest overdue first. Return their number."""
        deadline = self._clock().timestamp() + seconds
        seen: set[str] = set()
        silent: set[str] = set()
        while self._clock().timestamp() < deadline:
            # Notices that another process holds are still due and come first, so ask for more than these.
            found = self._store.outbox.due(timestamp(self._clock()), _BATCH + len(seen))
            notices = [notice for notice in found if notice.id not in seen][:_BATCH]
            if not notices:
                break
            if not seen:
                metrics.outbox_read(self._clock(), notices[0])
            seen |= {notice.id for notice in notices}
            self._work_off([*self._groups(notices)], silent, deadline)
        return len(seen)

    def _groups(self, notices: list[Notice]) -> Iterator[_Group]:
        by_environment: dict[str, list[Notice]] = defaultdict(list)
        for notice in notices:
            by_environment[notice.environment_id].append(notice)
        for environment_id, group in by_environment.items():
            try:
                environment = self._store.environment(environment_id)
            except (AwsError, Unavailable) as error:  # the notices stay due
                logger.warning("notices postponed", environment_id=environment_id, detail=str(error))
                continue
            webhook = environment.webhook if environment else None
            yield _Group(environment, group, self._client.host(webhook.url) if webhook else "")

    def _work_off(self, waiting: list[_Group], silent: set[str], deadline: float) -> None:
        active: dict[Future[None], str] = {}
        with ThreadPoolExecutor(self._threads) as pool:
            while waiting or active:
                hosts = Counter(host for host in active.values() if host)
                free = [group for group in waiting if hosts[group.host] < _HOST_THREADS]
                if free and len(active) < self._threads:
                    waiting.remove(free[0])
                    active[pool.submit(self._send, free[0], silent, deadline)] = free[0].host
                    continue
                done, _ = wait(active, return_when=FIRST_COMPLETED)
                for future in done:
                    del active[future]

    def _send(self, group: _Group, silent: set[str], deadline: float) -> None:
        """Deliver the notices of one environment. Those that are not reached before the deadline stay due."""
        environment = group.environment
        for notice in group.notices:
            if self._clock().timestamp() >= deadline:
                return
            try:
                skips = group.host in silent and webhook_for(environment, notice) is not None
                attempt = self._delivery.attempt(notice, environment, skips=skips)
                environment = attempt.environment
                if attempt.is_silent:
                    silent.add(group.host)
            except StaleRecord:  # another process has it
                continue
            except (AwsError, Unavailable) as error:  # the notice is due again
                logger.warning("notice postponed", notice_id=notice.id, detail=str(error))
            except Exception:  # a bug that other notices may not have
                logger.exception("notice failed", notice_id=notice.id)
                record_metric("RecordErrors", 1)
