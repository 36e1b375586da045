"""What every call needs: the configuration, the journal, and the backends made from the one, noted in the other."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from anyfit.config import Config, load_config
from anyfit.errors import AnyfitError, NotFound, UsageError, nearest

if TYPE_CHECKING:
    from typing import TypeVar

    from anyfit.backend import Backend, Ref
    from anyfit.journal import EndpointRow, JobRow, Journal
    from anyfit.modelrows import ModelRow

    _Row = TypeVar("_Row", JobRow, EndpointRow)

__all__ = ["Session", "check_region"]


def check_region(backend: Backend, ref: Ref) -> None:
    """Refuse a reference of another region than the backend's, where the same id may be another thing."""
    if backend.region not in ("", ref.region):
        raise UsageError(
            f"{ref} is in the region {ref.region}, and {ref.backend} is set to {backend.region}",
            hint=f"choose a profile for {ref.region} with -p, or set region under [{ref.backend}]",
            backend=ref.backend,
        )


class Session:
    """A configuration at work.

    Attributes:
        config: What was configured.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self._backends: dict[tuple[str, str], Backend] = {}

    @classmethod
    def open(cls, *, backend: str | None = None, profile: str | None = None) -> Session:
        """The session of a profile, with a backend chosen over the profile's own."""
        return cls(load_config(profile).with_arguments(backend=backend))

    @cached_property
    def journal(self) -> Journal:
        """What was done."""
        from anyfit.journal import Journal  # `anyfit cp` has no use for it

        return Journal(self.config.home)

    @property
    def profile(self) -> str:
        """The name of the profile, or "" for none."""
        return self.config.profile or ""

    def backend(self, name: str = "", profile: str | None = None) -> Backend:
        """A backend with the settings of a profile; the session's own by default."""
        profile = self.profile if profile is None else profile
        name = name or self.config.core.backend
        if (name, profile) not in self._backends:
            self._backends[name, profile] = self._make(name, profile)
        return self._backends[name, profile]

    def reach(self, ref: Ref, profile: str | None = None) -> Backend:
        """The backend of a reference, with the settings of a profile; refuses references of another region."""
        backend = self.backend(ref.backend, profile)
        if backend.region not in ("", ref.region) and profile not in (None, self.profile):
            backend = self.backend(ref.backend)  # the profile that was asked for now may be of that region
        check_region(backend, ref)
        return backend

    def moved(self, backend: Backend) -> str:
        """Where the session's files lead to for its own backend, if they have changed since and that is elsewhere."""
        from anyfit.plugins import backend_factory

        try:
            config = self.config.reread()
            if config is self.config:
                return ""
            factory = backend_factory(backend.name)
            place = factory.create(config.backend_settings(factory), config.home).place
        except (AnyfitError, OSError):  # half written, perhaps
            return ""
        return place if place != backend.place else ""

    def of(self, backend: str, profile: str) -> Session:
        """The session whose own backend and profile are these, over the same journal and backends."""
        if (backend, profile) == (self.config.core.backend, self.profile):
            return self
        config = self.config if profile == self.profile else load_config(profile)
        other = Session(config.with_arguments(backend=backend))
        other.journal, other._backends = self.journal, self._backends
        return other

    def job_row(self, name_or_ref: str) -> JobRow | None:
        """The journal's job of that key or reference; the session's backend first where several have it.

        A bare name is the job's first version, as lists show it, and no other; `NAME.v2` is the second.
        """
        rows = [row for row in self.journal.jobs(name=name_or_ref) if name_or_ref in (row.key, row.ref)]
        return self._one(rows, name_or_ref)

    def endpoint_row(self, name_or_ref: str) -> EndpointRow:
        """The journal's endpoint of that name or reference."""
        row = self._one(self.journal.endpoints(name=name_or_ref), name_or_ref)
        if row is None:
            known = [r.name for r in self.journal.endpoints()]
            raise NotFound(
                f"there is no endpoint {name_or_ref!r}",
                hint=nearest(name_or_ref, known) or "anyfit endpoints lists them",
            )
        return row

    def reconcile(self) -> list[str]:
        """Look up what clients that died left open; answers a sentence for each."""
        told = [self._reconcile_job(row) for row in self.journal.abandoned()]
        told += [self._reconcile_endpoint(row) for row in self.journal.abandoned_endpoints()]
        told += [self._reconcile_model(row) for row in self.journal.models.abandoned()]
        return [sentence for sentence in told if sentence]

    def settle_job(self, backend: Backend, key: str) -> bool:
        """Look up the open intent of this key, unless its client is at it; False when there is no such intent.

        The caller answers for this process not being at it. Raises when nobody can tell what became of it.
        """
        wanted = (backend.name, backend.place, key)
        rows = [row for row in self.journal.abandoned(own=True) if (row.backend, row.place, row.key) == wanted]
        return any(bool(self._settle_job(row)) for row in rows)

    def settle_endpoint(self, backend: Backend, name: str) -> bool:
        """As `settle_job`."""
        wanted = (backend.name, backend.place, name)
        rows = [
            row for row in self.journal.abandoned_endpoints(own=True) if (row.backend, row.place, row.name) == wanted
        ]
        return any(bool(self._settle_endpoint(row)) for row in rows)

    def _make(self, name: str, profile: str) -> Backend:
        from anyfit.plugins import backend_factory

        factory = backend_factory(name)
        config = self.config if profile == self.profile else load_config(profile)
        backend = factory.create(config.backend_settings(factory), config.home)
        backend.profile = config.profile
        return backend

    def _one(self, rows: list[_Row], asked: str) -> _Row | None:
        """The row that is meant; where one name means several, the session's backend and profile decide, or nobody."""
        rows = [row for row in rows if row.ref]
        ours = [row for row in rows if row.backend == self.config.core.backend]
        if len({row.backend for row in rows}) > 1 and not ours:
            raise UsageError(
                f"{asked!r} is the name of several: {', '.join(row.ref for row in rows)}",
                hint="use the long form, or name the backend with -b",
            )
        likely = ours or rows
        return next(iter([row for row in likely if row.profile == self.profile] or likely), None)

    def _reconcile_job(self, row: JobRow) -> str:
        try:
            return self._settle_job(row)
        except AnyfitError as error:
            return f"could not find out whether job {row.key} was started: {error.message}"

    def _settle_job(self, row: JobRow) -> str:
        """Look an abandoned job up by name; answers what became of it, or "" when another client was faster."""
        backend = self._same_place(row)
        if not self.journal.claim(row):
            return ""
        try:
            ref = backend.find(row.key)
            if ref is None:
                self.journal.withdraw(row.backend, row.key, row.place)
                return f"job {row.key} was never started, its client ended first; fit it again"
            self.journal.found(row, ref)
            return f"job {row.key} was started although its client ended; it is {ref}"
        except BaseException:
            self.journal.leave(row.backend, row.key, row.place)
            raise

    def _reconcile_endpoint(self, row: EndpointRow) -> str:
        try:
            return self._settle_endpoint(row)
        except AnyfitError as error:
            return f"could not find out whether endpoint {row.name} was made: {error.message}"

    def _settle_endpoint(self, row: EndpointRow) -> str:
        """As `_settle_job`."""
        backend = self._same_place(row)
        if not self.journal.claim(row):
            return ""
        try:
            ref = backend.find_endpoint(row.name)
            if ref is None:
                self.journal.withdraw_endpoint(row.backend, row.name, row.place)
                return f"endpoint {row.name} was never made, its client ended first; deploy it again"
            self.journal.found(row, ref)
            return f"endpoint {row.name} was made although its client ended; it is {ref}"
        except BaseException:
            self.journal.leave_endpoint(row.backend, row.name, row.place)
            raise

    def _reconcile_model(self, row: ModelRow) -> str:
        try:
            return self._settle_model(row)
        except AnyfitError as error:
            return f"could not find out whether model {row.name} was registered: {error.message}"

    def _settle_model(self, row: ModelRow) -> str:
        """As `_settle_job`; the row has done its work when it is known what became of it."""
        from anyfit.intents import made_since

        backend = self._same_place(row)
        if not self.journal.models.claim(row):
            return ""
        try:
            info = made_since(backend, row)
        except BaseException:
            self.journal.models.leave(row.id)
            raise
        self.journal.models.close(row.id)
        if info is None:
            return f"model {row.name} was never registered, its client ended first; register it again"
        return f"model {row.name} was registered although its client ended; it is {info.ref}, version {info.version}"

    def _same_place(self, row: JobRow | EndpointRow | ModelRow) -> Backend:
        """The backend that an intent was meant for; another account would know nothing of it."""
        backend = self.backend(row.backend, row.profile)
        if row.place not in ("", backend.place):
            raise UsageError(
                f"it was asked of {row.place}, and {row.backend} is set to {backend.place}",
                hint="set the profile back for once, and list the jobs",
            )
        return backend
