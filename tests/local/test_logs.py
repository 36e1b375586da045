"""Logs, metrics and use of the machine."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import LogLine, Status
from anyfit.errors import SpecError, UsageError
from anyfit.metrics import scan
from anyfit_local.logbook import read_page, read_tail
from anyfit_local.supervise.pump import Pump
from anyfit_local.supervise.usage import _clock, _measure_with_ps
from waiting import within

PRINTS_ON_DEMAND = """
    import os, sys, time
    for name in ("first", "second", "third"):
        print(name, flush=True)
        while not os.path.exists(os.environ["GATE"] + name):
            time.sleep(0.002)
    sys.stdout.write("no end")
"""


def test_a_cursor_resumes_where_it_was_left(rig: Any, tmp_path: Path, helpers: Any) -> None:
    """Every line comes once, in order, also over processes; nothing new is an empty page."""
    gate = f"{tmp_path}/gate-"
    ref = rig.submit(PRINTS_ON_DEMAND, environment={"GATE": gate})
    rig.wait_for_line(ref, "first")
    page = rig.backend.logs(ref)
    again = rig.backend.logs(ref, page.cursor)

    assert [line.text for line in page.lines] == ["first"]
    assert again.lines == () and again.cursor == page.cursor and not again.more

    Path(gate + "first").touch()
    rig.wait_for_line(ref, "second")
    program = """
import sys
from pathlib import Path
from anyfit.backend import JobRef
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings
page = LocalBackend(Settings(), Path(sys.argv[1])).logs(JobRef.parse(sys.argv[2]), sys.argv[3])
print([line.text for line in page.lines], page.cursor, sep="|", end="")
"""
    other = [sys.executable, "-c", program, str(rig.folder / "home"), str(ref), page.cursor]
    lines, _, cursor = subprocess.run(other, capture_output=True, text=True, check=True).stdout.partition("|")
    Path(gate + "second").touch()
    Path(gate + "third").touch()
    rig.wait(ref)

    assert lines == "['second']"
    assert [line.text for line in rig.backend.logs(ref, cursor).lines] == ["third", "no end"]


def test_a_line_is_seen_before_the_next_is_printed(rig: Any, tmp_path: Path) -> None:
    """What the script prints can be read while it goes on, without its flushing; how soon, a benchmark tells."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    ref = rig.submit(
        """
        import os
        gate = os.open(os.environ["GATE"], os.O_RDWR)
        for n in range(10):
            print("line", n)
            os.read(gate, 1)
        """,
        environment={"GATE": str(gate)},
    )
    opened = os.open(gate, os.O_RDWR)
    try:
        for n in range(10):
            rig.wait_for_line(ref, f"line {n}")
            assert not rig.state(ref).status.finished
            os.write(opened, b"x")
        assert rig.wait(ref).status is Status.SUCCEEDED
    finally:
        os.close(opened)


def test_lines_carry_the_time_at_which_they_were_written(rig: Any, helpers: Any, tmp_path: Path) -> None:
    """Not the time at which they were read."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    ref = rig.submit(
        """
        import os, time
        gate = os.open(os.environ["GATE"], os.O_RDWR)
        for n in range(3):
            print(time.time(), flush=True)
            os.read(gate, 1)
        """,
        environment={"GATE": str(gate)},
    )
    seen = []
    opened = os.open(gate, os.O_RDWR)
    for n in range(3):
        helpers.until(lambda n=n: len(rig.texts(ref)) > n or None)
        seen.append(time.time())
        os.write(opened, b"x")
    state = rig.wait(ref)
    os.close(opened)

    for line, at in zip(rig.lines(ref), seen, strict=True):
        assert float(line.text) - 0.01 < line.time.timestamp() < at + 0.01  # times are kept a little coarsely
        assert state.started_at <= line.time <= state.ended_at


def test_fifty_megabytes_of_output_hurt_nobody(rig: Any) -> None:
    """A flood is kept whole and read in pages of bounded size."""
    with within(10):
        ref, state = rig.run(
            """
            line = "x" * 99 + "\\n"
            for _ in range(500):
                print(line * 1000, end="")
            print("last")
            """
        )

    assert state.status is Status.SUCCEEDED
    assert (rig.job_folder(ref) / "logs" / "node-0.log").stat().st_size == 50_000_005
    page = rig.backend.logs(ref)
    assert page.more and len(page.lines) <= 4000
    tail = rig.backend.logs(ref, json.dumps([50_000_000 - 300]))
    assert [line.text[:1] for line in tail.lines] == ["x", "x", "x", "l"] and not tail.more
    assert tail.lines[-1].time is not None


def test_all_pages_together_are_the_log(tmp_path: Path) -> None:
    """Whatever is in it: empty lines, half characters, very long lines, no end."""
    content = ("a\n\nü" + "é" * 700_000 + "\n" + "b\n" * 9000 + "日本" * 400_000 + "\r\nend").encode() + b"\xff"
    log = tmp_path / "node-0.log"
    log.write_bytes(content)
    texts, cursor, pages, more = [], "", 0, True
    while more:
        page = read_page([log], cursor, over=True)
        assert sum(len(line.text.encode()) for line in page.lines) <= 1 << 20 and len(page.lines) <= 4000
        texts += [line.text for line in page.lines]
        cursor, more, pages = page.cursor, page.more, pages + 1

    expected = content.decode("utf-8", "replace")
    assert pages > 4
    assert "".join(texts) == expected.replace("\r\n", "").replace("\n", "")
    assert texts[:2] == ["a", ""] and texts[-1] == "end\ufffd"
    assert read_page([log], cursor, over=True).lines == ()


ODD_ENDS = [b"", b"\n", b"one", b"a\nb\n\n", b"a\n" * 200_000 + b"end", b"x" * 3_000_000 + b"\n" + b"y" * 2_000_000]


@pytest.fixture(scope="module", params=ODD_ENDS, ids=[f"{len(content)} bytes" for content in ODD_ENDS])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with an odd end."""
    path = tmp_path_factory.mktemp("logs") / "node-0.log"
    path.write_bytes(request.param)
    return path


