"""A small stand-in for the platform's `moxing`: the file functions that scripts use to reach OBS (`mox.file`)."""

from __future__ import annotations

from . import file

__all__ = ["file"]
