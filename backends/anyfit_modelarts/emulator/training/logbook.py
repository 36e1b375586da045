"""What the platform itself writes into the logs of a run (reference, section 4.2), and where logs go in the end."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from anyfit_emulator.moving import Missing, upload
from anyfit_emulator.running import LineLog
from anyfit_emulator.storage import ObjectStore
from anyfit_modelarts.emulator.training.plan import Plan

__all__ = ["SERVICE", "Logbook"]

SERVICE = "[Modelarts Service Log]"
_PIPE = "[ModelArts Service Log]modelarts-pipe: "


class Logbook:
    """The logs of a run, by node, which lie in a folder."""

    def __init__(self, logs: Sequence[LineLog], folder: Path) -> None:
        self._logs = logs
        self._folder = folder

    def say(self, text: str) -> None:
        """A line in all logs."""
        for log in self._logs:
            log.say(f"{SERVICE}{text}")

    def begin(self, plan: Plan) -> None:
        """What stands before the program's own lines."""
        pipe = [f"will create log file {plan.pipe}", f"will write log file {plan.pipe}"] if plan.pipe else []
        pipe += ["param for max log length: 1073741824"] if plan.pipe else []
        for log, node in zip(self._logs, plan.nodes, strict=True):
            lines = [*(f"{_PIPE}{line}" for line in pipe), *(f"{SERVICE}{line}" for line in node.preamble)]
            log.say("\n".join(lines))

    def finish(self, plan: Plan, codes: Sequence[int]) -> None:
        """What stands behind them, node by node."""
        for index, (log, code) in enumerate(zip(self._logs, codes, strict=True)):
            log.say(f"{SERVICE}{f'Training end with return code: {code}' if code else 'Training completed.'}")
            if plan.pipe:
                log.say(f"{_PIPE}total length: {self._file(index).stat().st_size}")

    def export(self, plan: Plan, store: ObjectStore) -> None:
        """Copy the logs to OBS, where that was asked for."""
        for index, node in enumerate(plan.nodes):
            if not node.log_uri:
                continue
            directory, _, name = node.log_uri.rpartition("/")
            folder = self._folder / f"export-{index}"
            folder.mkdir()
            shutil.copyfile(self._file(index), folder / name)
            try:
                upload(store, folder, directory + "/")
            except (Missing, OSError) as error:
                self.say(f"the log could not be saved: {error}")
            shutil.rmtree(folder)

    def _file(self, index: int) -> Path:
        return self._folder / f"log-{index}.log"
