"""Whose place is a path: an input channel's, the job's own, or one on somebody's machine?

Each platform lays the channels of a job out in its own way:

    .../input/data/NAME/                     as anyfit's own layout has it
    .../anyfit/JOB/node-NUMBER/data/NAME/    what anyfit's launcher brings where the platform brings nothing
    .../inputs/NAME_NUMBER/, .../input/NAME/ what platforms bring themselves

A script may well have folders like the last two of its own, so they count only where the job has such a channel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from anyfit.failure.evidence import Evidence
from anyfit.spec import DEFAULT_CHANNEL

__all__ = ["channel_of", "is_elsewhere"]

_OURS: Final = (
    re.compile(r"(?:^|/)input/data/(?P<name>[^/]+)(?:/|$)"),
    re.compile(r"/anyfit/[^/]+/node-\d+/data/(?P<name>[^/]+)(?:/|$)"),
)
_THEIRS: Final = (
    re.compile(r"^/.*/inputs/(?P<name>[^/]+)_\d+(?:/|$)"),
    re.compile(r"^/.*/input/(?P<name>[^/]+)(?:/|$)"),
)
_OTHER_NAMES: Final = {"data_url": DEFAULT_CHANNEL}  # a platform's name for what a script is given first
_OWN_MACHINE = re.compile(r"~|/home/|/Users/|/mnt/[a-z]/|[A-Za-z]:[\\/]")
_HOME = re.compile(r"/(?:home|Users)/[^/]+/")
_CONTAINER_HOMES: Final = ("/home/ma-user/", "/home/work/")  # of the users that containers run as


def channel_of(evidence: Evidence, path: str) -> str:
    """The channel that the path lies in, also one that the job should have and has not; "" for none."""
    channels = evidence.spec.inputs if evidence.spec else {}
    ours, theirs = list(_names(_OURS, path)), list(_names(_THEIRS, path))
    known = (name for named in (*ours, *theirs) for name in (named, _OTHER_NAMES.get(named, "")) if name in channels)
    return next(known, ours[0] if ours else "")


def is_elsewhere(evidence: Evidence, path: str) -> bool:
    """Whether the path looks like one of somebody's machine, and unlike the home that the job itself ran in."""
    if not _OWN_MACHINE.match(path):
        return False
    home = _HOME.match(path)
    if home is None:
        return True
    frames = [frame for raised in evidence.fatal for frame in raised.frames]
    return home[0] not in _CONTAINER_HOMES and not any(frame.file.startswith(home[0]) for frame in frames)


def _names(patterns: tuple[re.Pattern[str], ...], path: str) -> Iterator[str]:
    return (found["name"] for pattern in patterns if (found := pattern.search(path)))
