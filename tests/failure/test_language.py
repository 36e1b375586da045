"""Which language reports are in."""

from __future__ import annotations

import subprocess
import sys

import pytest

from anyfit.failure import pick_language


@pytest.mark.parametrize(
    ("setting", "environ", "language"),
    [
        ("en", {"LANG": "zh_CN.UTF-8"}, "en"),
        ("zh", {}, "zh"),
        ("zh_CN", {}, "zh"),
        ("zh-Hans", {}, "zh"),
        ("auto", {}, "en"),
        ("", {"LANG": "zh_CN.UTF-8"}, "zh"),
        ("auto", {"LANG": "zh_TW"}, "zh"),
        ("auto", {"LANG": "de_DE.UTF-8"}, "en"),
        ("auto", {"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ("auto", {"LC_MESSAGES": "zh_CN", "LANG": "en_US"}, "zh"),
        ("auto", {"LC_ALL": "", "LANG": "zh_CN"}, "zh"),
        ("auto", {"ANYFIT_LANGUAGE": "zh", "LC_ALL": "en_US"}, "zh"),
        ("auto", {"ANYFIT_LANGUAGE": "auto", "LC_ALL": "zh_CN"}, "zh"),
    ],
)
def test_the_first_wish_decides(setting: str, environ: dict[str, str], language: str) -> None:
    """The setting first, then the variables in their order; what is not Chinese is English."""
    assert pick_language(setting, environ) == language


def test_importing_the_diagnosis_loads_nothing_heavy() -> None:
    """It is loaded when something has gone wrong already."""
    heavy = {"requests", "rich", "sqlite3", "boto3", "difflib", "asyncio", "logging"}
    code = "import sys, anyfit.failure; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert heavy.isdisjoint(loaded.split())
