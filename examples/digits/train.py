"""Train a small neural network on the handwritten digits that come with scikit-learn."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=0.003)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    images, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        images / 16.0, labels, test_size=0.25, random_state=args.seed, stratify=labels
    )
    model = MLPClassifier((args.hidden,), learning_rate_init=args.learning_rate, random_state=args.seed)
    shuffle = np.random.default_rng(args.seed)
    for epoch in range(1, args.epochs + 1):
        for batch in np.array_split(shuffle.permutation(len(train_x)), 20):
            model.partial_fit(train_x[batch], train_y[batch], classes=np.unique(labels))
        loss = log_loss(test_y, model.predict_proba(test_x))
        accuracy = accuracy_score(test_y, model.predict(test_x))
        print(f"epoch {epoch:2d}  loss={loss:.4f}  accuracy={accuracy:.4f}")

    model_dir = Path(os.environ["ANYFIT_MODEL_DIR"])
    joblib.dump(model, model_dir / "model.joblib")
    summary = {"accuracy": accuracy, "loss": loss, "epochs": args.epochs}
    (Path(os.environ["ANYFIT_OUTPUT_DIR"]) / "summary.json").write_text(json.dumps(summary))


if __name__ == "__main__":
    main()
