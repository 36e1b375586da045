"""Pictures of the ten digits in seven segments, shifted and noisy: small data that needs no download."""

from __future__ import annotations

import torch

#            a  b  c  d  e  f  g   (top, right upper, right lower, bottom, left lower, left upper, middle)
_SEGMENTS = (
    "1111110", "0110000", "1101101", "1111001", "0110011", "1011011", "1011111", "1110000", "1111111", "1111011",
)  # fmt: skip
_STROKES = (
    (slice(0, 2), slice(1, 7)), (slice(1, 6), slice(6, 8)), (slice(6, 11), slice(6, 8)), (slice(10, 12), slice(1, 7)),
    (slice(6, 11), slice(0, 2)), (slice(1, 6), slice(0, 2)), (slice(5, 7), slice(1, 7)),
)  # fmt: skip


def draw(count: int, *, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """`count` pictures of 16 x 16 with their digits."""
    chance = torch.Generator().manual_seed(seed)
    digits = torch.randint(0, 10, (count,), generator=chance)
    pictures = 0.35 * torch.randn(count, 1, 16, 16, generator=chance)
    for picture, digit in zip(pictures, digits, strict=True):
        top, left = torch.randint(0, 5, (2,), generator=chance).tolist()
        for lit, (rows, columns) in zip(_SEGMENTS[int(digit)], _STROKES, strict=True):
            if lit == "1":
                stroke = (slice(rows.start + top, rows.stop + top), slice(columns.start + left, columns.stop + left))
                picture[0][stroke] += 1.0
    return pictures, digits
