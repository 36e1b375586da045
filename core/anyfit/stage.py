"""Putting a plan's uploads where the backend's jobs can read them."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from attrs import evolve

from anyfit.errors import AnyfitError, AuthError, ConfigError, NotFound
from anyfit.inputs import has_to_move
from anyfit.show import size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anyfit.backend import Backend, Plan, Upload
    from anyfit.spec import JobSpec
    from anyfit.storage import Store, Uri
    from anyfit.storage.options import OnProgress, Report

__all__ = ["check_inputs", "is_there", "put_uploads", "stage", "with_what_is_there"]

_AT_ONCE = 4
_LARGE = 8 << 20


def check_inputs(backend: Backend, spec: JobSpec) -> None:
    """Refuse inputs that are said to lie in the backend's own store and do not, before anything is put there.

    Of each one key is asked for. A store that lets the platform in and not us does not tell; then the platform will.
    """
    from anyfit.storage import Uri

    for name, channel in spec.inputs.items():
        if channel.local or has_to_move(channel, backend.capabilities.schemes):
            continue
        place = Uri.parse(channel.uri)
        if not is_there(backend.store, place, f"inputs.{name}"):
            raise NotFound(
                f"inputs.{name}: there is nothing at {channel.uri}",
                hint=f"look what is there: anyfit ls {place.parent if place.key else channel.uri}",
                backend=backend.name,
            )


def is_there(open: Callable[[Uri], Store], place: Uri, field: str) -> bool:
    """Whether anything is there, as far as its store tells; where nobody could be asked, that is the field's fault."""
    try:
        return bool(open(place).list_page(place.key, limit=1).entries)
    except NotFound:
        return False
    except (AuthError, ConfigError) as fault:
        if fault.status:  # it was asked, and keeps it from us
            return True
        raise type(fault)(f"{field}: {fault.message}", hint=fault.hint, backend=fault.backend) from fault
    except AnyfitError:
        return True


def stage(backend: Backend, plan: Plan, on_progress: OnProgress | None = None) -> str:
    """Make every upload of the plan that the store does not have yet; answers what was done, in words."""
    sent = put_uploads(backend, plan.uploads, on_progress)
    moved = [size for size in sent if size is not None]
    there = len(sent) - len(moved)
    plural = "s" if len(moved) != 1 else ""
    words = f"{len(moved)} upload{plural}, {size_text(sum(moved))}" if moved else "nothing to send"
    return f"{words}; {there} there already" if there else words


def with_what_is_there(backend: Backend, plan: Plan) -> Plan:
    """The plan with what the store has of its inputs already; a store that does not answer leaves that open."""
    return evolve(plan, uploads=tuple(_asked(backend, upload) for upload in plan.uploads))


def _asked(backend: Backend, upload: Upload) -> Upload:
    if not _is_folder(upload) or upload.size is None:
        return upload
    try:
        report = _transferred(backend, upload, dry_run=True)
    except AnyfitError:
        return upload
    return evolve(upload, there=max(0, upload.size - report.bytes))


def put_uploads(backend: Backend, uploads: Sequence[Upload], on_progress: OnProgress | None = None) -> list[int | None]:
    """Make the uploads; for each the bytes sent, or None when the store had it.

    `on_progress` is told of inputs, one after the other, how far each is.
    """
    small = [upload for upload in uploads if not _is_folder(upload)]
    sent: dict[int, int | None] = {}
    if small:
        with ThreadPoolExecutor(min(_AT_ONCE, len(small))) as pool:
            sent = dict(zip(map(id, small), pool.map(lambda upload: _upload(backend, upload), small), strict=True))
    return [sent[id(upload)] if id(upload) in sent else _transfer(backend, upload, on_progress) for upload in uploads]


def _is_folder(upload: Upload) -> bool:
    return upload.kind == "input" and not upload.content


def _upload(backend: Backend, upload: Upload) -> int | None:
    """Put one object, unless the store has it: a file of this size, for its target names its content.

    A large file goes in parts by way of the engine, so that it is never in memory as a whole.
    """
    from anyfit.storage import Uri

    target = Uri.parse(upload.target)
    store = backend.store(target)
    content = upload.content or None
    if content is None:
        source = Uri.parse(upload.source)
        size = source.path.stat().st_size
        if _has(store, target, size):
            return None
        if size > _LARGE:
            return _transfer(backend, upload)
        content = source.path.read_bytes()
    elif _has(store, target, len(content), hashlib.md5(content, usedforsecurity=False).hexdigest()):
        return None
    store.put(target.key, content)
    return len(content)


def _has(store: Store, target: Uri, size: int, md5: str = "") -> bool:
    try:
        entry = store.stat(target.key)
    except NotFound:
        return False
    return entry.size == size and md5 in ("", entry.etag)


def _transfer(backend: Backend, upload: Upload, on_progress: OnProgress | None = None) -> int | None:
    """Bring a file or folder from wherever it is; what is there in the same size is not sent again."""
    report = _transferred(backend, upload, on_progress=on_progress)
    return report.bytes if report.copied else None


def _transferred(
    backend: Backend, upload: Upload, *, dry_run: bool = False, on_progress: OnProgress | None = None
) -> Report:
    from anyfit.storage.options import Options
    from anyfit.storage.transfer import transfer

    how = Options(compare="size", dry_run=dry_run)
    report = transfer(upload.source, upload.target, how, open=backend.store, on_progress=on_progress)
    return report.raise_for_failures()
