"""Where a job's results go when its script has ended. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Callable

from anyfit_local.supervise.collecting import pack_model, publish

TYPE_CHECKING = False  # the module of that name costs more than all of ours
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Results"]


class Results:
    """The model, outputs and checkpoints of one job.

    A model that is not known to be whole, for its job failed or was stopped, stays in the job's folder.
    """

    def __init__(
        self, folder: str, run: dict[str, Any], put: Callable[[str, str], None], check: Callable[[], None]
    ) -> None:
        """`put` moves a file or folder to a URI of another machine; `check` raises to give it all up."""
        self._folder = folder
        self._run = run
        self._put = put
        self._check = check

    def collect(self, *, succeeded: bool) -> None:
        """Pack the model and put everything where the spec wants it; `CollectFault` when that cannot be."""
        if succeeded:
            pack_model(f"{self._folder}/model", f"{self._folder}/model.tar.gz", self._check)
        parts = self._parts(succeeded)
        if self._run["output_folder"]:
            publish(parts, self._run["output_folder"], self._check)
        elif self._run["output_uri"]:
            for name, path in parts.items():
                self._put(path, f"{self._run['output_uri']}/{name}")
        if self._run["checkpoint_uri"]:
            self._put(f"{self._folder}/checkpoints", self._run["checkpoint_uri"])

    def _parts(self, succeeded: bool) -> dict[str, str]:
        """What there is, by the name that it gets."""
        parts = {"output": f"{self._folder}/output/data"}
        if succeeded:
            parts |= {"model": f"{self._folder}/model", "model.tar.gz": f"{self._folder}/model.tar.gz"}
        return {name: path for name, path in parts.items() if os.path.isfile(path) or _has_content(path)}


def _has_content(path: str) -> bool:
    return os.path.isdir(path) and bool(os.listdir(path))
