"""The way of small files between a disk and a service: batches, each worked off by one thread over many connections.

Only what goes well is done here. Whatever does not is handed to the ordinary way, which tries again, renews keys and
reports failures.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from anyfit.errors import AnyfitError
from anyfit.storage.api import Sum
from anyfit.storage.crew import Crew
from anyfit.storage.file import FileStore
from anyfit.storage.many import Small, exchange
from anyfit.storage.plan import Step
from anyfit.storage.service import ServiceStore
from anyfit.storage.tally import Stopped
from anyfit.storage.verify import proves
from anyfit.storage.workshop import Job, Workshop
from anyfit.values import frozen

if TYPE_CHECKING:
    from anyfit.storage.mover import Mover
    from anyfit.storage.rest import RestApi

__all__ = ["Lanes"]

_SMALL = 64 << 10
_BATCH = 256
_LANES = 2


@frozen
class _Tag:
    """What has to be known of a request when its answer comes."""

    step: Step
    job: Job
    size: int = 0
    sums: Sum | None = None


class _Way(ABC):
    """One direction, for one batch."""

    def __init__(self, mover: Mover, store: ServiceStore, api: RestApi) -> None:
        self.mover = mover
        self.tally = mover.shop.tally
        self.store = store
        self.api = api
        self.left: list[Step] = []

    @abstractmethod
    def request(self, step: Step, job: Job) -> tuple[bytes, _Tag]:
        """The request for a step."""

    @abstractmethod
    def done(self, tag: _Tag, answer: Small) -> bool:
        """Take an answer; False when the step is not done by it."""

    def requests(self, steps: list[Step]) -> Iterator[tuple[bytes, _Tag]]:
        """A request for each step, made when there is a line for it."""
        for step in steps:
            try:
                yield self.request(step, self.mover.job(step))
            except (AnyfitError, OSError, UnicodeEncodeError):
                self.left.append(step)

    def run(self, steps: list[Step], window: int) -> None:
        """Work off a batch; what is not done is in `left`."""
        for tag, answer in exchange(self.api.wire, self.requests(steps), window):
            if answer is None or answer.status != 200 or not self.done(tag, answer):
                self.tally.undone(tag.size)
                self.left.append(tag.step)


class _Up(_Way):
    def request(self, step: Step, job: Job) -> tuple[bytes, _Tag]:
        data, _, _, checksum = self.mover.read(job)
        self.tally.moving(len(data))
        sums = self.store.sums(data)
        return self.api.small_put(job.target_key, data, sums, checksum), _Tag(step, job, len(data), sums)

    def done(self, tag: _Tag, answer: Small) -> bool:
        put = self.api.stored(answer.headers)
        if tag.sums is None or not put.etag or not put.is_proven_by(tag.sums):
            return False
        self.tally.done(tag.job.action)
        return True


class _Down(_Way):
    def request(self, step: Step, job: Job) -> tuple[bytes, _Tag]:
        return self.api.small_get(job.entry.key), _Tag(step, job)

    def done(self, tag: _Tag, answer: Small) -> bool:
        entry = self.api.entry(tag.job.entry.key, answer.headers, len(answer.body))
        proven = proves(answer.body, entry)
        if not entry.etag or len(answer.body) != tag.job.entry.size:
            return False
        if proven is False or (proven is None and "-" in entry.etag):  # which takes another reading to prove
            return False
        try:
            self.mover.write(tag.job, answer.body, tag.job.entry.modified)
        except (AnyfitError, OSError):
            return False
        self.tally.done(tag.job.action, proven=bool(proven))
        return True


class Lanes:
    """Gathers steps to batches and works them off.

    Args:
        mover: Does what cannot be done here.
        jobs: Connections of all lanes together.
    """

    def __init__(self, shop: Workshop, mover: Mover, jobs: int) -> None:
        self.shop = shop
        self.mover = mover
        self._lanes = max(1, min(_LANES, jobs // 2))
        self._window = max(1, jobs // self._lanes)
        self._steps: list[Step] = []
        self._crew: Crew | None = None
        source, target = shop.source.store, shop.target.store
        self._way: type[_Way] | None = None
        if isinstance(source, FileStore) and isinstance(target, ServiceStore):
            self._way, self._store = _Up, target
        elif isinstance(source, ServiceStore) and isinstance(target, FileStore):
            self._way, self._store = _Down, source

    def takes(self, step: Step) -> bool:
        """Take a step, if it is one for this way."""
        if self._way is None or step.kind != "copy" or step.source is None or step.source.size > _SMALL:
            return False
        self._steps.append(step)
        if len(self._steps) == _BATCH:
            self._submit()
        return True

    def finish(self) -> None:
        """Work off what is left."""
        if self._steps:
            self._submit()
        if self._crew:
            self._crew.wait()
            self._crew.dismiss()

    def dismiss(self, *, patience: float) -> None:
        """Drop what is left."""
        if self._crew:
            self._crew.dismiss(patience=patience)

    def _submit(self) -> None:
        self._crew = self._crew or Crew(self._lanes)
        self._crew.submit(partial(self._batch, self._steps))
        self._steps = []

    def _batch(self, steps: list[Step]) -> None:
        api = None
        with suppress(AnyfitError):  # the ordinary way will meet the same error and report it
            api = self._store.direct_api()
        if api is None or self._way is None:
            self._ordinarily(steps)
            return
        way = self._way(self.mover, self._store, api)
        with suppress(Stopped):
            way.run(steps, self._window)
            self._ordinarily(way.left)

    def _ordinarily(self, steps: list[Step]) -> None:
        self.shop.crew.follow(partial(self.mover.run, step) for step in steps)
