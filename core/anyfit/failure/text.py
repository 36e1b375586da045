"""A sentence in every language."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from anyfit.failure.language import Language

__all__ = ["Text"]


@frozen
class Text:
    """One sentence in every language."""

    en: str
    zh: str

    def say(self, language: Language, facts: Mapping[str, str]) -> str:
        """The sentence with the facts put in."""
        sentence = self.zh if language == "zh" else self.en
        return sentence.format_map(_Known(facts))


class _Known(dict[str, str]):
    """Facts; one that nobody found is a question mark rather than an error in an error's report."""

    def __missing__(self, key: str) -> str:
        return "?"
