"""The platform's own programs, which play its preset algorithms; each runs as a process, standard library only."""

from __future__ import annotations

__all__ = ["server", "trainer"]

_PACKAGE = "anyfit_modelmaker.emulator.programs"
_TRAINERS = {"ImageClassification": "train_images"}
_SERVERS = {"ImageClassification": "serve_images"}


def trainer(algorithm: str) -> list[str]:
    """Arguments of Python that train by an algorithm."""
    return ["-m", f"{_PACKAGE}.{_TRAINERS.get(algorithm, 'pretend')}"]


def server(algorithm: str) -> list[str]:
    """Arguments of Python that serve what the algorithm has learned; empty when there is no such program."""
    return ["-m", f"{_PACKAGE}.{_SERVERS[algorithm]}"] if algorithm in _SERVERS else []
