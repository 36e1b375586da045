"""Plays the platform's built-in algorithms: it reads all of the data, learns nothing, and leaves a file as model."""

from __future__ import annotations

import argparse
import json

import moxing as mox


def main() -> None:
    """Read, and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data_url", default="")
    parser.add_argument("--train_url", default="")
    known, others = parser.parse_known_args()
    names = mox.file.list_directory(known.data_url, recursive=True) if known.data_url else []
    size = mox.file.get_size(known.data_url, recursive=True) if known.data_url else 0
    print(f"read {len(names)} entries, {size} bytes")
    if known.train_url:
        report = {"algorithm": "pretended", "entries": len(names), "bytes": size, "arguments": others}
        mox.file.write(f"{known.train_url.rstrip('/')}/model/model.json", json.dumps(report))


if __name__ == "__main__":
    main()
