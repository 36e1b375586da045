"""Putting a plan's uploads where the backend's jobs can read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from anyfit.errors import NotFound
from anyfit.show import size_text

if TYPE_CHECKING:
    from anyfit.backend import Backend, Plan, Upload

__all__ = ["stage"]


def stage(backend: Backend, plan: Plan) -> str:
    """Make every upload of the plan that the store does not have yet; answers what was done, in words."""
    sent = [_upload(backend, upload) for upload in plan.uploads]
    moved = [size for size in sent if size is not None]
    there = len(sent) - len(moved)
    words = f"{len(moved)} upload{'s' if len(moved) != 1 else ''}, {size_text(sum(moved))}"
    return f"{words}; {there} there already" if there else words


def _upload(backend: Backend, upload: Upload) -> int | None:
    """The bytes sent, or None when the store had them."""
    from anyfit.storage import Uri

    target = Uri.parse(upload.target)
    store = backend.store(target)
    if upload.content:
        store.put(target.key, upload.content)
        return len(upload.content)
    data = Path(upload.source).read_bytes()
    try:
        if store.stat(target.key).size == len(data):  # code is named by its digest
            return None
    except NotFound:
        pass
    store.put(target.key, data)
    return len(data)
