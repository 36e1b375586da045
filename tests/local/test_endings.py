"""How jobs end when they do not end by themselves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from anyfit.backend import Cause, JobRef, Status
from anyfit.codec import dumps
from anyfit.errors import Conflict, ServiceError
from anyfit.spec import JobSpec
from anyfit_local.supervise import evidence
from waiting import within

STUBBORN = """
    import os, signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    near = subprocess.Popen([sys.executable, "-c", child])
    far = subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
    print(os.getpid(), near.pid, far.pid, flush=True)
    print("on", flush=True)
    time.sleep(60)
"""

STUBBORN_COMMAND = """
    trap '' TERM
    sleep 60 &
    near=$!
    setsid sleep 60 &
    echo $$ $near $!
    echo on
    wait
"""

SLEEPER = "import os, time; print(os.getpid(), flush=True); print('on', flush=True); time.sleep(60)"


def _pids(rig: Any, ref: JobRef) -> list[int]:
    rig.wait_for_line(ref, "on")
    return [int(pid) for pid in rig.texts(ref)[0].split()]


def _submit_stubborn(rig: Any, **fields: Any) -> JobRef:
    """The like of STUBBORN, which is at it in an instant and not only when a Python has started."""
    spec = JobSpec(name="stubborn", command=("/bin/sh", "-c", STUBBORN_COMMAND), **fields)
    ref: JobRef = rig.backend.submit(rig.backend.plan(spec, rig.backend.catalog()))
    return ref


def _supervisor(rig: Any, ref: JobRef) -> int:
    return int(json.loads((rig.job_folder(ref) / "status.json").read_text())["supervisor"][0])


def test_stop_lets_the_script_save_its_work(rig: Any) -> None:
    """A script that handles SIGTERM ends in its own way, is told once, and the job is STOPPED."""
    rig = rig.with_settings(grace_seconds=20.0)
    ref = rig.submit(
        """
        import signal, sys, time
        def save(*_):
            print("saving", flush=True)
            time.sleep(0.2)
            print("saved", flush=True)
            sys.exit(0)
        signal.signal(signal.SIGTERM, save)
        print("on", flush=True)
        time.sleep(60)
        """
    )
    rig.wait_for_line(ref, "on")
    rig.backend.stop(ref)
    state = rig.wait(ref)
    rig.backend.stop(ref)

    assert state.status is Status.STOPPED and state.exit_code == 0 and "request" in state.reason
    assert [step.status for step in state.history][-3:] == [Status.STOPPING, Status.UPLOADING, Status.STOPPED]
    assert rig.texts(ref) == ["on", "saving", "saved"]


def test_a_job_that_was_asked_to_stop_is_stopping_at_once(rig: Any) -> None:
    """Also before its supervisor has heard of it, here because it is held."""
    ref = rig.submit(SLEEPER)
    _pids(rig, ref)
    supervisor = _supervisor(rig, ref)
    os.kill(supervisor, signal.SIGSTOP)
    rig.backend.stop(ref)
    rig.backend.stop(ref)
    asked = rig.state(ref)
    os.kill(supervisor, signal.SIGCONT)

    assert (asked.status, asked.native, asked.ended_at) == (Status.STOPPING, "RUNNING", None)
    assert rig.wait(ref).status is Status.STOPPED


def test_stop_kills_what_ignores_it(rig: Any, helpers: Any) -> None:
    """After the grace the whole family is killed, sessions of their own or not."""
    ref = rig.submit(STUBBORN)
    pids = _pids(rig, ref)
    began = time.monotonic()
    with within(5):
        rig.backend.stop(ref)
        state = rig.wait(ref)

    assert state.status is Status.STOPPED and state.signal == signal.SIGKILL
    assert time.monotonic() - began > 0.4
    assert not any(helpers.alive(pid) for pid in pids)


def test_what_a_stopped_script_leaves_is_told_too(rig: Any) -> None:
    """A child of a shell that dies at once still has its grace to save."""
    rig = rig.with_settings(grace_seconds=20.0)
    child = (
        "import signal, sys, time\\n"
        "def save(*_): print('child saved', flush=True); sys.exit()\\n"
        "signal.signal(signal.SIGTERM, save)\\n"
        "print('on', flush=True)\\n"
        "time.sleep(60)"
    )
    ref = rig.submit(
        f"""
        import subprocess, sys
        subprocess.Popen([sys.executable, "-c", "{child}"]).wait()
        """
    )
    rig.wait_for_line(ref, "on")
    rig.backend.stop(ref)

    assert rig.wait(ref).status is Status.STOPPED
    assert rig.texts(ref)[-1] == "child saved"


def test_a_job_cannot_be_stopped_twice_as_fast(rig: Any) -> None:
    """Stopping again while it is stopping changes nothing, and nothing is said by an ended job."""
    ref = rig.submit(STUBBORN)
    _pids(rig, ref)
    rig.backend.stop(ref)
    rig.backend.stop(ref)

    assert rig.wait(ref).status is Status.STOPPED


def test_stop_ends_the_packing_of_a_large_model(rig: Any, helpers: Any) -> None:
    """Who stops a job does not wait for its archive, and finds no half of one."""
    ref = rig.submit("import os; open(os.environ['SM_MODEL_DIR'] + '/w', 'wb').truncate(1 << 36)")
    helpers.until(lambda: rig.state(ref).status is Status.UPLOADING or None)
    rig.backend.stop(ref)
    state = rig.wait(ref)

    assert state.status is Status.STOPPED and "before its results were saved" in state.reason
    assert not list(rig.job_folder(ref).glob("model.tar.gz*"))


def test_max_run_is_enforced(rig: Any, helpers: Any) -> None:
    """A job that runs too long fails with that cause, whatever it ignores."""
    ref = _submit_stubborn(rig, max_run=2)
    pids = _pids(rig, ref)
    state = rig.wait(ref)

    assert (state.status, state.cause) == (Status.FAILED, Cause.TIMEOUT)
    assert "max_run" in state.reason and "2 s" in state.reason
    assert not any(helpers.alive(pid) for pid in pids)


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_waiting_for_the_end_costs_nothing(rig: Any, helpers: Any) -> None:
    """While a job that ran too long has its grace the supervisor sleeps."""
    if sys.platform == "darwin":
        pytest.skip("reads /proc, which CI has")
    ref = _submit_stubborn(rig.with_settings(grace_seconds=2.0), max_run=2)
    supervisor = _supervisor(rig, ref)
    helpers.until(lambda: rig.state(ref).status is Status.STOPPING or None)
    before = after = _cpu_ticks(supervisor)
    while rig.state(ref).status is Status.STOPPING:
        with suppress(OSError):  # it ends
            after = _cpu_ticks(supervisor)
        time.sleep(0.01)

    assert (after - before) / os.sysconf("SC_CLK_TCK") < 0.2


def test_what_a_script_leaves_behind_ends_with_it(rig: Any, helpers: Any) -> None:
    """A grandchild that holds the script's output open neither hangs the job nor survives it."""
    with within(5):
        ref, state = rig.run(
            """
            import subprocess, sys
            near = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            far = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
            print(near.pid, far.pid)
            """
        )

    assert state.status is Status.SUCCEEDED
    assert not any(helpers.alive(int(pid)) for pid in rig.texts(ref)[0].split())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP], ids=["killed", "hung up"])
