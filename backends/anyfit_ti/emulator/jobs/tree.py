"""`/opt/ml` of every host of a job, filled (reference, sections 4.1 and 4.4).

Hosts share the code, the model and the checkpoints, as they do in the SDK's local mode; so the model that is kept is
the one that any of them wrote.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anyfit_emulator.moving import download, split_uri
from anyfit_emulator.storage import ObjectStore
from anyfit_ti.emulator.container import ML, Container, Unfit
from anyfit_ti.emulator.filesystems import FileSystems
from anyfit_ti.emulator.jobs.values import Job

__all__ = ["Tree"]

_SHARED = ("code", "model", "checkpoints")


class Tree:
    """All hosts of one job.

    Args:
        folder: Where it is built.

    Attributes:
        hosts: Their names, which are addresses of this machine.
        containers: One for each host.
        shared: Directory of what all of them see.
    """

    def __init__(self, job: Job, folder: Path) -> None:
        self._job = job
        self.shared = folder / "shared"
        self.hosts = job.hosts
        self.containers = [Container(folder / f"host-{index}") for index in range(job.instances)]
        for name in _SHARED:
            for container in self.containers:
                container.share(f"{ML}/{name}", self.shared / name)

    def fill(self, store: ObjectStore, systems: FileSystems, cancelled: Callable[[], bool]) -> None:
        """Fetch data and code, and write the configuration."""
        for channel in self._job.config["InputDataConfig"]:
            self._fill_channel(channel, store, systems, cancelled)
        code = self._job.hyperparameters.text("ti_submit_directory")
        if code:
            self._unpack(store, code, cancelled)
        for host, container in zip(self.hosts, self.containers, strict=True):
            for name in ("output/data", "input/data", "input/config"):
                container.path(f"{ML}/{name}").mkdir(parents=True, exist_ok=True)
            for name, document in self._files(host).items():
                text = container.inside(json.dumps(document, ensure_ascii=False))
                (container.path(f"{ML}/input/config") / f"{name}.json").write_text(text)

    def gather(self, name: str) -> list[Path]:
        """A directory of every host, the first host's last, so that it wins where two have a file of one name."""
        return [container.path(f"{ML}/{name}") for container in reversed(self.containers)]

    def _files(self, host: str) -> dict[str, Any]:
        channels = self._job.config["InputDataConfig"]
        modes = {one["ChannelName"]: {"TrainingInputMode": one["InputMode"] or "File"} for one in channels}
        return {
            "hyperparameters": self._job.hyperparameters.to_file(),
            "resourceconfig": {"current_host": host, "hosts": self.hosts},
            "inputdataconfig": modes,
        }

    def _fill_channel(
        self, channel: dict[str, Any], store: ObjectStore, systems: FileSystems, cancelled: Callable[[], bool]
    ) -> None:
        place = f"{ML}/input/data/{channel['ChannelName']}"
        source = channel["DataSource"]["FileSystemDataSource"]
        if source:
            for container in self.containers:
                read_only = source["FileSystemAccessMode"] == "ro"
                identifier, path = source["FileSystemId"], source["DirectoryPath"]
                systems.mount(identifier, path, container, place, read_only=read_only)
            return
        source = channel["DataSource"]["CosDataSource"]
        target = self.shared / "data" / channel["ChannelName"]
        target.mkdir(parents=True)
        download(store, f"cos://{source['Bucket']}/{source['KeyPrefix'].lstrip('/')}", target, cancelled)
        for index, container in enumerate(self.containers):
            if source["DataDistributionType"] == "FullyReplicated":
                container.share(place, target)
            else:
                self._share_out(target, container.path(place), index)

    def _share_out(self, target: Path, place: Path, index: int) -> None:
        """Every host gets each n-th file, in the order of their keys."""
        files = sorted(path for path in target.rglob("*") if path.is_file())
        place.mkdir(parents=True)
        for file in files[index :: len(self.hosts)]:
            link = place / file.relative_to(target)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file)

    def _unpack(self, store: ObjectStore, code: str, cancelled: Callable[[], bool]) -> None:
        folder = self.shared / "source"
        folder.mkdir()
        download(store, code, folder, cancelled)
        archive = folder / split_uri(code)[1].rpartition("/")[2]
        try:
            with tarfile.open(archive) as source:
                source.extractall(self.shared / "code", filter="data")
        except (tarfile.TarError, OSError) as error:
            raise Unfit(f"{code}: it cannot be unpacked: {error}") from error