@pytest.fixture(scope="module", params=[True, False], ids=["over", "running"])
def over(request: pytest.FixtureRequest) -> bool:
    """Whether the job that wrote it has ended."""
    return bool(request.param)


@pytest.fixture(scope="module")
def read_through(log: Path, over: bool) -> tuple[list[LogLine], str]:
    """All lines, read page by page, and the cursor after them."""
    lines, cursor, more = list[LogLine](), "", True
    while more:
        page = read_page([log], cursor, over=over)
        lines += page.lines
        cursor, more = page.cursor, page.more
    return lines, cursor


@pytest.mark.parametrize("count", [0, 1, 2, 5, 100_000])
def test_the_tail_is_the_end_of_the_log(
    log: Path, over: bool, read_through: tuple[list[LogLine], str], count: int
) -> None:
    """The same lines and the same cursor as reading all of it leads to."""
    lines, cursor = read_through
    tail = read_tail([log], count, None, over=over)

    assert list(tail.lines) == lines[max(0, len(lines) - count) :]
    assert (tail.cursor, tail.more) == (cursor, False)


def test_the_tail_of_a_long_log_is_there_at_once(rig: Any) -> None:
    """Its length does not matter: a hundred tails of it in the time of reading a small part of it."""
    ref, _ = rig.run("for n in range(200): print('x' * 99, *range(n, n + 2000), sep='\\n')")
    log = rig.job_folder(ref) / "logs" / "node-0.log"
    with log.open("ab") as stream:
        stream.write(b"more\n" * 2_000_000)
    began = time.process_time()
    pages = [rig.backend.logs_tail(ref, 5) for _ in range(20)]
    seconds = time.process_time() - began

    assert [line.text for line in pages[-1].lines] == ["more"] * 5
    assert seconds < 1


def test_the_tail_of_one_node_is_its_own(rig: Any, tmp_path: Path) -> None:
    """Whatever the others write; the cursor goes on behind all of them."""
    ref, _ = rig.run("import os; rank = os.environ['RANK']; print(*(rank * 3), sep='\\n')", instance_count=2)
    page = rig.backend.logs_tail(ref, 2, node=1)

    assert [(line.node, line.text) for line in page.lines] == [(1, "1"), (1, "1")]
    assert rig.backend.logs(ref, page.cursor).lines == ()
    assert len(rig.backend.logs_tail(ref, 5).lines) == 5


def test_metrics_of_an_ended_job_are_looked_for_once(rig: Any) -> None:
    """What was found is kept beside its log, odd numbers included."""
    ref, _ = rig.run("for n in (1, 2): print(f'loss={1 / n}')", metric_definitions={"loss": r"loss=(\S+)"})
    first = rig.backend.metrics(ref)
    (rig.job_folder(ref) / "logs" / "node-0.log").unlink()

    assert rig.backend.metrics(ref) == first
    assert [point.value for point in first[0].points] == [1.0, 0.5]


def test_an_unfinished_line_waits_until_the_job_is_over(tmp_path: Path) -> None:
    """Half a line is not given away while its rest may follow."""
    log = tmp_path / "node-0.log"
    log.write_bytes(b"whole\nha")
    page = read_page([log], "", over=False)
    log.write_bytes(b"whole\nhalf")
    rest = read_page([log], page.cursor, over=True)

    assert ([line.text for line in page.lines], page.more) == (["whole"], False)
    assert [line.text for line in rest.lines] == ["half"]


def test_a_wrong_cursor_is_refused(tmp_path: Path) -> None:
    """Not taken for the beginning."""
    with pytest.raises(UsageError, match="no cursor"):
        read_page([tmp_path / "node-0.log"], "nonsense", over=True)


def test_lines_of_several_nodes_come_in_the_order_of_their_times(rig: Any) -> None:
    """Each node's lines in its own order, both mixed by time."""
    ref, _ = rig.run(
        """
        import os, time
        for n in range(3):
            time.sleep(0.05 + 0.03 * int(os.environ["RANK"]))
            print(n, flush=True)
        """,
        instance_count=2,
    )
    lines = rig.lines(ref)

    assert [line.time for line in lines] == sorted(line.time for line in lines)
    assert [line.text for line in lines if line.node == 1] == ["0", "1", "2"]


