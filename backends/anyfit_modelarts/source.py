"""What a model's package is made of, as it is found: the model's files, and the code that answers with them."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Mapping, Sequence

from attrs import Factory, frozen

from anyfit.backend import Upload
from anyfit.errors import NotFound, UsageError
from anyfit.spec import ModelSpec
from anyfit.storage import Store, Uri
from anyfit_modelarts.model_config import CONFIG

__all__ = ["REQUIREMENTS", "SERVICE", "Source", "unpacked"]

SERVICE, REQUIREMENTS = "customize_service.py", "requirements.txt"


@frozen
class Source:
    """What a package is made of, as it was found.

    Attributes:
        files: Names of the model's files, below its folder, with their sizes.
        code: Small files in the root of the code by name, those that mean something here.
        names: All files of the code.
        config: The `config.json` among the model's files, or None.
    """

    files: Mapping[str, int]
    code: Mapping[str, bytes] = Factory(dict)
    names: Sequence[str] = ()
    config: bytes | None = None

    @classmethod
    def read(cls, spec: ModelSpec, store: Callable[[Uri], Store]) -> Source:
        """Look at the model's folder, wherever it is, and into the code."""
        folder = Uri.parse(spec.artifact).as_dir()
        place = store(folder)
        entries = [entry for entry in place.list(folder.key) if not entry.is_marker]
        files = {entry.key[len(folder.key) :]: entry.size for entry in entries}
        if not files:
            raise NotFound(f"artifact: there is nothing in {folder}", hint="is the place right? anyfit ls shows it")
        config = place.read(folder.key + CONFIG) if CONFIG in files else None
        code, names = _code_of(spec)
        return cls(files, code, names, config)


def _code_of(spec: ModelSpec) -> tuple[dict[str, bytes], list[str]]:
    """Those files in the root of the code that mean something here, and the names of all."""
    if spec.code is None:
        return {}, []
    found, names = {}, []
    with _archive(spec) as tar:
        for entry in tar:
            if entry.isfile():
                names.append(entry.name)
                if entry.name in (CONFIG, SERVICE, REQUIREMENTS) and (file := tar.extractfile(entry)):
                    found[entry.name] = file.read()
    return found, names


def unpacked(folder: str, spec: ModelSpec) -> list[Upload]:
    """The whole code beside the model: a service of one's own may import any of it."""
    uploads = []
    with _archive(spec) as tar:
        for entry in tar:
            if entry.isfile() and entry.name != CONFIG and (file := tar.extractfile(entry)):
                content = file.read() or b"\n"  # an upload without content would be one of a file
                uploads.append(Upload(target=folder + entry.name, content=content, kind="code"))
    return uploads


def _archive(spec: ModelSpec) -> tarfile.TarFile:
    assert spec.code is not None  # noqa: S101  asked only where there is code
    try:
        return tarfile.open(spec.code.archive)
    except FileNotFoundError:
        raise UsageError(
            "source_dir: the model's code is not on this machine", hint="name the source_dir that holds it"
        ) from None
