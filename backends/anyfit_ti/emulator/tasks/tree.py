"""The file systems of a task's pods, filled (reference, section 4.6).

Code, data and output are in one place that every pod sees.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anyfit_emulator.moving import Missing, download
from anyfit_emulator.storage import ObjectStore
from anyfit_ti.emulator.container import ML, Container, Unfit
from anyfit_ti.emulator.filesystems import FileSystems
from anyfit_ti.emulator.tasks.mounts import uri_of
from anyfit_ti.emulator.tasks.values import Task

__all__ = ["Tree"]

_TARS = (".tar.gz", ".tgz", ".tar")


class Tree:
    """All pods of one run.

    Args:
        folder: Where it is built.

    Attributes:
        containers: One for each pod.
        output: What is kept of it.
        written: Directories that are kept elsewhere, with the URI of where.
    """

    def __init__(self, task: Task, folder: Path) -> None:
        self._task = task
        self._shared = folder / "shared"
        places = [one["MappingPath"] for one in task.config["DataConfigs"]]
        self.containers = [Container(folder / pod.suffix, places) for pod in task.pods]
        self.output = self._shared / "output"
        self.written: list[tuple[Path, str]] = []
        for container in self.containers:
            container.share(f"{ML}/output", self.output)
            container.share(f"{ML}/code", self._shared / "code")

    def fill(self, store: ObjectStore, systems: FileSystems, cancelled: Callable[[], bool]) -> None:
        """Fetch code and data, and write the hyperparameters."""
        code = uri_of(self._task.config["CodePackagePath"])
        if code:
            download(store, code, self._shared / "code", cancelled)
            self._unpack(self._shared / "code" / code.rpartition("/")[2])
        mounts = sorted(self._task.config["DataConfigs"], key=lambda one: len(str(one["MappingPath"])))
        for number, mount in enumerate(mounts):  # a mount within another one comes after it
            self._mount(mount, self._shared / f"data-{number}", store, systems, cancelled)
        parameters = self._task.config["TuningParameters"]
        if parameters:
            for container in self.containers:
                file = container.path(f"{ML}/input/config/hyperparameters.json")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(container.inside(json.dumps(json.loads(parameters), ensure_ascii=False)))

    def _mount(
        self,
        mount: dict[str, Any],
        folder: Path,
        store: ObjectStore,
        systems: FileSystems,
        cancelled: Callable[[], bool],
    ) -> None:
        place, kind = mount["MappingPath"], mount["DataSourceType"]
        source = mount["CFSSource"] or mount["CFSTurboSource"]
        if source:
            for container in self.containers:
                systems.mount(source["Id"], source["Path"], container, place, read_only=mount["ReadOnly"])
            return
        folder.mkdir(parents=True)
        if mount["COSSource"]:
            uri = uri_of(mount["COSSource"])
            try:
                download(store, uri, folder, cancelled)
            except Missing:
                if kind == "COS":
                    raise
            if kind == "COSFS" and not mount["ReadOnly"]:
                self.written.append((folder, uri))
        for container in self.containers:
            container.share(place, folder)

    @staticmethod
    def _unpack(archive: Path) -> None:
        """A code package may be an archive; then what is in it lies beside it."""
        if not archive.is_file():
            return
        try:
            if archive.name.endswith(_TARS):
                with tarfile.open(archive) as source:
                    source.extractall(archive.parent, filter="data")
            elif archive.suffix == ".zip":
                shutil.unpack_archive(archive, archive.parent, "zip")
        except (tarfile.TarError, shutil.ReadError, OSError) as error:
            raise Unfit(f"CodePackagePath: {archive.name} cannot be unpacked: {error}") from error
