"""The files below a directory, in the order in which a store would list their keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from typing import Literal

from anyfit.storage.apart import Apart
from anyfit.storage.halves import is_half
from anyfit.values import frozen

__all__ = ["Found", "Links", "Problem", "walk"]

Links = Literal["follow", "skip"]
Problem = Callable[[str, str], None]


@frozen
class Found:
    """A file or an empty directory: its key relative to the root (a directory's ends in `/`) and its `os.stat`."""

    key: str
    stat: os.stat_result
    link: str = ""


def walk(
    root: str,
    *,
    prefix: str = "",
    after: str = "",
    links: Links = "follow",
    problem: Problem | None = None,
    apart: Apart | None = None,
) -> Iterator[Found]:
    """All files under `root` whose key starts with `prefix` and comes after `after`.

    What cannot be sent is told to `problem(key, reason)` and left out: a link that leads nowhere or in a circle, a
    pipe or device, a directory that may not be read. So is a directory that is `apart`, if it was asked for.
    """
    return _Walk(root, prefix, after, links, problem or (lambda key, reason: None), apart).start()


class _Walk:
    def __init__(self, root: str, prefix: str, after: str, links: Links, tell: Problem, apart: Apart | None) -> None:
        self.root = root
        self.prefix = prefix
        self.after = after
        self.after_bytes = os.fsencode(after)
        self.links = links
        self.tell = tell
        self.apart = apart

    def start(self) -> Iterator[Found]:
        directory = self.prefix[: self.prefix.rfind("/") + 1]
        path = os.path.join(self.root, directory)  # noqa: PTH118
        return self.below(path, directory, (), os.path.realpath(path) if self.apart else "")

    def below(self, path: str, base: str, above: tuple[tuple[int, int], ...], real: str) -> Iterator[Found]:
        if self.apart and self.apart.holds(real, base):
            if self.apart.wanted(base):
                self.tell(base, "it is the target, or lies in it")
            return
        try:
            here = os.stat(path)  # noqa: PTH116
            names = self.names(path)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self.tell(base, error.strerror or str(error))
            return
        identity = (here.st_dev, here.st_ino)
        if identity in above:
            self.tell(base, "the link leads back to a directory above it")
            return
        if not names and base and self.wants(base):
            yield Found(base, here)
        for name, item in names:
            key = base + name
            if name.endswith("/"):
                if self.may_hold(key):
                    yield from self.below(item.path, key, (*above, identity), self.real(real, item))
            elif self.wants(key) and (found := self.file(item, key)):
                yield found

    def names(self, path: str) -> list[tuple[str, os.DirEntry[str]]]:
        names = []
        with os.scandir(path) as items:
            for item in items:
                if not is_half(item.name) and (self.links == "follow" or not item.is_symlink()):
                    names.append((item.name + "/" if _is_dir(item) else item.name, item))
        names.sort(key=lambda pair: os.fsencode(pair[0]))
        return names

    def real(self, above: str, item: os.DirEntry[str]) -> str:
        """Where a directory really is, which is known without a look but for links; "" where nobody asks."""
        if not self.apart:
            return ""
        return os.path.realpath(item.path) if item.is_symlink() else os.path.join(above, item.name)  # noqa: PTH118

    def wants(self, key: str) -> bool:
        return key.startswith(self.prefix) and (not self.after or os.fsencode(key) > self.after_bytes)

    def may_hold(self, directory: str) -> bool:
        """Whether wanted keys may lie in `directory`."""
        if not (directory.startswith(self.prefix) or self.prefix.startswith(directory)):
            return False
        return not self.after or self.after.startswith(directory) or os.fsencode(directory) > self.after_bytes

    def file(self, item: os.DirEntry[str], key: str) -> Found | None:
        try:
            link = os.readlink(item.path) if item.is_symlink() else ""  # noqa: PTH115
            status = item.stat()
        except FileNotFoundError:
            self.tell(key, "the link leads nowhere" if item.is_symlink() else "it went away")
            return None
        except OSError as error:
            self.tell(key, error.strerror or str(error))
            return None
        if not stat.S_ISREG(status.st_mode):
            self.tell(key, "neither a file nor a directory")
            return None
        return Found(key, status, link)


def _is_dir(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:
        return (
            False  # a link in a circle or to where nobody may look; what is wrong with it is told when it is its turn
        )
