"""Finding the traceback that tells why, in logs as messy as they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit.failure.tracebacks import Role, Traceback, clean, decisive

PLAIN = """\
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    main()
  File "train.py", line 2, in main
    raise ValueError("bad")
ValueError: bad"""


def find(text: str) -> Traceback:
    """The decisive traceback of a log; there must be one."""
    trace = decisive([clean(line) for line in text.splitlines()])
    assert trace is not None
    return trace


def types(text: str) -> list[str]:
    """The classes of its exceptions."""
    return [raised.type for raised in find(text).raised]


def test_a_plain_traceback_is_found_among_other_lines() -> None:
    """Its lines, its exception and its frames are taken, and nothing else."""
    trace = find(f"epoch 1\n{PLAIN}\nbye")

    assert trace.text() == PLAIN
    assert (trace.raised[0].type, trace.raised[0].message) == ("ValueError", "bad")
    assert (trace.raised[0].innermost.line, trace.raised[0].innermost.source) == ("2", 'raise ValueError("bad")')


def test_the_last_of_several_counts() -> None:
    """Earlier ones were handled, else there would be no later one."""
    assert types(f"{PLAIN}\nretrying\n{PLAIN.replace('ValueError', 'KeyError')}") == ["KeyError"]


def test_an_unfinished_traceback_does_not_count() -> None:
    """Without the line that names the exception there is nothing to tell."""
    unfinished = "\n".join(PLAIN.splitlines()[:-1])

    assert decisive(unfinished.splitlines()) is None
    assert types(f"{PLAIN}\nagain\n{unfinished}") == ["ValueError"]


@pytest.mark.parametrize(
    "marker",
    [
        "During handling of the above exception, another exception occurred:",
        "The above exception was the direct cause of the following exception:",
    ],
)
def test_chained_exceptions_belong_together(marker: str) -> None:
    """The chain is one traceback, first cause first."""
    text = f"{PLAIN}\n\n{marker}\n\n{PLAIN.replace('ValueError', 'RuntimeError')}"

    assert types(text) == ["ValueError", "RuntimeError"]
    assert find(text).text() == text


@pytest.mark.parametrize(
    "prefix",
    ["[rank0]: ", "[default3]:", "[1,0]<stderr>:", "2026-11-21 10:00:00,123 ", "2026-11-21T10:00:00Z [rank1]: "],
)
def test_tags_of_ranks_and_times_are_taken_away(prefix: str) -> None:
    """What launchers and platforms write before each line is not part of the traceback."""
    text = "\n".join(prefix + line for line in ["epoch 1", *PLAIN.splitlines(), "bye"])

    assert find(text).text() == PLAIN


def test_a_chain_under_a_tag() -> None:
    """Blank lines between the parts carry the tag without its blank."""
    marker = "During handling of the above exception, another exception occurred:"
    lines = [*PLAIN.splitlines(), "", marker, "", *PLAIN.replace("ValueError", "KeyError").splitlines()]

    assert types("\n".join(f"[rank0]: {line}" for line in lines)) == ["ValueError", "KeyError"]


def test_lines_of_other_ranks_in_between_are_left_out() -> None:
    """Ranks write at the same time; one traceback is of one rank."""
    mixed = "\n".join(f"[rank1]: {line}\n[rank0]: waiting" for line in PLAIN.splitlines())

    assert find(mixed).text() == PLAIN


def test_a_progress_bar_before_the_header_does_no_harm() -> None:
    """Progress bars end without a line break."""
    assert find(f" 10%|#         | 1/10 [00:01<00:09]{PLAIN}").text() == PLAIN
    assert find(f" 10%|#  | 1/10\r 20%|##  | 2/10\r{PLAIN}").text() == PLAIN


def test_colours_are_taken_away() -> None:
    """Python colours tracebacks where it thinks that somebody looks."""
    coloured = PLAIN.replace("ValueError", "\x1b[1;35mValueError\x1b[0m").replace("train", "\x1b[35mtrain")

    assert find(coloured).text() == PLAIN


@pytest.mark.parametrize(
    "introduction",
    [
        "Exception ignored in: <function Dataset.__del__ at 0x7f0000000000>",
        "Exception ignored in atexit callback: <function save at 0x7f0000000000>",
        "Error in atexit._run_exitfuncs:",
        "--- Logging error ---",
    ],
)
def test_what_python_ignores_is_ignored_here_too(introduction: str) -> None:
    """Exceptions that do not end the process are not why it ended."""
    noise = f"{introduction}\n{PLAIN.replace('ValueError', 'AttributeError')}"

    assert types(f"{PLAIN}\n{noise}") == ["ValueError"]
    assert decisive(noise.splitlines()) is None


def test_the_main_thread_counts_more_than_others() -> None:
    """A thread that dies does not end the process, but is better than nothing."""
    thread = f"Exception in thread Thread-1 (load):\n{PLAIN.replace('ValueError', 'OSError')}"

    assert types(f"{PLAIN}\n{thread}") == ["ValueError"]
    assert find(thread).role is Role.BACKGROUND


def test_a_launcher_that_reports_a_failed_child_is_not_the_cause() -> None:
    """The child's own traceback says more than that there was a child."""
    name = "torch.distributed.elastic.multiprocessing.errors.ChildFailedError"
    parent = PLAIN.replace("ValueError: bad", f"{name}:\n{'=' * 20}\ntrain.py FAILED\n{'-' * 20}")

    assert types(f"[rank0]: {PLAIN}\n{PLAIN}\n{parent}") == ["ValueError"]
    assert types(parent) == [name]


