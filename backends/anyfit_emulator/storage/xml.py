"""The services' XML documents: written by hand, read with the standard parser."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from time import gmtime, strftime
from xml.etree import ElementTree

from anyfit_emulator.storage.errors import StoreError

__all__ = ["children", "document", "iso_time", "parse", "tag", "text_of", "wrap"]

_SPECIAL = re.compile(r"[&<>\"\x00-\x1f\ufffe\uffff]")


def tag(name: str, value: str | int | bool) -> str:
    """One element with text."""
    if isinstance(value, bool):
        value = "true" if value else "false"
    text = _SPECIAL.sub(lambda match: f"&#{ord(match.group())};", str(value))
    return f"<{name}>{text}</{name}>" if text else f"<{name}/>"


def wrap(name: str, *inner: str) -> str:
    """One element with elements."""
    return f"<{name}>{''.join(inner)}</{name}>"


def document(name: str, namespace: str, inner: Iterable[str]) -> bytes:
    """A whole document."""
    attribute = f' xmlns="{namespace}"' if namespace else ""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}{attribute}>{"".join(inner)}</{name}>'
    return text.encode("utf-8", "surrogateescape")


def iso_time(time_ns: int) -> str:
    """A time as listings spell it."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(seconds))}.{rest // 1_000_000:03d}Z"


def parse(data: bytes, root: str) -> ElementTree.Element:
    """Read a request's document.

    Raises:
        StoreError: It is none, or another one.
    """
    if b"<!DOCTYPE" in data:
        raise StoreError("MalformedXML", "A document type is not allowed.")
    try:
        element = ElementTree.fromstring(data)  # noqa: S314  entities were ruled out above
    except ElementTree.ParseError:
        raise StoreError("MalformedXML") from None
    if _local(element) != root:
        raise StoreError("MalformedXML", f"The document must be a {root}.")
    return element


def children(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """Children of that name, whatever the namespace."""
    return (child for child in element if _local(child) == name)


def text_of(element: ElementTree.Element, name: str) -> str:
    """The text of the first child of that name, or ""."""
    return next((child.text or "" for child in children(element, name)), "")


def _local(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]
