"""Which traceback in a log tells why the script ended?

Logs are messy: lines carry the tag of a rank or a time, progress bars end without a line break, exceptions
are chained or grouped, and the interpreter prints harmless tracebacks on its way out. A traceback counts here
once the line that names its exception is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import islice

from attrs import evolve, frozen

__all__ = ["Frame", "Raised", "Role", "Traceback", "clean", "decisive"]

HEADER = "Traceback (most recent call last):"
NEAR = 200
"""Lines: tracebacks further apart than this have nothing to do with each other."""
LONGEST = 2000
"""Characters: what a line or a message says after so many is left out, lest a search take for ever."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_TIME = re.compile(r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]? ?")
_FRAME = re.compile(r'^\s*File "(?P<file>.*?)", line (?P<line>\d+)')
_BARE_FRAME = re.compile(r'^(?P<tag>|\S.*?)  File "(?P<file>[^"]+)", line \d+$')
_LIBRARY = re.compile(r"[/\\](?:site|dist)-packages[/\\]|[/\\]lib[/\\]python\d|^<frozen ")
_CARETS = re.compile(r"^\s*[\^~ ]+$")
_GROUP = re.compile(r"^\s*\+ Exception Group Traceback \(most recent call last\):$")
_GROUP_LINE = re.compile(r"^\s*[|+]")
_EXCEPTION = re.compile(
    r"(?!(?:INFO|DEBUG|WARNING|ERROR|CRITICAL|FATAL)\b)"
    r"(?P<type>(?:[A-Za-z_<][\w<>]*\.)+[A-Za-z_]\w*|[A-Z_]\w*)(?::(?: (?P<message>.*))?)?"
)
_SYNTAX = re.compile(r"(?P<type>SyntaxError|IndentationError|TabError)(?:: (?P<message>.*))?")
_LONE_SYNTAX = re.compile(r"SyntaxError: (?P<message>.* in file (?P<file>.+) on line (?P<line>\d+).*)")
_CHAIN = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
_FATAL = "Fatal Python error: "
_FATAL_BODY = (
    "Current thread",
    "Thread 0x",
    "Python runtime state",
    "  File ",
    "  <no Python frame>",
    "  Garbage-collecting",
    "  Binary file",
    "  ...",
)
_HARMLESS = ("Exception ignored ", "Error in atexit._run_exitfuncs", "--- Logging error ---", "Error in sys.")
_BACKGROUND = re.compile(r"Exception in thread |future: <|Exception in callback |Process \S+:$")
_MESSENGERS = re.compile(r"(?:.*\.)?(?:ChildFailedError|CalledProcessError|ProcessExitedException|ExitException)")


class Role(IntEnum):
    """What a traceback says about the end of the process; the higher, the more."""

    HARMLESS = 0
    MESSENGER = 1
    BACKGROUND = 2
    MAIN = 3


@frozen
class Frame:
    """One call of a traceback; all "" where it is not known."""

    file: str = ""
    line: str = ""
    source: str = ""


@frozen
class Raised:
    """One exception of a traceback.

    Attributes:
        type: Its class as printed, with the module.
        message: What it says.
        frames: The calls that led there, outermost first.
    """

    type: str
    message: str = ""
    frames: tuple[Frame, ...] = ()

    @property
    def innermost(self) -> Frame:
        """Where it was raised, or where the syntax is wrong."""
        return self.frames[-1] if self.frames else Frame()

    @property
    def place(self) -> Frame:
        """The innermost frame that is not in a library, for that is where its reader can do something."""
        own = (frame for frame in reversed(self.frames) if not _LIBRARY.search(frame.file))
        return next(own, self.innermost)


