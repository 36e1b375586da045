"""Which keys take part, and what has to be listed to find them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anyfit.storage import exclude, include
from anyfit.storage.filters import Filters

PATTERNS = st.text("ab/*?[]!", max_size=6)


@given(st.lists(st.tuples(st.booleans(), PATTERNS), max_size=4), st.text("ab/[]!", max_size=6))
def test_all_that_takes_part_begins_with_the_stem(rules: list[tuple[bool, str]], name: str) -> None:
    """Whatever the filters are, nothing is lost by listing no more than that."""
    filters = tuple(rule for taken, pattern in rules for rule in (include if taken else exclude)(pattern))
    takes = Filters(filters)

    assert not takes(name) or name.startswith(takes.stem)


def test_stems() -> None:
    """They are as long as can be."""
    assert Filters(include("2026-*.csv")).stem == "2026-"
    assert Filters(include("logs/")).stem == "logs/"
    assert Filters(include("logs/a*", "logs/b?") + exclude("*.tmp")).stem == "logs/"
    assert Filters(include("a[[]1].txt")).stem == "a"
    assert Filters(exclude("a*") + include("ab*")).stem == Filters().stem == ""
