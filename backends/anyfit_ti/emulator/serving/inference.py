"""The container that a model is served in (reference, section 5.2): its tree, its port, its variables.

Nobody may own port 8501 of the whole machine. So every instance has a port of its own, and where the command or a
variable says `8501`, or what the service's port is, the program gets to see that one.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from anyfit_emulator.moving import download, entries, split_uri
from anyfit_emulator.storage import ObjectStore
from anyfit_emulator.storage.listing import Entry
from anyfit_ti.emulator.container import Container
from anyfit_ti.emulator.serving.launch import MODEL_DIR, Launch

__all__ = ["IMAGE", "InferenceContainer"]

IMAGE = Path(__file__).parent / "image"  # what stands for what the vendor's images hold
_LAST = b"saved_model.pb"
_DEFAULTS = {
    "TI_PREPROCESS_NUMS": "0",
    "TI_INFERENCE_NUMS": "1",
    "TI_POSTPROCESS_NUMS": "0",
    "TI_INFERENCE_MAX_BATCH_SIZE": "1",
}


class InferenceContainer(Container):
    """One instance's container.

    Args:
        root: Stands for `/`; what is there is removed.
        port: Stands for the launch's.

    Raises:
        Unfit: Something shall be mounted outside of it.
    """

    def __init__(self, root: Path, launch: Launch, port: int) -> None:
        shutil.rmtree(root, ignore_errors=True)
        super().__init__(root, (MODEL_DIR, *(mount.path for mount in launch.mounts)))
        self.port = port
        self._launch = launch
        self._seen: set[Entry] = set()  # objects that are here already
        self._number = re.compile(rf"(?<![\w.]){launch.port}(?![\w.])")

    @property
    def model(self) -> Path:
        """Where the model lies."""
        return self.path(MODEL_DIR)

    @property
    def packages(self) -> Path:
        """Where what the model requires is installed."""
        return self.root / "packages"

    def fill(self, store: ObjectStore, cancelled: Callable[[], bool]) -> None:
        """Get everything that is mounted.

        Raises:
            Missing: Something is not there.
            Cancelled: `cancelled` said so.
        """
        for mount in self._launch.mounts:
            if not mount.source.startswith("cos://"):
                self.share(mount.path, Path(mount.source))
                continue
            if self._launch.hot:
                self._seen.update(entries(store, *split_uri(mount.source)))
            download(store, mount.source, self.path(mount.path), cancelled)

    def refresh(self, store: ObjectStore) -> None:
        """Get what has been put into the object store since; what says that a model is complete comes last.

        Raises:
            Missing: Something was taken away at the same moment.
        """
        for mount in self._launch.mounts:
            if mount.source.startswith("cos://"):
                bucket, prefix = split_uri(mount.source)
                news = [entry for entry in entries(store, bucket, prefix) if entry not in self._seen]
                for entry in sorted(news, key=lambda entry: entry[0].endswith(_LAST)):
                    key = entry[0].decode()
                    place = self.path(f"{mount.path}/{key[len(prefix) :]}")
                    download(store, f"cos://{bucket}/{key}", place.parent)
                    self._seen.add(entry)

    def inside(self, text: str) -> str:
        """A text in which the container's paths and its port are those of this instance."""
        return super().inside(self._number.sub(str(self.port), text))

    def variables(self) -> dict[str, str]:
        """The program's environment; where it looks for modules, the user's come first and the image's last."""
        told = {"TI_MODEL_DIR": MODEL_DIR, **_DEFAULTS, **self._launch.environment}
        libraries = [str(self.packages), told.get("PYTHONPATH", ""), str(IMAGE)]
        told["PYTHONPATH"] = os.pathsep.join(filter(None, libraries))
        return self.environment(told, self.packages / "bin")