@frozen
class Traceback:
    """A complete traceback, with everything chained to it.

    Attributes:
        lines: As printed, without tags of ranks and times.
        raised: Its exceptions in the order in which they were printed.
        role: What it says about the end of the process.
        end: Index of the first line of the log after it.
        tag: What stood before each line, such as a rank.
    """

    lines: tuple[str, ...]
    raised: tuple[Raised, ...]
    role: Role = Role.MAIN
    end: int = 0
    tag: str = ""

    def text(self, most: int = 60) -> str:
        """The lines as one text, with the middle left out where there are more than `most`."""
        if len(self.lines) <= most:
            return "\n".join(self.lines)
        head, last = most // 3, most - most // 3
        left_out = f"  ... {len(self.lines) - most} lines ..."
        return "\n".join((*self.lines[:head], left_out, *self.lines[-last:]))


def clean(line: str) -> str:
    """The line as a terminal would finally show it, without colours, overwritten progress and controls."""
    plain = _ESCAPES.sub("", line).rstrip("\r\n")
    return _CONTROL.sub("", plain.rpartition("\r")[2])[:LONGEST].rstrip()


def decisive(lines: Sequence[str]) -> Traceback | None:
    """The last traceback that can be why the process ended, from clean lines."""
    found = [trace for trace in _scan(lines) if trace.role is not Role.HARMLESS]
    if not found:
        return None
    last = found[-1].end
    return max((t for t in found if last - t.end < NEAR), key=lambda trace: (trace.role, trace.end))


def _scan(lines: Sequence[str]) -> Iterator[Traceback]:
    index = 0
    while index < len(lines):
        trace = _at(lines, index)
        if trace is None:
            index += 1
        else:
            yield evolve(trace, role=_role(lines, index, trace))
            index = trace.end


def _at(lines: Sequence[str], index: int) -> Traceback | None:
    """The traceback that begins in that line, with its chain."""
    first = _single(lines, index)
    return None if first is None else _with_chain(lines, first)


def _single(lines: Sequence[str], index: int) -> Traceback | None:
    line = lines[index]
    if HEADER in line:
        return _group(lines, index) if _GROUP.match(_untimed(line)) else _plain(lines, index)
    if line.startswith(_FATAL):
        return _fatal(lines, index)
    if line.endswith(tuple("0123456789")) and (bare := _BARE_FRAME.match(_untimed(line))):
        return _bare_syntax_error(lines, index, bare["tag"])
    if lone := _LONE_SYNTAX.search(line):
        raised = Raised("SyntaxError", lone["message"], (Frame(lone["file"], lone["line"]),))
        return Traceback((lone[0],), (raised,), end=index + 1)
    return None


def _with_chain(lines: Sequence[str], first: Traceback) -> Traceback:
    """Join the tracebacks that the interpreter says belong together."""
    whole = first
    while True:
        said, at = _next_text(lines, whole.end, whole.tag)
        marker = next((words for words in _CHAIN if said.endswith(words)), "")
        start = _next_text(lines, at + 1, whole.tag)[1] if marker else len(lines)
        following = _single(lines, start) if start < len(lines) else None
        if following is None:
            return whole
        whole = evolve(
            following,
            lines=(*whole.lines, "", marker, "", *following.lines),
            raised=(*whole.raised, *following.raised),
        )


def _next_text(lines: Sequence[str], start: int, tag: str) -> tuple[str, int]:
    """The next line with words in it and its index, looking only a few lines ahead."""
    ahead = islice(_tagged(lines, start, tag), 5)
    return next(((line, at) for at, line in ahead if re.search(r"\w", line)), ("", len(lines)))


def _role(lines: Sequence[str], index: int, trace: Traceback) -> Role:
    before = _untimed(lines[index - 1]) if index else ""
    if any(word in before for word in _HARMLESS):
        return Role.HARMLESS
    if _BACKGROUND.search(before):
        return Role.BACKGROUND
    return Role.MESSENGER if _MESSENGERS.fullmatch(trace.raised[-1].type) else Role.MAIN


def _untimed(line: str) -> str:
    return _TIME.sub("", line, count=1)


