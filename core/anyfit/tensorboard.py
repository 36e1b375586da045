"""TensorBoard beside a running job."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anyfit.console import Console
    from anyfit.job import Job

__all__ = ["board"]


@contextmanager
def board(job: Job, console: Console, *, wanted: bool) -> Iterator[None]:
    """Run TensorBoard on the folder where the job writes its outputs, as long as the block lasts."""
    process = _start(job, console) if wanted else None
    try:
        yield
    finally:
        if process is not None:
            process.terminate()
            process.wait()


def _start(job: Job, console: Console) -> subprocess.Popen[bytes] | None:
    from anyfit.storage import Uri

    if find_spec("tensorboard") is None:
        console.say("tensorboard is not installed; pip install tensorboard")
        return None
    folder = Uri.parse(job.backend.output_uri(job.ref))
    if not folder.is_local:
        console.say(f"tensorboard: {folder} cannot be followed from here yet")
        return None
    console.say(f"tensorboard follows {folder.path}; its address is in the next lines")
    return subprocess.Popen([sys.executable, "-m", "tensorboard.main", "--logdir", str(folder.path), "--port", "0"])
