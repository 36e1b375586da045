"""Stands in for the preset algorithms that are not emulated: looks at the data, learns nothing, says so."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    """Answers the exit code."""
    data, output = Path(os.environ["MM_DATA_DIR"]), Path(os.environ["MM_OUTPUT_DIR"])
    files = [file for file in data.rglob("*") if file.is_file()]
    print(f"{len(files)} files, {sum(file.stat().st_size for file in files)} bytes")
    print("the emulator has no program for this algorithm: nothing is learned")
    output.mkdir(exist_ok=True)
    (output / "model.txt").write_text(f"nothing was learned from {len(files)} files\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
