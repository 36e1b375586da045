"""One version's life, from STARTING to its end, in a thread of its own (reference, section 7.7)."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from anyfit_emulator.moving import Cancelled, Missing, split_uri, upload
from anyfit_emulator.running import Course, LineLog, NotStarted, Outcome, Run
from anyfit_emulator.storage import ObjectStore
from anyfit_modelmaker.emulator.sandbox import Sandbox, Unfit
from anyfit_modelmaker.emulator.training.commands import commands_of
from anyfit_modelmaker.emulator.training.values import ENDED, Version

__all__ = ["Execution"]

Changed = Callable[[Version], None]


class Execution(Course):
    """Runs a version.

    Args:
        version: What is run; its status and times are kept up to date under `lock`.
        folder: Where its sandbox is while it lives, and what it used of the machine.
        log: Takes its lines.
        pause: Seconds in each state before TRAINING, so that somebody can see it.
        changed: Called with the lock held, whenever the version has changed.
    """

    def __init__(
        self,
        version: Version,
        folder: Path,
        log: LineLog,
        store: ObjectStore,
        lock: threading.RLock,
        pause: float,
        changed: Changed,
    ) -> None:
        super().__init__(f"train-{version.id}", lock)
        self._version = version
        self._folder = folder
        self._store = store
        self._pause = pause
        self._changed = changed
        self._log = log

    def to_stop(self) -> None:
        if self._version.status not in ENDED:
            super().to_stop()
            self._status("STOPPING")

    def live(self) -> None:
        try:
            status, message = self._through()
        except Cancelled:
            status, message = "STOPPED", ""
        except (Unfit, Missing, NotStarted) as error:
            self._log.say(f"ModelMaker: {error}")
            status, message = "STARTING_FAIL", str(error)
        except Exception as error:
            traceback.print_exc()
            status, message = "TRAINING_FAIL", f"the emulator has failed: {error!r}"
        Sandbox(self._folder / "root" / "opt" / "ai").remove()
        with self.lock:
            self._version.ended = time.time()
            self._version.message = message
            self._status(status)

    def _through(self) -> tuple[str, str]:
        self.rest(self._pause)
        box = self._prepare()
        self._advance("DOWNLOAD_DATA")
        self.rest(self._pause)
        self._fill(box)
        run = Run(str(self._folder), commands_of(self._version, box, self._folder / "root"), self._log)
        with self.lock:
            if self.stopping.is_set():
                raise Cancelled
            run.start()
            self.run = run
            self._version.started = time.time()
            self._advance("TRAINING")
        outcome = run.wait(self._version.config.get("maxRuntime"))
        return self._judge(outcome, self._save(box))

    def _prepare(self) -> Sandbox:
        config = self._version.config
        if config.get("gitInfo") and not config.get("codeUrl"):
            raise Unfit("gitInfo: code cannot be fetched from Git here, give codeUrl")
        bucket, _ = split_uri(config["output"])
        if bucket not in dict(self._store.buckets()):
            raise Missing(f"output: there is no bucket {bucket}")
        return Sandbox.make(self._folder / "root")

    def _fill(self, box: Sandbox) -> None:
        config = self._version.config
        wanted = [("src", config.get("codeUrl"))]
        data = config.get("dataUrl") or []
        wanted += [("input/data", uri) for uri in (data if isinstance(data, list) else [data])]
        wanted += [(f"input/{item['name']}", item["path"]) for item in config.get("inputFiles") or []]
        wanted.append(("model", config.get("modelUrl") or config.get("modeUrl")))
        for place, uri in wanted:
            if uri:
                box.fetch(self._store, uri, place, self.stopping.is_set)
        if (box.src / "requirements.txt").exists():
            self._log.say("ModelMaker: requirements.txt is not installed here, the emulator's packages are used")

    def _save(self, box: Sandbox) -> str:
        """Copy the outputs; answers what went wrong."""
        if self.is_abandoned:
            return ""
        try:
            upload(self._store, box.output, self._version.config["output"])
        except (Missing, OSError) as error:
            self._log.say(f"ModelMaker: the output could not be saved: {error}")
            return f"the output could not be saved: {error}"
        return ""

    def _judge(self, outcome: Outcome, unsaved: str) -> tuple[str, str]:
        if outcome.reason == "timeout":
            limit = self._version.config["maxRuntime"]
            self._log.say(f"ModelMaker: stopped after maxRuntime, {limit:g} s")
            return "STOPPED", f"stopped after maxRuntime, {limit:g} s"
        if outcome.reason == "stopped":
            return "STOPPED", unsaved
        code = next((code for code in outcome.codes if code), 0)
        if outcome.reason == "failed":
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            return "TRAINING_FAIL", f"the program {how}"
        return ("TRAINING_FAIL", unsaved) if unsaved else ("FINISH", "")

    def _advance(self, status: str) -> None:
        """Go on to a state, unless the version is being stopped."""
        with self.lock:
            if not self.stopping.is_set():
                self._status(status)

    def _status(self, status: str) -> None:
        if not self.is_abandoned:
            self._version.status = status
            self._changed(self._version)