def test_the_pump_keeps_memory_and_index_small(tmp_path: Path) -> None:
    """Ten thousand small writes in a moment make few entries, and every byte is kept."""
    reading, writing = os.pipe()
    pump = Pump(reading, str(tmp_path / "node-0"))
    for number in range(10_000):
        os.write(writing, b"%d\n" % number)
        assert pump.move()
    os.close(writing)
    assert not pump.move()
    pump.close()

    assert (tmp_path / "node-0.log").read_bytes() == b"".join(b"%d\n" % n for n in range(10_000))
    assert (tmp_path / "node-0.idx").stat().st_size < 16 * 2000
    assert all(line.time for line in read_page([tmp_path / "node-0.log"], "", over=True).lines)


def test_the_pump_leaves_nothing_in_the_pipe(tmp_path: Path) -> None:
    """What was written is moved at once when there is no more time; who keeps the pipe open is not waited for."""
    reading, writing = os.pipe()
    if sys.platform == "linux":
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 1 << 20)
    os.set_blocking(writing, False)
    written = sum(iter(lambda: _write_some(writing), 0))
    pump = Pump(reading, str(tmp_path / "node-0"))
    pump.drain()
    pump.close()
    os.close(writing)

    assert written >= 4096
    assert (tmp_path / "node-0.log").stat().st_size == written


def _write_some(pipe: int) -> int:
    try:
        return os.write(pipe, bytes(1 << 16))
    except BlockingIOError:
        return 0


def test_metrics_are_read_from_the_log(rig: Any) -> None:
    """Each definition is a curve with steps and times."""
    ref, _ = rig.run(
        "for n in range(3): print(f'epoch {n}: loss={1 / (n + 1):.3f} acc={n * 10}%')",
        metric_definitions={"loss": r"loss=([0-9.]+)", "accuracy": r"acc=(\d+)%", "never": r"never=(\d+)"},
    )
    loss, accuracy = rig.backend.metrics(ref)

    assert (loss.name, [(p.step, p.value) for p in loss.points]) == ("loss", [(0, 1.0), (1, 0.5), (2, 0.333)])
    assert [p.value for p in accuracy.points] == [0, 10, 20]
    assert all(p.time is not None for p in loss.points)


def test_a_metric_may_match_often_and_oddly() -> None:
    """Several values in a line all count; what is no number does not; without a group the match is the value."""
    lines = [LogLine("l=1 l=2e-3 l=nan l=x"), LogLine("7")]
    series = {s.name: [p.value for p in s.points] for s in scan(lines, {"l": r"l=(\S+)", "all": r"^\d+$"})}

    assert series["l"][:2] == [1.0, 0.002] and len(series["l"]) == 3
    assert series["all"] == [7.0]


def test_a_metric_that_is_no_expression_is_named() -> None:
    """The error says which one, and what is wrong with it."""
    with pytest.raises(SpecError, match=r"metric_definitions\.loss: '\('"):
        scan([], {"loss": "("})


def test_use_of_the_machine_is_sampled(rig: Any, helpers: Any, tmp_path: Path) -> None:
    """A script that computes and hoards shows it, its children's share included."""
    gate = tmp_path / "gate"
    ref = rig.submit(
        """
        import subprocess, sys
        code = "import os, sys\\nx = bytearray(80 << 20)\\nwhile not os.path.exists(sys.argv[1]): pass"
        subprocess.run([sys.executable, "-c", code, sys.argv[1]])
        """,
        arguments=(str(gate),),
    )

    def most(name: str) -> float:
        points = (point for series in rig.backend.utilization(ref) if series.name == name for point in series.points)
        return max((point.value for point in points), default=0.0)

    helpers.until(lambda: (most("cpu") > 20 and most("memory") > 80) or None)
    gate.touch()
    rig.wait(ref)
    cpu, memory = rig.backend.utilization(ref)

    assert (cpu.name, cpu.unit, memory.name, memory.unit) == ("cpu", "%", "memory", "MiB")
    assert len(cpu.points) == len(memory.points) >= 2
    assert max(p.value for p in cpu.points) > 20
    assert max(p.value for p in memory.points) > 80
    assert cpu.points[0].step == 0 and cpu.points[0].time is not None
    status = json.loads((rig.job_folder(ref) / "status.json").read_text())
    assert status["peak_memory"] > 80 << 20


def test_a_job_without_samples_has_no_curves(rig: Any) -> None:
    """Too short to be looked at, or not begun."""
    ref, _ = rig.run("pass")

    assert all(series.points for series in rig.backend.utilization(ref))


def test_where_there_is_no_proc_ps_will_do() -> None:
    """The same numbers for a process group, from the other source."""
    script = "t = 0\nwhile True: t += 1"
    with subprocess.Popen([sys.executable, "-c", script], start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while (used := _measure_with_ps({process.pid}))[0] < 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()

    assert used[0] >= 1 and used[1] > 1 << 20
    assert _clock("1-02:03:04") == 93784 and _clock("03:04.50") == 184.5
