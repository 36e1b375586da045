"""Fit a straight line by gradient descent, with nothing but the standard library."""

from __future__ import annotations

import argparse
import csv
import json
import os
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rate", type=float, default=0.01)
    args = parser.parse_args()

    points = read_points(Path(os.environ["ANYFIT_CHANNEL_TRAINING"]))
    slope, offset = 0.0, 0.0
    for step in range(1, args.steps + 1):
        errors = [(slope * x + offset - y, x) for x, y in points]
        slope -= args.rate * sum(error * x for error, x in errors) / len(points)
        offset -= args.rate * sum(error for error, _ in errors) / len(points)
        if step % 20 == 0:
            print(f"step {step} mse={sum(error * error for error, _ in errors) / len(points):.6f}")

    model = {"slope": slope, "offset": offset}
    Path(os.environ["ANYFIT_MODEL_DIR"], "model.json").write_text(json.dumps(model))


def read_points(folder: Path) -> list[tuple[float, float]]:
    points = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as stream:
            points += [(float(row["x"]), float(row["y"])) for row in csv.DictReader(stream)]
    return points


if __name__ == "__main__":
    main()
