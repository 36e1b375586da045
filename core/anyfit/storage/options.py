"""What a transfer is asked to do, and what it answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from anyfit.errors import StorageError, UsageError, nearest
from anyfit.show import one_line, uri_text
from anyfit.storage.filters import Filter
from anyfit.storage.walk import Links
from anyfit.values import field, frozen

__all__ = ["Action", "Compare", "Failure", "OnAction", "OnProgress", "Options", "Progress", "Report"]

Compare = Literal["always", "time", "size", "checksum"]
MIB = 1 << 20


@frozen(kw_only=True)
class Options:
    """How to transfer.

    Attributes:
        compare: What counts as changed. "always": everything; "time": another size, or the source is newer; "size":
            another size; "checksum": another size, or content that is not proven equal by MD5 and ETag.
        recursive: Whether the source may be a directory.
        names: Of a directory only these, each an object; none stands for all.
        delete: Delete what the source does not have, at the end, and only if the source was listed completely.
        filters: Patterns by `include(...)` and `exclude(...)`; what they leave out is neither copied nor deleted.
        dry_run: Tell what would be done and do nothing.
        links: "follow" sends what symbolic links lead to, "skip" leaves links out.
        bandwidth: Bytes per second in all, or None.
        jobs: How many requests are under way at once.
        part_size: Objects larger than this are moved in parts of this size, or more where a service demands it.
        state_dir: Where the state of unfinished transfers is kept; by default `transfers` in ANYFIT_HOME.
    """

    compare: Compare = "time"
    recursive: bool = True
    names: tuple[str, ...] = ()
    delete: bool = False
    filters: tuple[Filter, ...] = ()
    dry_run: bool = False
    links: Links = "follow"
    bandwidth: float | None = None
    jobs: int = 16
    part_size: int = 8 * MIB
    state_dir: Path | None = None

    def __attrs_post_init__(self) -> None:
        _refuse_other("compare", self.compare, get_args(Compare))
        _refuse_other("links", self.links, get_args(Links))
        if not all(isinstance(rule, Filter) for rule in self.filters):
            raise UsageError(f"filters: {self.filters!r} is none", hint='write exclude("*.tmp") + include("a/*.tmp")')
        if self.jobs < 1 or self.part_size < MIB or (self.bandwidth is not None and self.bandwidth <= 0):
            raise UsageError("jobs and bandwidth have to be positive, part_size at least 1 MiB")

    @property
    def state(self) -> Path:
        """The directory of the state."""
        return self.state_dir or Path(os.environ.get("ANYFIT_HOME") or Path.home() / ".anyfit") / "transfers"


def _refuse_other(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{name}: expected one of {', '.join(known)}, got {value!r}", hint=nearest(str(value), known))


@frozen
class Action:
    """One thing that is done, or would be: `source` is "" for a deletion."""

    kind: Literal["copy", "delete"]
    source: str
    target: str
    size: int = 0


@frozen
class Failure:
    """One thing that could not be done, and why."""

    source: str
    target: str
    reason: str

    def __str__(self) -> str:
        return one_line(f"{uri_text(self.source or self.target)}: {self.reason}")


@frozen
class Progress:
    """How far a transfer is. Totals grow until everything is listed, then `listed` is true."""

    files: int
    bytes: int
    total_files: int
    total_bytes: int
    skipped: int
    failed: int
    seconds: float
    listed: bool
    finished: bool = False


OnAction = Callable[[Action], None]
OnProgress = Callable[[Progress], None]


@frozen
class Report:
    """What a transfer did.

    Attributes:
        copied: Objects written.
        bytes: Their bytes.
        skipped: Objects that were there already.
        deleted: Objects deleted in the target.
        failures: What could not be done; everything else was.
        unproven: Written objects whose content no checksum of the source could prove, only their length.
        seconds: How long it took.
    """

    copied: int = 0
    bytes: int = 0
    skipped: int = 0
    deleted: int = 0
    failures: tuple[Failure, ...] = field(default=())
    unproven: int = 0
    seconds: float = 0.0

    def raise_for_failures(self, most: int | None = 50) -> Report:
        """Itself, or a `StorageError` that lists the failures, no more than so many of them."""
        if self.failures:
            listed = self.failures[:most]
            shown = "".join(f"\n  {failure}" for failure in listed)
            more = f"\n  and {len(self.failures) - len(listed)} more" if len(listed) < len(self.failures) else ""
            count = f"{len(self.failures)} of {self.copied + self.skipped + len(self.failures)}"
            raise StorageError(
                f"{count} could not be transferred:{shown}{more}",
                hint="what arrived stays; sync sends only what is not there yet" if self.copied else "",
            )
        return self
