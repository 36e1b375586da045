"""Finding jobs: by reference, by key, or all of them, whatever their generation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from attrs import evolve, frozen

from anyfit.backend import JobRef, Named
from anyfit.cloud.places import Places
from anyfit.errors import NotFound, ServiceError
from anyfit.keys import job_key, key_parts
from anyfit_modelarts.errors import NO_CALL, normal
from anyfit_modelarts.places import obs_uri
from anyfit_modelarts.training import Training
from anyfit_modelarts.training.v1 import TrainingV1
from anyfit_modelarts.training.v2 import OUTPUT, TrainingV2
from anyfit_modelarts.translate.work import name_of
from anyfit_modelarts.wire import Run, rows, table, text

__all__ = ["Finder", "is_made_from"]


@frozen
class Finder:
    """The jobs of one project.

    Attributes:
        v1, v2: The generations.
        places: Where anyfit keeps its things.
        region: For references.
        api: The generation in force.
    """

    v1: TrainingV1
    v2: TrainingV2
    places: Places
    region: str
    api: str

    def of(self, id: str) -> Training:
        """The generation of an id: those of the first one are numbers."""
        return self.v1 if id.partition("/")[0].isdigit() else self.v2

    def within(self, workspace: str) -> Finder:
        """The same in a workspace of its own, where one is named."""
        if not workspace:
            return self
        return evolve(self, v1=evolve(self.v1, workspace=workspace), v2=evolve(self.v2, workspace=workspace))

    def ref(self, id: str) -> JobRef:
        """The reference of an id."""
        return JobRef("modelarts", self.region, id)

    def find(self, key: str) -> JobRef | None:
        """The job of that key, of the generation in force or of the other."""
        found = next(self._of_both(lambda api: self.of_key(api, key)), None)
        return self.ref(found.id) if found else None

    def every(self, limit: int | None) -> list[Named[JobRef]]:
        """All jobs of both generations, or so many of them, newest first."""
        runs = list(self._of_both(lambda api: self._newest(api, limit)))
        runs.sort(key=lambda run: run.created.timestamp() if run.created else 0.0, reverse=True)
        return [Named(self._key_of(run), self.ref(run.id)) for run in runs[:limit]]

    def _newest(self, api: str, limit: int | None) -> Iterator[Run]:
        """Versions of v1 stand where their job does, however new they are, so there all have to be looked at."""
        return islice(self._generation(api).every(), limit if api == "v2" else None)

    def of_key(self, api: str, key: str) -> list[Run]:
        """The job of that key in one generation: the one that anyfit made, else a stranger's of that number."""
        name, number = key_parts(key)
        runs = self._generation(api).named(name_of(key) if api == "v2" else name)
        ours = [run for run in runs if self._key_in(run) == key]
        if api == "v2":
            others = [run for run in runs if not self._key_in(run)]
        else:
            others = [run for run in runs if not self._key_in(run) and run.label == f"V{number:04d}"]
        return (ours or others)[:1]

    def _key_of(self, run: Run) -> str:
        """The key that stands in the places of a job, else one that is made from what the platform calls it."""
        number = run.label.lstrip("Vv")
        return self._key_in(run) or job_key(run.name, max(int(number), 1) if number.isdigit() else 1)

    def _key_in(self, run: Run) -> str:
        return self.places.key_in(run.code) or self.places.key_in(run.output)

    def _generation(self, api: str) -> Training:
        return self.v1 if api == "v1" else self.v2

    def _of_both(self, look: Callable[[str], Iterable[Run]]) -> Iterator[Run]:
        """What both generations answer, that in force first; the other one may be missing at this place."""
        yield from look(self.api)
        try:
            yield from look("v1" if self.api == "v2" else "v2")
        except (NotFound, ServiceError) as fault:
            if normal(fault.status) not in NO_CALL:
                raise


def is_made_from(run: Run, body: Mapping[str, Any]) -> bool:
    """Whether a job was made from this very body: all its places are the body's, as is the command of an image.

    The place of anyfit's code holds a digest of everything, so it alone tells; what the user has named may have been
    used before.
    """
    config = table(body.get("config")) or table(body.get("algorithm"))
    raw = run.raw
    algorithm = table(raw.get("algorithm"))
    told = (raw.get("user_command") or algorithm.get("command"), raw.get("user_image_url"))
    asked = (config.get("user_command") or config.get("command"), config.get("user_image_url"))
    return (
        _place(run.code) == _place(config.get("app_url") or config.get("code_dir"))
        and _place(_asked_output(config)) in (_place(run.output), _place(run.output.removesuffix(f"{run.label}/")))
        and all(one in (None, "", other) for one, other in zip(told, asked, strict=True))
    )


def _asked_output(config: Mapping[str, Any]) -> object:
    """Where a body lets results come to."""
    if "train_url" in config:
        return config["train_url"]
    channels = {text(row.get("name")): row for row in rows(config.get("outputs"))}
    return table(table(table(channels.get(OUTPUT)).get("remote")).get("obs")).get("obs_url")


def _place(value: object) -> str:
    given = text(value)
    return str(obs_uri(given).as_dir()) if given.strip("/") and not given.startswith("file://") else ""
