"""Which language does the reader want?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

__all__ = ["Language", "pick_language"]

Language = Literal["en", "zh"]

_VARIABLES = ("ANYFIT_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def pick_language(setting: str, environ: Mapping[str, str]) -> Language:
    """The language of reports: what the setting says, or for "auto" (or "") what the environment says.

    Of the variables ANYFIT_LANGUAGE, LC_ALL, LC_MESSAGES and LANG the first that is set decides. Whatever is
    not Chinese is English.
    """
    wishes = (setting, *(environ.get(name, "") for name in _VARIABLES))
    wish = next((text for text in wishes if text and text.lower() != "auto"), "en")
    return "zh" if wish.lower().startswith("zh") else "en"
