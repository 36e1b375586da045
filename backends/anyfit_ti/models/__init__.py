"""Registered models of both generations: a reference says of which one it is.

A version of 2021 is `ti://region/mv-...`, a configuration of TI-EMS is `ti://region/2019/id`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from anyfit.backend import ModelInfo, ModelRef, ModelStatus, Upload
from anyfit.spec import ModelSpec
from anyfit_ti.bundle import ShippedModel
from anyfit_ti.generations import OLD, Generations, is_old, own_id
from anyfit_ti.models.api_2019 import Configs, config_order
from anyfit_ti.models.api_2021 import MODEL_STATUS, Repository, model_body
from anyfit_ti.serving.wire import Config, ModelVersion
from anyfit_ti.settings import Settings
from anyfit_ti.translate.work import options_of
from anyfit_ti.wire import Raw, nanoseconds, time_of

__all__ = ["Models"]

_Row = tuple[tuple[int, int], ModelInfo]


class Models:
    """The models of one account.

    Args:
        new: Those of 2021.
        old: Those of 2019.
        settings: The backend's.
        shipped: What goes with a model.
        images: Asks for the platform's images for serving.
    """

    def __init__(
        self,
        new: Repository,
        old: Configs,
        settings: Settings,
        shipped: ShippedModel,
        images: Callable[[], Sequence[Raw]],
    ) -> None:
        self._new = new
        self._old = old
        self._settings = settings
        self._shipped = shipped
        self._images = images

    def register(self, spec: ModelSpec, put: Callable[[Sequence[Upload]], object]) -> ModelRef:
        """Make a model version of the generation that its options or the settings name; `put` makes uploads."""
        options = options_of(spec.options)
        if (options.api or self._settings.api) == "2019":
            order = config_order(spec, options, self._images, self._settings, self._shipped)
            put(order.uploads)
            return self._ref(OLD + self._old.register(order))
        images = self._images() if not spec.image or options.serving_framework else ()
        body, uploads = model_body(spec, options, images, self._settings, self._shipped)
        put(uploads)
        return self._ref(self._new.register(body))

    def infos(self, name: str = "") -> list[ModelInfo]:
        """All versions, or those of one name, newest first; those of the other generation where it can be asked."""
        sides = Generations(self._of_new, self._of_old, self._settings.api)
        rows = sides.both(lambda rows_of: rows_of(name))
        return [info for _, info in sorted(rows, key=lambda row: row[0], reverse=True)]

    def delete(self, ref: ModelRef) -> None:
        """Remove a version; one that is gone is fine."""
        side = self._old if is_old(ref.id) else self._new
        side.delete(own_id(ref.id))

    def _of_new(self, name: str) -> list[_Row]:
        return [(_order(one.created, one.id), self._info(one)) for one in self._new.every(name)]

    def _of_old(self, name: str) -> list[_Row]:
        return [(_order(one.created, one.version), self._old_info(one)) for one in self._old.every(name)]

    def _info(self, version: ModelVersion) -> ModelInfo:
        status = MODEL_STATUS.get(version.status, ModelStatus.UNKNOWN)
        unknown = f"TI says {version.status!r}, which is in no document" if status == ModelStatus.UNKNOWN else ""
        return ModelInfo(
            ref=self._ref(version.id),
            name=version.name,
            version=version.version,
            status=status,
            native=version.status,
            reason=version.error or unknown,
            created_at=time_of(version.created),
            job=version.told.job,
        )

    def _old_info(self, config: Config) -> ModelInfo:
        return ModelInfo(
            ref=self._ref(OLD + config.id),
            name=config.name,
            version=config.version,
            created_at=time_of(config.created),
            job=config.told.job,
        )

    def _ref(self, identity: str) -> ModelRef:
        return ModelRef("ti", self._settings.region, identity)


def _order(created: str, version: str) -> tuple[int, int]:
    """By time, which the platform tells in seconds only, and by the number of the version."""
    number = re.search(r"\d+", version)
    return nanoseconds(created) or 0, int(number[0]) if number else 0
