"""The preset algorithm ImageClassification: learns `train/<class>/<image>` and measures itself."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from anyfit_modelmaker.emulator.programs.imaging import features
from anyfit_modelmaker.emulator.programs.softmax import Example, Softmax, train

LOW_ENOUGH = 0.005  # a loss below which there is nothing left to learn


def main() -> int:
    """Train; answers the exit code."""
    options = _options()
    data, output = Path(os.environ["MM_DATA_DIR"]), Path(os.environ["MM_OUTPUT_DIR"])
    root = data / "train" if (data / "train").is_dir() else data
    classes = sorted(folder.name for folder in root.iterdir() if folder.is_dir()) or ["all"]
    examples = _examples(root, classes)
    print(f"{len(examples)} images of {len(classes)} classes: {', '.join(classes)}")
    if not examples:
        print("there is no image to learn from", file=sys.stderr)
        return 1
    model = _learn(options, examples, len(classes))
    report = {"train": model.accuracy(examples)}
    for name in ("validation", "test"):
        if held_out := _examples(data / name, classes):
            report[name] = model.accuracy(held_out)
    for name, accuracy in report.items():
        print(f"{name} accuracy {accuracy:.4f}")
    output.mkdir(exist_ok=True)
    document = {"algorithm": "ImageClassification", "classes": classes, "weights": model.weights, "accuracy": report}
    (output / "model.json").write_text(json.dumps(document))
    (output / "model.txt").write_text(f"ImageClassification of {', '.join(classes)}\n")
    return 0


def _learn(options: argparse.Namespace, examples: list[Example], classes: int) -> Softmax:
    steps = options.max_number_of_steps
    if options.optimizer not in ("sgd", "rmsprop"):
        print(f"optimizer {options.optimizer} is not emulated, rmsprop is used")
    runs = train(
        examples,
        classes,
        steps=steps,
        batch=options.batch_size,
        rates=_rates(options),
        decay=options.weight_decay,
        adaptive=options.optimizer != "sgd",
    )
    model = Softmax([])
    for step, loss, model in runs:
        done = step == steps or loss < LOW_ENOUGH
        if done or step == 1 or step % max(1, steps // 20) == 0:
            print(f"step = {step} , loss = {loss:.6f} , accuracy = {model.accuracy(examples):.4f}")
        if done:
            break
    return model


def _rates(options: argparse.Namespace) -> list[float]:
    """The learning rate of every step; what decays does so ten times."""
    first, last, steps = options.learning_rate, options.end_learning_rate, options.max_number_of_steps
    if options.learning_rate_decay_type == "fixed":
        return [first] * steps
    if options.learning_rate_decay_type == "polynomial":
        return [last + (first - last) * (1 - step / steps) for step in range(steps)]
    factor = options.learning_rate_decay_factor
    return [max(min(first, last), first * factor ** (10 * step // steps)) for step in range(steps)]


def _examples(root: Path, classes: list[str]) -> list[Example]:
    return [
        (features(file.read_bytes()), label)
        for label, name in enumerate(classes)
        for file in sorted((root / name if classes != ["all"] else root).glob("*"))
        if file.is_file()
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ImageClassification", allow_abbrev=False)
    parser.add_argument("--optimizer", default="rmsprop")
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--learning_rate", type=float, default=0.01)
    parser.add_argument("--learning_rate_decay_factor", type=float, default=0.94)
    parser.add_argument(
        "--learning_rate_decay_type", choices=("fixed", "exponential", "polynomial"), default="exponential"
    )
    parser.add_argument("--end_learning_rate", type=float, default=0.0001)
    parser.add_argument("--weight_decay", type=float, default=0.000004)
    parser.add_argument("--max_number_of_steps", type=int, default=1000)
    options, ignored = parser.parse_known_args()
    if ignored:
        print(f"ignored: {' '.join(ignored)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
