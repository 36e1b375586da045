"""Ranges, checksums and fault specifications: the small pure parts."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit_emulator import Faults
from anyfit_emulator.storage.crc import CRC32, CRC32C, CRC64_ECMA, CRC64_NVME, Crc, _from_table
from anyfit_emulator.storage.errors import StoreError
from anyfit_emulator.storage.faults import FaultPlan
from anyfit_emulator.storage.ranges import parse_range

CRCS = [CRC32, CRC32C, CRC64_ECMA, CRC64_NVME]


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=3-", (3, 7)),
        ("bytes=-4", (6, 4)),
        ("bytes=-40", (0, 10)),
        ("bytes=2-400", (2, 8)),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=0-1,4-5", None),
        ("lines=1-2", None),
        ("", None),
    ],
)
def test_ranges_of_ten_bytes(header: str, span: tuple[int, int] | None) -> None:
    """A range is an offset and a length; what cannot be understood is ignored."""
    assert parse_range(header, 10) == span


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_ranges_of_nothing_are_refused(header: str, size: int) -> None:
    """A range beyond the end is an error that tells the size."""
    with pytest.raises(StoreError) as caught:
        parse_range(header, size)

    assert caught.value.status == 416
    assert ("Content-Range", f"bytes */{size}") in caught.value.headers


@pytest.mark.parametrize(
    ("crc", "expected"),
    [
        (CRC32, 0xCBF43926),
        (CRC32C, 0xE3069283),
        (CRC64_ECMA, 0x995DC9BBDF1939FA),
        (CRC64_NVME, 0xAE8B14860A799888),
    ],
)
def test_crcs_of_the_usual_check_string(crc: Crc, expected: int) -> None:
    """The catalogues' check values come out, compiled or not."""
    assert crc.update(b"123456789") == expected
    assert _from_table(crc)(b"123456789", 0) == expected


@given(st.sampled_from(CRCS), st.binary(max_size=200), st.binary(max_size=200))
def test_crcs_of_parts_join(crc: Crc, first: bytes, second: bytes) -> None:
    """The checksum of a whole follows from those of its parts."""
    joined = crc.join(crc.update(first), crc.update(second), len(second))

    assert joined == crc.update(first + second) == crc.update(second, crc.update(first))


def test_joining_agrees_with_zlib_for_long_parts() -> None:
    """Long second parts take the same way."""
    first, second = b"a" * 1000, bytes(range(256)) * 5000

    assert CRC32.join(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)


def test_a_fault_specification_is_read() -> None:
    """Words become a value."""
    faults = Faults.parse("error=503:0.2,slowdown=0.1 reset=0.3,latency=50ms,seed=7,only=GetObject+PutObject,times=2")

    assert faults == Faults(
        {"reset": 0.3},
        {(503, "ServiceUnavailable"): 0.2, (503, "SlowDown"): 0.1},
        0.05,
        7,
        frozenset({"GetObject", "PutObject"}),
        2,
    )
    assert not Faults.parse("")


@pytest.mark.parametrize("text", ["boom=1", "reset=2", "reset", "error=x", "latency=fast", "times=few"])
def test_what_is_no_fault_is_named(text: str) -> None:
    """A wrong word is quoted."""
    with pytest.raises(ValueError, match=text.partition("=")[0]):
        Faults.parse(f"seed=1,{text}")


def test_the_same_seed_hits_the_same_requests_in_any_order() -> None:
    """Which request fails does not depend on the order of arrival, and a second try may pass."""
    names = [f"bucket/key{n}" for n in range(200)]
    forward, backward, other = (FaultPlan(Faults.parse(f"error=500:0.3,seed={seed}")) for seed in (1, 1, 2))
    hit = {name for name in names if forward.decide("PutObject", name).error}

    assert hit == {name for name in reversed(names) if backward.decide("PutObject", name).error}
    assert hit != {name for name in names if other.decide("PutObject", name).error}
    assert 30 < len(hit) < 90
    assert any(not forward.decide("PutObject", name).error for name in hit)
