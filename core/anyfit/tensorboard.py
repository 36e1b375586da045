"""TensorBoard beside a running job."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anyfit.console import Console
    from anyfit.job import Job
    from anyfit.storage import Uri

__all__ = ["board"]

_FETCH_SECONDS = 15.0


@contextmanager
def board(job: Job, console: Console, *, wanted: bool) -> Iterator[None]:
    """Run TensorBoard on the folder where the job writes its outputs, as long as the block lasts."""
    if not wanted:
        yield
        return
    if find_spec("tensorboard") is None:
        console.say("tensorboard is not installed; pip install tensorboard")
        yield
        return
    with ExitStack() as stack:
        folder = stack.enter_context(_outputs_here(job))
        console.say(f"tensorboard follows {folder}; it says itself where it listens")
        stack.enter_context(_running(folder))
        yield


@contextmanager
def _running(folder: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port", "0"]
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _outputs_here(job: Job) -> Iterator[Path]:
    """The folder of the job's outputs on this machine: its own, or a copy that is kept up to date."""
    from anyfit.storage import Uri

    uri = Uri.parse(job.backend.output_uri(job.ref))
    if uri.is_local:
        yield uri.path
        return
    with tempfile.TemporaryDirectory(prefix="anyfit-tensorboard-") as copy:
        over = threading.Event()
        fetcher = threading.Thread(target=_keep_fetching, args=(job, uri, Path(copy), over), daemon=True)
        fetcher.start()
        try:
            yield Path(copy)
        finally:
            over.set()
            fetcher.join()


def _keep_fetching(job: Job, uri: Uri, copy: Path, over: threading.Event) -> None:
    """Fetch what is new now and then; a fault of the network is made good the next time."""
    from anyfit.errors import AnyfitError
    from anyfit.storage import transfer

    while True:
        with suppress(AnyfitError):
            transfer(uri.as_dir(), copy, open=job.backend.store)
        if over.wait(_FETCH_SECONDS):
            return