def test_the_job_outlives_its_client(rig: Any, number: signal.Signals) -> None:
    """A client that dies after submit, with all of its session, leaves the job running; another finds it."""
    plan = rig.plan("import time; print('on', flush=True); time.sleep(0.5); print('done')", name="orphan")
    program = """
import os, signal, sys
from pathlib import Path
from anyfit.backend import Plan
from anyfit.codec import loads
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings
LocalBackend(Settings(), Path(sys.argv[1])).submit(loads(Plan, sys.stdin.read()))
os.killpg(0, int(sys.argv[2]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(rig.folder / "home"), str(int(number))],
        input=dumps(plan),
        text=True,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == -number
    ref = rig.backend.find("orphan")

    assert rig.wait(ref).status is Status.SUCCEEDED
    assert rig.texts(ref) == ["on", "done"]


def test_a_killed_supervisor_is_a_lost_job(rig: Any, helpers: Any) -> None:
    """Who looks next finds the job FAILED, says why, and ends what was left of it."""
    ref = rig.submit(STUBBORN)
    pids = _pids(rig, ref)
    os.kill(_supervisor(rig, ref), signal.SIGKILL)
    state = rig.wait(ref)

    assert (state.status, state.cause) == (Status.FAILED, Cause.LOST)
    assert "supervisor was killed" in state.reason
    helpers.until(lambda: not any(helpers.alive(pid) for pid in pids) or None)
    assert rig.state(ref) == state, "the end is written down once"
    assert rig.texts(ref)[-1] == "on"


def test_a_supervisor_that_is_told_to_end_says_so(rig: Any, helpers: Any) -> None:
    """SIGTERM from outside, as at a shutdown, ends the job in good order and is not taken for a stop."""
    ref = rig.submit(SLEEPER)
    pids = _pids(rig, ref)
    os.kill(_supervisor(rig, ref), signal.SIGTERM)
    state = rig.wait(ref)

    assert (state.status, state.cause) == (Status.FAILED, Cause.LOST)
    assert "SIGTERM" in state.reason
    assert not helpers.alive(pids[0])


@pytest.mark.parametrize(
    ("boot", "cause", "word"), [("another", Cause.REBOOT, "restarted"), ("", Cause.LOST, "supervisor was killed")]
)
def test_no_stranger_is_killed_for_a_lost_job(rig: Any, helpers: Any, boot: str, cause: Cause, word: str) -> None:
    """After a reboot, or when numbers are used again, the processes on record may be anybody's."""
    ref = rig.submit(SLEEPER)
    script = _pids(rig, ref)[0]
    status = rig.job_folder(ref) / "status.json"
    record = json.loads(status.read_text())
    os.kill(_supervisor(rig, ref), signal.SIGKILL)
    innocent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    record |= {"boot_id": boot or record["boot_id"], "nodes": [["algo-1", innocent.pid, "123"]]}
    status.write_text(json.dumps(record))
    state = rig.wait(ref)
    survived = innocent.poll() is None
    innocent.kill()
    innocent.wait()
    if helpers.alive(script):
        os.kill(script, signal.SIGKILL)

    assert (state.status, state.cause) == (Status.FAILED, cause)
    assert word in state.reason
    assert survived


