"""A base install in a fresh virtual environment: packages and megabytes beside the goals.

python benchmarks/install_size.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

GOAL_PACKAGES = 16
GOAL_MB = 25


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Install, count, print."""
    root = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as scratch:
        venv.create(scratch, with_pip=True)
        python = Path(scratch, "bin", "python")
        site = next(Path(scratch, "lib").glob("python*/site-packages"))
        before = size(site)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", str(root)], check=True)
        listing = subprocess.run([*pip, "list", "--format=json"], check=True, capture_output=True, text=True)
        names = sorted(p["name"] for p in json.loads(listing.stdout) if p["name"] not in ("pip", "setuptools"))
        megabytes = (size(site) - before) / 1e6
        print(f"Python {sys.version.split()[0]}: {', '.join(names)}")
        print(f"packages  {len(names):5d}     goal {GOAL_PACKAGES}")
        print(f"size      {megabytes:5.1f} MB  goal {GOAL_MB}")


if __name__ == "__main__":
    main()
