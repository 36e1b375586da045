"""A linear classifier, learned by gradient descent; small, and a real one."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from operator import mul

__all__ = ["Softmax", "train"]

Example = tuple[list[float], int]
_DECAY = 0.9


class Softmax:
    """Weights by class, the last of each being its bias."""

    def __init__(self, weights: list[list[float]]) -> None:
        self.weights = weights

    def probabilities(self, values: Sequence[float]) -> list[float]:
        """How likely each class is."""
        scores = [sum(map(mul, row, values)) + row[-1] for row in self.weights]
        highest = max(scores)
        powers = [math.exp(score - highest) for score in scores]
        total = sum(powers)
        return [power / total for power in powers]

    def accuracy(self, examples: Sequence[Example]) -> float:
        """The share of examples that are told right."""
        right = 0
        for values, label in examples:
            chances = self.probabilities(values)
            right += chances.index(max(chances)) == label
        return right / max(1, len(examples))


def train(
    examples: Sequence[Example],
    classes: int,
    *,
    steps: int,
    batch: int,
    rates: Sequence[float],
    decay: float,
    adaptive: bool,
) -> Iterator[tuple[int, float, Softmax]]:
    """Learn; gives step, loss of its batch and the model so far, after each step.

    Args:
        rates: The learning rate of each step.
        decay: How strongly weights are drawn to zero.
        adaptive: Steps are scaled as RMSprop does it, or not at all.
    """
    dice = random.Random(1)  # noqa: S311  the same data shall give the same model
    width = len(examples[0][0]) + 1
    model = Softmax([[0.0] * width for _ in range(classes)])
    squares = [[1e-8] * width for _ in range(classes)]
    for step in range(steps):
        chosen = [dice.choice(examples) for _ in range(batch)]
        loss, slopes = _slopes(model, chosen, classes, width)
        for row, slope, square in zip(model.weights, slopes, squares, strict=True):
            for i, value in enumerate(slope):
                pull = value / batch + decay * row[i]
                if adaptive:
                    square[i] = _DECAY * square[i] + (1 - _DECAY) * pull * pull
                    pull /= math.sqrt(square[i]) + 1e-8
                row[i] -= rates[step] * pull
        yield step + 1, loss, model


def _slopes(model: Softmax, chosen: Sequence[Example], classes: int, width: int) -> tuple[float, list[list[float]]]:
    slopes = [[0.0] * width for _ in range(classes)]
    loss = 0.0
    for values, label in chosen:
        chances = model.probabilities(values)
        loss -= math.log(max(chances[label], 1e-12)) / len(chosen)
        for index, chance in enumerate(chances):
            off = chance - (index == label)
            if abs(off) > 1e-6:
                slope = slopes[index]
                for i, value in enumerate(values):
                    slope[i] += off * value
                slope[-1] += off
    return loss, slopes