@pytest.mark.parametrize("milliseconds", [0, 2, 5, 10, 20, 30])
def test_a_client_killed_while_it_submits_leaves_all_or_nothing(rig: Any, milliseconds: int) -> None:
    """Whenever the client dies: either there is a job that runs to its end, or the name is free."""
    plan = rig.plan("print('ran')", name="cut")
    program = """
import sys
from pathlib import Path
from anyfit.backend import Plan
from anyfit.codec import loads
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings
import anyfit_local.submitting
plan = loads(Plan, sys.stdin.readline())
print("ready", flush=True)
LocalBackend(Settings(), Path(sys.argv[1])).submit(plan)
"""
    client = subprocess.Popen(
        [sys.executable, "-c", program, str(rig.folder / "home")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with client:
        assert client.stdin is not None and client.stdout is not None
        client.stdin.write(dumps(plan) + "\n")
        client.stdin.flush()
        client.stdout.readline()
        time.sleep(milliseconds / 1000)
        client.kill()
    try:
        ref = rig.backend.submit(plan)
    except Conflict:
        ref = rig.backend.find("cut")

    assert rig.wait(ref).status is Status.SUCCEEDED
    assert rig.texts(ref) == ["ran"]


def test_a_torn_status_file_is_a_lost_job(rig: Any) -> None:
    """A record that a power failure tore is no reason to wait for ever."""
    ref, _ = rig.run("pass")
    (rig.job_folder(ref) / "status.json").write_text("")

    state = rig.wait(ref)

    assert (state.status, state.cause) == (Status.FAILED, Cause.LOST)


def test_many_clients_bury_a_job_once(rig: Any) -> None:
    """All who look at a lost job at the same time see the same end."""
    from concurrent.futures import ThreadPoolExecutor

    ref = rig.submit(SLEEPER)
    _pids(rig, ref)
    os.kill(_supervisor(rig, ref), signal.SIGKILL)
    rig.wait(ref)
    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(lambda _: rig.state(ref), range(32)))

    assert {state.status for state in states} == {Status.FAILED}
    assert len({len(state.history) for state in states}) == 1


def test_nodes_see_one_another_and_share_folders(rig: Any) -> None:
    """Every node is a process with its own rank, and all write into one model folder."""
    ref, state = rig.run(
        """
        import os, pathlib
        rank = os.environ["RANK"]
        pathlib.Path(os.environ["SM_MODEL_DIR"], rank).write_text(rank)
        print(rank, os.environ["WORLD_SIZE"], os.environ["SM_CURRENT_HOST"], os.environ["MASTER_ADDR"])
        """,
        instance_count=3,
    )

    assert state.status is Status.SUCCEEDED
    assert sorted((line.node, line.text) for line in rig.lines(ref)) == [
        (node, f"{node} 3 algo-{node + 1} 127.0.0.1") for node in range(3)
    ]
    models = {a.name for a in rig.backend.artifacts(ref) if a.kind == "model"}
    assert models == {"model/0", "model/1", "model/2", "model.tar.gz"}


def test_nodes_can_talk(rig: Any) -> None:
    """The master's address and port are free to be used."""
    ref, state = rig.run(
        """
        import os, socket, time
        place = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
        if os.environ["RANK"] == "0":
            with socket.create_server(place) as server:
                server.accept()[0].close()
        else:
            for _ in range(3000):
                try:
                    socket.create_connection(place).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.01)
            else:
                raise SystemExit("nobody there")
        """,
        instance_count=2,
    )

    assert state.status is Status.SUCCEEDED, rig.texts(ref)


def test_a_node_that_fails_ends_the_others(rig: Any) -> None:
    """The job's exit code is that of the node that failed, not of those that were ended for it."""
    _, state = rig.run(
        """
        import os, sys, time
        if os.environ["RANK"] == "1":
            sys.exit(7)
        time.sleep(60)
        """,
        instance_count=3,
    )

    assert (state.status, state.exit_code, state.node) == (Status.FAILED, 7, 1)
    assert "algo-2" in state.reason


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB."""
    place = tmp_path / "small"
    place.mkdir()
    if sys.platform == "darwin":
        pytest.skip("needs tmpfs, which CI has")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


WRITES_TWO_MIB = """
    import os, pathlib
    pathlib.Path(os.environ["SM_MODEL_DIR"], "big.bin").write_bytes(os.urandom(2 << 20))
"""


def test_a_disk_full_while_collecting_fails_the_job(rig: Any, small_disk: Path) -> None:
    """The reason names the place and the fault, and nothing half-written is left there."""
    ref, state = rig.run(WRITES_TWO_MIB, output_path=str(small_disk))

    assert (state.status, state.cause, state.exit_code) == (Status.FAILED, Cause.OUTPUT, 0)
    assert str(small_disk) in state.reason and "No space left" in state.reason
    assert list(small_disk.iterdir()) == []
    assert (rig.job_folder(ref) / "model" / "big.bin").stat().st_size == 2 << 20


def test_a_full_disk_of_its_own_does_not_hide_how_a_job_ended(rig: Any, small_disk: Path) -> None:
    """Where not even the log has room any more the job's end is still told."""
    rig = rig.with_settings(home=str(small_disk))
    ref, state = rig.run("print('x' * 4_000_000); raise SystemExit(5)")

    assert (state.status, state.exit_code) == (Status.FAILED, 5)
    assert "the log is cut off: No space left" in state.reason
    assert rig.texts(ref)[0].startswith("xxx")


def test_a_full_disk_at_submit_leaves_no_job(rig: Any, small_disk: Path) -> None:
    """The fault is told, and the half-made folder is gone."""
    rig = rig.with_settings(home=str(small_disk))
    plan = rig.plan("pass")
    (small_disk / "filler").write_bytes(bytes((1 << 20) - 40_000))
    plan = evolve(plan, spec=evolve(plan.spec, description="x" * 100_000))

    with pytest.raises(ServiceError, match="No space left"):
        rig.backend.submit(plan)
    assert list((small_disk / "jobs").iterdir()) == []


@pytest.fixture
def small_memory() -> Iterator[Path]:
    """A control group in which 64 MiB is all there is; gives the file to join it."""
    if sys.platform == "darwin":
        pytest.skip("needs control groups, which CI has")
    first = Path("/sys/fs/cgroup/memory")
    root, limit = (first, "memory.limit_in_bytes") if first.is_dir() else (Path("/sys/fs/cgroup"), "memory.max")
    group = root / f"anyfit-test-{os.getpid()}"
    if root != first:
        (root / "cgroup.subtree_control").write_text("+memory")
    group.mkdir()
    (group / limit).write_text(str(64 << 20))
    for swap in ("memory.swap.max", "memory.memsw.limit_in_bytes"):
        if (group / swap).exists():
            (group / swap).write_text("0" if swap.endswith("max") else str(64 << 20))
    yield group / "cgroup.procs"
    group.rmdir()


def test_running_out_of_memory_is_named(rig: Any, small_memory: Path) -> None:
    """A script that the kernel killed for lack of memory did not just receive a signal."""
    _, state = rig.run(
        f"""
        import os
        open({str(small_memory)!r}, "w").write(str(os.getpid()))
        hoard = []
        while True:
            hoard.append(bytearray(os.urandom(1 << 20)))
        """
    )

    assert (state.status, state.cause, state.signal) == (Status.FAILED, Cause.OUT_OF_MEMORY, signal.SIGKILL)
    assert "lack of memory" in state.reason


@pytest.mark.parametrize("script", ["", "-under-a-shell"])
def test_a_kill_without_a_sign_of_lacking_memory_is_just_that(rig: Any, script: str) -> None:
    """SIGKILL alone proves nothing, but the kernel's silence does."""
    before = evidence.out_of_memory_kills()
    _, state = rig.run(
        "import sys; sys.exit(137)" if script else "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    )
    elsewhere = evidence.out_of_memory_kills() != before  # another test may have run out of memory meanwhile

    assert state.status is Status.FAILED
    assert (state.signal, state.exit_code) == ((None, 137) if script else (signal.SIGKILL, None))
    assert state.cause is (Cause.KILLED if before else Cause.NONE) or elsewhere


def test_the_kernel_counts_its_kills() -> None:
    """The counters that the evidence rests on can be read here."""
    if sys.platform == "darwin":
        pytest.skip("Linux only")
    assert all(isinstance(count, int) for count in evidence.out_of_memory_kills().values())
    assert "/proc/vmstat" in evidence.out_of_memory_kills()


def test_a_python_that_is_not_there_is_told(rig: Any, tmp_path: Path) -> None:
    """An interpreter that goes away between planning and start is no riddle."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec /no/such/interpreter\n")
    python.chmod(0o755)
    ref, state = rig.run("pass", options={"python": str(python)})

    assert state.status is Status.FAILED and state.exit_code in (126, 127)
    assert any("/no/such/interpreter" in text for text in rig.texts(ref))
