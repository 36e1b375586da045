"""One protocol for every request that makes something: written down, sent once, and looked up by name when in doubt.

    ref = ask_once(JobIntent(session, backend, plan), send=lambda: backend.submit(plan), find=lambda: backend.find(key))

The intent stands in the journal before the request is sent. A refusal frees its name. A lost answer is looked up, more
than once, for the service may still be at it. What is not found then, or cannot be looked up either, stays open, and
whoever wants the name next looks it up first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TypeVar

from attrs import frozen

from anyfit.errors import AnyfitError, Conflict, LostAnswer, ServiceError, StorageError

if TYPE_CHECKING:
    from anyfit.backend import Backend, EndpointRef, JobRef, ModelInfo, ModelRef, Plan
    from anyfit.modelrows import ModelRow
    from anyfit.session import Session
    from anyfit.spec import EndpointSpec, ModelSpec

__all__ = ["EndpointIntent", "Intent", "JobIntent", "ModelIntent", "ask_once", "made_since"]

_R = TypeVar("_R")
_Noted = TypeVar("_Noted", contravariant=True)

_PAUSES = (0.0, 0.5, 1.5)  # seconds before each look for what was asked for and not answered
_OPEN = "nobody can tell yet whether the request arrived; do it again, and it is looked up before anything is sent"


class Intent(Protocol[_Noted]):
    """What is about to be made, and its row in the journal."""

    @property
    def place(self) -> tuple[str, ...]:
        """What tells it from all other intents."""

    def write(self) -> None:
        """Write it down; `Conflict` when the name is taken."""

    def settle(self) -> bool:
        """Find out about an open intent of this name that nobody is at any more; False when there is none."""

    def withdraw(self) -> None:
        """Free the name."""

    def leave(self) -> None:
        """Leave the intent open, for whoever comes next; nothing once it is withdrawn or noted."""

    def note(self, ref: _Noted) -> None:
        """Write down where it is."""


@frozen
class JobIntent:
    """A job that is about to be submitted."""

    session: Session
    backend: Backend
    plan: Plan

    @property
    def place(self) -> tuple[str, ...]:
        return (str(self.session.config.home), "job", self.backend.name, self.backend.place, self.plan.spec.key)

    def write(self) -> None:
        from anyfit.backend import Feature

        try:
            self.session.journal.intend(self.plan, self.session.profile, self.backend.place)
        except Conflict as fault:
            if self.backend.capabilities.can(Feature.VERSIONS):
                fault.hint += "; version_of makes a new version of a job"
            raise

    def settle(self) -> bool:
        return self.session.settle_job(self.backend, self.plan.spec.key)

    def withdraw(self) -> None:
        self.session.journal.withdraw(self.backend.name, self.plan.spec.key, self.backend.place)

    def leave(self) -> None:
        self.session.journal.leave(self.backend.name, self.plan.spec.key, self.backend.place)

    def note(self, ref: JobRef) -> None:
        self.session.journal.submitted(self.plan, ref, self.session.profile, self.backend.place)


@frozen
class EndpointIntent:
    """An endpoint that is about to be made; `job` is the reference of the job that it serves, or ""."""

    session: Session
    backend: Backend
    spec: EndpointSpec
    job: str

    @property
    def place(self) -> tuple[str, ...]:
        return (str(self.session.config.home), "endpoint", self.backend.name, self.backend.place, self.spec.name)

    def write(self) -> None:
        self.session.journal.intend_endpoint(
            self.backend.name, self.spec, self.session.profile, self.job, self.backend.place
        )

    def settle(self) -> bool:
        return self.session.settle_endpoint(self.backend, self.spec.name)

    def withdraw(self) -> None:
        self.session.journal.withdraw_endpoint(self.backend.name, self.spec.name, self.backend.place)

    def leave(self) -> None:
        self.session.journal.leave_endpoint(self.backend.name, self.spec.name, self.backend.place)

    def note(self, ref: EndpointRef) -> None:
        self.session.journal.deployed(self.spec, ref, self.session.profile, self.job, self.backend.place)


class ModelIntent:
    """A model version that is about to be registered; several clients may count versions of one name at once."""

    def __init__(self, session: Session, backend: Backend, spec: ModelSpec) -> None:
        from anyfit.modelrows import ModelRow

        self._rows = session.journal.models
        self._backend = backend
        known = frozenset(str(info.ref) for info in backend.models(spec.name))
        self._row = ModelRow(
            backend=backend.name,
            place=backend.place,
            name=spec.name,
            version=spec.version,
            profile=session.profile,
            job=spec.job,
            known=known,
        )
        self._number = 0

    @property
    def place(self) -> tuple[str, ...]:
        return ("model", str(id(self)))

    def write(self) -> None:
        self._number = self._rows.intend(self._row)

    def settle(self) -> bool:
        return False  # names are not taken, so there is nothing in the way

    def withdraw(self) -> None:
        self._rows.close(self._number)

    def leave(self) -> None:
        self._rows.leave(self._number)

    def note(self, ref: ModelRef) -> None:
        self._rows.close(self._number)

    def find(self) -> ModelRef | None:
        """What the request has made, if it arrived."""
        found = made_since(self._backend, self._row)
        return found.ref if found else None


def made_since(backend: Backend, row: ModelRow) -> ModelInfo | None:
    """The newest version that fits what was asked for and was not there before."""
    for info in backend.models(row.name):
        same = row.version in ("", info.version) and row.job in ("", info.job or row.job)
        if same and str(info.ref) not in row.known:
            return info
    return None


def ask_once(
    intent: Intent[_R],
    *,
    send: Callable[[], _R],
    find: Callable[[], _R | None],
    prepare: Callable[[], object] = bool,
) -> _R:
    """Make something, and never make it twice.

    Args:
        intent: What is to be made.
        send: Sends the request. `ServiceError` means that nobody knows whether it arrived, any other `AnyfitError`
            that it was refused.
        find: Looks it up by name.
        prepare: What has to be done between the intent and the request; nothing is made when it fails.

    Raises `Conflict` when the name is taken, what `prepare` raises, the refusal, or the `ServiceError` of `send`, whose
    cause is the fault of `find` where that failed too.
    """
    with _alone(intent.place) as alone:
        _write(intent, alone=alone)
        try:
            _prepare(intent, prepare)
            ref = _sent(intent, send, find)
            intent.note(ref)
        except BaseException:
            with suppress(StorageError):
                intent.leave()
            raise
    return ref


def _write(intent: Intent[_R], *, alone: bool) -> None:
    try:
        intent.write()
    except Conflict:
        if not (alone and intent.settle()):
            raise
        intent.write()


def _prepare(intent: Intent[_R], prepare: Callable[[], object]) -> None:
    try:
        prepare()
    except BaseException:
        intent.withdraw()
        raise


def _sent(intent: Intent[_R], send: Callable[[], _R], find: Callable[[], _R | None]) -> _R:
    try:
        return send()
    except LostAnswer as lost:
        ref = _awaited(find, lost)
        if ref is None:
            lost.hint = "; ".join(filter(None, (lost.hint, _OPEN)))
            raise
        return ref
    except ServiceError as fault:
        ref = _looked_up(find, fault)
        if ref is None:
            intent.withdraw()
            raise
        return ref
    except AnyfitError:
        intent.withdraw()
        raise


def _awaited(find: Callable[[], _R | None], lost: LostAnswer) -> _R | None:
    for pause in _PAUSES:
        time.sleep(pause)
        if (ref := _looked_up(find, lost)) is not None:
            return ref
    return None


def _looked_up(find: Callable[[], _R | None], lost: ServiceError) -> _R | None:
    try:
        return find()
    except AnyfitError as fault:
        lost.hint = "; ".join(filter(None, (lost.hint, _OPEN)))
        raise lost from fault


_under_way: set[tuple[str, ...]] = set()
_lock = Lock()


@contextmanager
def _alone(place: tuple[str, ...]) -> Iterator[bool]:
    """Whether no other thread of this process is at this: then an open intent of this process is one that it left."""
    with _lock:
        alone = place not in _under_way
        _under_way.add(place)
    try:
        yield alone
    finally:
        if alone:
            with _lock:
                _under_way.discard(place)
