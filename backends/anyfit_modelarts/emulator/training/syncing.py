"""Copying outputs to OBS while a run goes on (reference, section 4.6)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from anyfit_emulator.moving import Missing, upload
from anyfit_emulator.storage import ObjectStore
from anyfit_modelarts.emulator.training.container import Container
from anyfit_modelarts.emulator.training.plan import Upload

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Syncing"]


class Syncing:
    """Copies what is new or has changed, again and again while the block lasts; what was removed stays in OBS.

    Args:
        period: Seconds between copies.
        complain: Told when that was not possible.
    """

    def __init__(
        self,
        store: ObjectStore,
        uploads: Sequence[Upload],
        boxes: Sequence[Container],
        period: float,
        complain: Callable[[str], None],
    ) -> None:
        self._store = store
        self._period = period
        self._complain = complain
        self._pairs = [(box.path(item.place), item.uri) for item in uploads for box in boxes]
        self._known: list[dict[str, tuple[int, int]]] = [{} for _ in self._pairs]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name="train-outputs", daemon=True)

    def __enter__(self) -> Self:
        if self._pairs:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread.ident:
            self._thread.join()

    def finish(self) -> str:
        """Copy a last time; answers what went wrong."""
        self.__exit__()
        wrong = self._copy()
        if wrong:
            self._complain(wrong)
        return wrong

    def _repeat(self) -> None:
        while not self._ended.wait(self._period):
            self._copy()

    def _copy(self) -> str:
        for (directory, uri), known in zip(self._pairs, self._known, strict=True):
            try:
                upload(self._store, directory, uri, known)
            except (Missing, OSError) as error:  # a file may vanish while it is copied
                return f"the output could not be saved: {error}"
        return ""
