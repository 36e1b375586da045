"""What a person names in a store: an object, a directory, or with wildcards some of what lies below one.

`*` stands for any characters, slashes too, and `?` for one. What has a wildcard in its name for real is named `raw`;
a file of this machine that has is found without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from anyfit.errors import NotFound, UsageError
from anyfit.show import uri_text
from anyfit.storage.browse import Listed, list_place
from anyfit.storage.filters import Filter, Filters, include
from anyfit.storage.places import Open
from anyfit.storage.uri import Uri
from anyfit.values import evolve, frozen

__all__ = ["Selection", "chosen", "select", "together"]

_WILDCARD = re.compile(r"[*?]")


@frozen
class Selection:
    """A place, and what of it is meant.

    Attributes:
        uri: The object or directory.
        filters: What takes part.
        wildcards: As they were written, "" without any.
        names: Of a directory only these objects, which were named one by one.
    """

    uri: Uri
    filters: tuple[Filter, ...] = ()
    wildcards: str = ""
    names: tuple[str, ...] = ()

    def nothing(self) -> NotFound:
        """The error to raise when nothing fits."""
        return NotFound(
            f"nothing at {uri_text(str(self.uri))} fits {self.wildcards!r}", hint="anyfit ls shows what there is"
        )


def select(text: str, filters: tuple[Filter, ...] = (), *, raw: bool = False) -> Selection:
    """Read a URI or path that may hold wildcards; `filters` narrow what these take in.

    Raises:
        SpecError: It is no URI.
        UsageError: It has wildcards, and a filter that includes.
    """
    uri = Uri.parse(text)
    found = None if raw or (uri.is_local and uri.path.exists()) else _WILDCARD.search(uri.key)
    if not found:
        return Selection(uri, filters)
    if any(rule.verdict == "include" for rule in filters):
        raise UsageError(
            f"{text!r} has wildcards, and there is an --include", hint="use one of them; --exclude goes with both"
        )
    cut = uri.key.rfind("/", 0, found.start()) + 1
    wildcards = uri.key[cut:]
    return Selection(evolve(uri, key=uri.key[:cut]), include(wildcards.replace("[", "[[]")) + filters, wildcards)


def together(selections: Iterable[Selection]) -> list[Selection]:
    """Of objects that were named one by one, the files of one directory as one selection, to be moved side by side."""
    others: list[Selection] = []
    directories: dict[Uri, dict[str, Selection]] = {}
    for one in selections:
        if one.wildcards or not one.uri.is_local:
            others.append(one)
        else:
            directories.setdefault(one.uri.parent, {})[one.uri.name] = one
    files = [
        evolve(next(iter(named.values())), uri=directory, names=tuple(named))
        for directory, named in directories.items()
    ]
    return [*files, *others]


def chosen(selection: Selection, *, recursive: bool, open: Open) -> Iterator[tuple[str, Listed]]:
    """What is selected, by its name below the place; filters and wildcards look below directories too.

    Raises:
        NotFound: There is nothing.
    """
    base = selection.uri.as_dir()
    takes = Filters(selection.filters)
    cut = len(base.key)
    found = False
    deep = recursive or bool(selection.wildcards)
    for line in list_place(selection.uri, recursive=deep, stem=takes.stem, open=open):
        name = line.uri.key[cut:] if line.uri.key.startswith(base.key) else line.uri.name
        if takes(name):
            found = True
            yield name, line
    if selection.wildcards and not found:
        raise selection.nothing()
