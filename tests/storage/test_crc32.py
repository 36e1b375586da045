"""The CRC-32 of transfers, with zlib-ng and without."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
for name in sys.argv[1:]:
    sys.modules[name] = None
from anyfit.storage.crc32 import crc32
from zlib import crc32 as plain
data = bytes(range(256)) * 1000
assert crc32(data) == plain(data)
assert crc32(data[7:], crc32(data[:7])) == plain(data)
assert crc32(memoryview(data)[1:]) == plain(data[1:])
print(crc32 is plain)
"""


@pytest.mark.parametrize(("missing", "is_plain"), [([], "False"), (["zlib_ng"], "True")])
def test_both_libraries_agree(missing: list[str], is_plain: str) -> None:
    """zlib-ng is used where it is installed, Python's own zlib elsewhere, and the sums are the same."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, *missing], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == is_plain