def _real_tag(lines: Sequence[str], start: int, tag: str) -> str:
    """The tag if the lines from `start` carry it too; else the header only followed something unfinished."""
    return tag if any(_untimed(line).startswith(tag) for line in lines[start : start + 10]) else ""


def _tagged(lines: Sequence[str], start: int, tag: str) -> Iterator[tuple[int, str]]:
    """The lines from `start` that carry the tag, without it."""
    bare = tag.rstrip()
    for index in range(start, len(lines)):
        line = _untimed(lines[index])
        if line.startswith(tag):
            yield index, line[len(tag) :]
        elif line == bare:
            yield index, ""


def _plain(lines: Sequence[str], index: int) -> Traceback | None:
    tag = _real_tag(lines, index + 1, _untimed(lines[index]).partition(HEADER)[0])
    body = [HEADER]
    noise = 0
    for at, line in _tagged(lines, index + 1, tag):
        if line[:1].isspace():
            body.append(line)
        elif match := _EXCEPTION.fullmatch(line):
            more, end = _continuation(lines, at + 1, tag, indented=bool(match["message"]) or not line.endswith(":"))
            raised = _raised(body, match["type"], "\n".join(filter(None, (match["message"], *more))))
            return Traceback((*body, line, *more), (raised,), end=end, tag=tag)
        elif noise == 5 or HEADER in line:
            return None
        else:
            noise += 1
    return None


def _continuation(lines: Sequence[str], start: int, tag: str, *, indented: bool) -> tuple[list[str], int]:
    """Further lines of a message: the indented ones, or all up to a blank line."""
    more: list[str] = []
    end = start
    for at, line in _tagged(lines, start, tag):
        if not line or HEADER in line or len(more) == 20 or (indented and not line[0].isspace()):
            break
        more.append(line)
        end = at + 1
    return more, end


def _raised(body: Sequence[str], name: str, message: str) -> Raised:
    """The exception with its frames."""
    frames = []
    for line, after in zip(body, (*body[1:], ""), strict=True):
        if match := _FRAME.match(line):
            source = "" if _FRAME.match(after) or _CARETS.match(after) else after.strip()
            frames.append(Frame(match["file"], match["line"], source))
    return Raised(name, message[:LONGEST], tuple(frames))


def _group(lines: Sequence[str], index: int) -> Traceback | None:
    """An exception group: a tree drawn with | and +, whose leaves are what happened."""
    body = [_untimed(lines[index])]
    for line in lines[index + 1 :]:
        if not _GROUP_LINE.match(_untimed(line)):
            break
        body.append(_untimed(line))
    raised: list[Raised] = []
    frames: list[str] = []
    for line in body[1:]:
        inner = re.sub(r"^\s*[|+] ?", "", line)
        match = _EXCEPTION.fullmatch(inner)
        if match and HEADER not in inner:
            raised.append(_raised(frames, match["type"], match["message"] or ""))
            frames = []
        else:
            frames.append(inner)
    return Traceback(tuple(body), tuple(raised), end=index + len(body)) if raised else None


def _bare_syntax_error(lines: Sequence[str], index: int, tag: str) -> Traceback | None:
    """A syntax error in the script itself has no header."""
    body: list[str] = []
    for at, line in _tagged(lines, index, tag):
        if match := _SYNTAX.fullmatch(line):
            raised = _raised(body, match["type"], match["message"] or "")
            return Traceback((*body, line), (raised,), end=at + 1, tag=tag)
        if len(body) == 5 or not line[:1].isspace():
            return None
        body.append(line)
    return None


def _fatal(lines: Sequence[str], index: int) -> Traceback:
    """What `faulthandler` prints when the interpreter itself dies."""
    body = [lines[index]]
    for line in lines[index + 1 : index + 200]:
        if line and not line.startswith(_FATAL_BODY):
            break
        body.append(line)
    while not body[-1]:
        body.pop()
    raised = Raised("Fatal Python error", lines[index][len(_FATAL) :])
    return Traceback(tuple(body), (raised,), end=index + len(body))
