"""Fits the line y = 2 x + 1 to noisy points; take it as a place to begin."""

import argparse
import json
import os
import random


def main() -> None:
    """Train, print the loss, save the model."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--lr", type=float, default=0.05)
    args = parser.parse_args()

    random.seed(0)
    points = [(x, 2 * x + 1 + random.gauss(0, 0.1)) for x in (random.uniform(-1, 1) for _ in range(200))]
    slope, intercept = 0.0, 0.0
    for epoch in range(args.epochs):
        loss = 0.0
        for x, y in points:
            error = slope * x + intercept - y
            slope -= args.lr * error * x
            intercept -= args.lr * error
            loss += error * error
        print(f"epoch={epoch + 1} loss={loss / len(points):.6f}", flush=True)

    folder = os.environ.get("ANYFIT_MODEL_DIR", ".")
    with open(os.path.join(folder, "model.json"), "w") as stream:
        json.dump({"slope": slope, "intercept": intercept}, stream)


if __name__ == "__main__":
    main()
