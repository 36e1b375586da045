"""Every key of a TOML file is found on its line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anyfit.config.toml import key_lines, parse_toml

TEXT = '''\
# a = 1
top = 1
"quoted = key" = 2

[table]
text = """
top = 3
inside = 4
"""  # the end
after = 'one = two'
list = [
  "a = b",
]
raw = \'\'\'x\'\'\' # """
[profiles.gpu]
a.b = {c = 1}
[[array]]
x = 1
[[array]]
x = 2
["odd name".x]
y = 5
'''


def test_lines() -> None:
    """Headers and keys are found; what only looks like a key, in texts and lists, is not."""
    assert key_lines(TEXT) == {
        ("top",): 2,
        ("quoted = key",): 3,
        ("table",): 5,
        ("table", "text"): 6,
        ("table", "after"): 10,
        ("table", "list"): 11,
        ("table", "raw"): 14,
        ("profiles", "gpu"): 15,
        ("profiles", "gpu", "a", "b"): 16,
        ("array",): 17,
        ("array", "x"): 18,
        ("odd name", "x"): 21,
        ("odd name", "x", "y"): 22,
    }


KEY = st.one_of(st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True), st.sampled_from(['"a = b"', '"#"', "'[x]'"]))
VALUE = st.sampled_from(
    ["1", '"a = 1"', "'''\nb = 2\n'''", '"""\n[c]\n"""', "[\n1,\n]", "{x = 1}", '"#" # c = 3', "''"]
)


@given(st.lists(st.tuples(KEY, VALUE), unique_by=lambda pair: pair[0].strip("\"'")))
def test_any_document(pairs: list[tuple[str, str]]) -> None:
    """In any mixture of values each key is found on the line on which it was written."""
    text = "[table]\n"
    expected: dict[tuple[str, ...], int] = {("table",): 1}
    for key, value in pairs:
        expected["table", key.strip("\"'")] = text.count("\n") + 1
        text += f"{key} = {value}\n"

    assert list(parse_toml(text, "test")["table"] if pairs else []) == [path[1] for path in expected if len(path) > 1]
    assert key_lines(text) == expected
