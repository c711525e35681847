"""Files larger than memory are measured where they lie: the same numbers, and the same words where they are damaged."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from bitneck.flow import large_arrays, own_codes
from bitneck.flow.config import RunError
from bitneck.flow.files import read_array, read_arrays, write_arrays
from bitneck.ib_analysis.codes import Codes

BITS = np.random.default_rng(0).random((300, 70)) < 0.5
Y = np.arange(300) % 3


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(large_arrays, "LARGE_BYTES", 1000)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("y.npy", Y)
    return tmp_path


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_large_array_is_mapped_and_equal(here, small, order):
    array = np.asarray(BITS.astype(np.int16), order=order)
    write_arrays(here / "a.npz", {"few": Y[:3], "many": array})
    np.save("a.npy", array)
    found = read_arrays(here / "a.npz")
    assert isinstance(found["many"], np.memmap)
    assert not isinstance(found["few"], np.memmap)
    for each in (found["many"], read_array(here / "a.npy")):
        assert isinstance(each, np.memmap)
        np.testing.assert_array_equal(each, array)


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_a_damaged_large_file_is_refused(here, small, name):
    np.savez("a.npz", many=BITS)
    np.save("a.npy", BITS)
    path, content = here / name, bytearray((here / name).read_bytes())
    content[1000] ^= 1
    path.write_bytes(content if name == "a.npz" else content[:-1])
    with pytest.raises(RunError, match=r"is damaged .*(CRC|not as many bytes)"):
        read_arrays(path) if name == "a.npz" else read_array(path)


@pytest.mark.parametrize("spelling", ["bits", "signs", "packed", "compressed"])
def test_large_codes_have_the_same_numbers(here, monkeypatch, spelling):
    values = np.where(BITS, 1, -1).astype(np.int8) if spelling == "signs" else BITS
    if spelling == "packed":
        values = Codes.pack(BITS).packed
    (np.savez_compressed if spelling == "compressed" else np.savez)("codes.npz", layer=values)
    widths = {"layer": 70} if spelling == "packed" else {}
    found = []
    for name, limit in (("whole", 1 << 28), ("mapped", 1000)):
        monkeypatch.setattr(large_arrays, "LARGE_BYTES", limit)
        monkeypatch.setattr(own_codes, "_AT_A_TIME", limit)
        own = own_codes.read(here / "codes.npz", "y.npy", widths)
        packed = own.codes_of(0)["layer"].packed
        assert isinstance(packed, np.memmap) == (limit == 1000) or spelling == "packed"
        own_codes.analyze(own, "codes.npz", here / name)
        found.append((here / name / "plane.json").read_bytes())
    assert found[0] == found[1]


def test_codes_that_do_not_fit_are_never_in_memory_at_once(here, monkeypatch):
    """36 MB of packed bits as wide as a map: what is taken beside the file does not grow with it."""
    monkeypatch.setattr(large_arrays, "LARGE_BYTES", 1 << 20)
    rows = np.random.default_rng(0).integers(0, 256, (40, 7200), dtype=np.uint8)
    np.savez("codes.npz", map=rows[np.arange(5000) % 40])
    np.save("y.npy", np.arange(5000) % 10)
    from bitneck.ib_analysis.symbols import symbols

    symbols(own_codes.read(here / "codes.npz", "y.npy", {"map": 57_600}).codes_of(0)["map"])
    tracemalloc.start()
    codes = own_codes.read(here / "codes.npz", "y.npy", {"map": 57_600}).codes_of(0)["map"]
    assert len(symbols(codes)) == 40
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < codes.packed.nbytes / 10
