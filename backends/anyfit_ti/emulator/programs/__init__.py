"""Programs of the images, as far as the emulator has to have them itself."""

from __future__ import annotations

from pathlib import Path

__all__ = ["MPIRUN", "PARAMETER_SERVER"]

MPIRUN = Path(__file__).with_name("mpirun.py")
PARAMETER_SERVER = Path(__file__).with_name("parameter_server.py")