def test_a_traceback_inside_a_message_is_found() -> None:
    """Data loaders put the worker's traceback into the message of their own exception."""
    outer = PLAIN.replace("ValueError: bad", "RuntimeError: Caught KeyError in DataLoader worker process 0.")

    assert types(f"{outer}\nOriginal {PLAIN.replace('ValueError', 'KeyError')}") == ["KeyError"]


def test_messages_of_several_lines() -> None:
    """Indented lines belong to the message; so does everything up to a blank line when its first line is empty."""
    indented = PLAIN.replace("bad", "Error(s) in loading:\n\tMissing key(s): a\n\tUnexpected key(s): b")
    numpy = PLAIN.replace("ValueError: bad", "AssertionError: \nArrays are not equal\nMismatch: 1\n\nlater")

    assert find(f"{indented}\nbye").raised[0].message.count("\n") == 2
    assert find(numpy).raised[0].message == "Arrays are not equal\nMismatch: 1"


def test_a_syntax_error_without_header() -> None:
    """Python prints none when the script itself cannot be read."""
    text = '  File "train.py", line 7\n    def f(:\n          ^\nSyntaxError: invalid syntax'

    assert find(f"starting\n{text}\nbye").text() == text
    assert find(text).raised[0].innermost.line == "7"
    assert types("\n".join(f"[rank0]: {line}" for line in text.splitlines())) == ["SyntaxError"]


def test_a_syntax_error_in_an_imported_module() -> None:
    """The innermost frame is the line that cannot be read."""
    text = PLAIN.replace("ValueError: bad", '  File "model.py", line 9\n    x = = 1\n        ^\nIndentationError: oh')

    assert find(text).raised[0].innermost.file == "model.py"
    assert types(text) == ["IndentationError"]


def test_a_crash_of_the_interpreter() -> None:
    """What faulthandler prints is the script's own traceback too."""
    text = (
        "Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f (most recent call first):\n"
        '  File "train.py", line 3 in load\n  File "train.py", line 9 in <module>'
    )

    assert find(f"{text}\n\nSegmentation fault (core dumped)").text() == text


def test_nested_exception_groups() -> None:
    """The leaves are what happened."""
    text = """\
  + Exception Group Traceback (most recent call last):
  |   File "train.py", line 1, in <module>
  | ExceptionGroup: outer (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ExceptionGroup: inner (1 sub-exception)
    +-+---------------- 1 ----------------
      | ValueError: first
      +------------------------------------
    +---------------- 2 ----------------
    | KeyError: 'second'
    +------------------------------------"""

    assert types(f"start\n{text}\nbye") == ["ExceptionGroup", "ExceptionGroup", "ValueError", "KeyError"]
    assert find(f"start\n{text}\nbye").text() == text


def test_the_place_is_in_the_users_code() -> None:
    """Whoever reads it can do something there, not in a library."""
    library = '  File "/usr/lib/python3/site-packages/torch/nn.py", line 99, in forward\n    raise ValueError'
    raised = find(PLAIN.replace("ValueError: bad", f"{library}\nValueError: bad")).raised[0]

    assert (raised.place.file, raised.place.line) == ("train.py", "2")
    assert raised.innermost.line == "99"


def test_a_long_traceback_loses_its_middle() -> None:
    """Mutual recursion prints thousands of frames."""
    frames = "\n".join(f'  File "a.py", line {n}, in f\n    f()' for n in range(1000))
    text = find(PLAIN.replace("ValueError: bad", f"{frames}\nRecursionError: deep")).text(60)

    assert len(text.splitlines()) == 61
    assert text.endswith("RecursionError: deep")


@pytest.mark.parametrize("part", ["/a", "a.so", "a.", "[Errno 2] ", "File '", "1 ", "CUDA "])
def test_endless_lines_are_cut(part: str) -> None:
    """A message of many kilobytes does not fill the report."""
    raised = find(PLAIN.replace("bad", part * 50_000)).raised[0]

    assert 0 < len(raised.message) <= 2000


PIECES = [
    *PLAIN.splitlines(),
    "",
    "  | x",
    "  +-+---",
    "[rank0]: ",
    "Fatal Python error: Aborted",
    '  File "a", line 1',
]


@given(st.lists(st.sampled_from(PIECES) | st.text(), max_size=40))
def test_any_text_can_be_looked_through(lines: list[str]) -> None:
    """No log makes the search fail, and what it finds lies within the log."""
    trace = decisive([clean(line) for line in lines])

    assert trace is None or (trace.raised and 0 < trace.end <= len(lines))
