"""The network file: round trips, digests, and everything that is not one."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from bnn_hw.errors import UserError
from bnn_hw.ir import Network, load_network, parse_network, save_network
from bnn_hw.ir.file import network_text
from tests.strategies import networks

TINY: dict[str, Any] = {
    "format": "bnn_hw.network",
    "version": 1,
    "name": "tiny",
    "input": {"samples": 8, "channels": 1, "bits": 4, "unit": "integer", "preparation": "raw"},
    "layers": [
        {
            "type": "conv",
            "name": "block1",
            "in_channels": 1,
            "out_channels": 2,
            "kernel": 3,
            "stride": 1,
            "padding": [1, 1],
            "pad_value": 0,
            "weights": ["5", "1"],
        },
        {"type": "threshold", "accept": [["at_least", 2], ["inside", -3, 3]]},
        {"type": "max_pool", "size": 2, "stride": 2},
        {
            "type": "dense",
            "name": "block2",
            "in_features": 8,
            "out_channels": 2,
            "weights": ["0f", "f3"],
        },
        {
            "type": "head",
            "fraction_bits": 4,
            "positive": [3, 4],
            "negative": [1, 2],
            "offset": [0, -5],
        },
    ],
    "labels": ["a", "b"],
    "provenance": {"note": 1},
}


@settings(max_examples=200, deadline=None)
@given(networks())
def test_round_trip(network: Network) -> None:
    text = network_text(network)
    again = parse_network(text)
    assert network_text(again) == text
    assert again.digest() == network.digest()
    assert again.canonical() == network.canonical()
    for mine, theirs in zip(again.blocks, network.blocks, strict=True):
        assert np.array_equal(mine.rows, theirs.rows)


def test_files(tmp_path: Path) -> None:
    network = parse_network(json.dumps(TINY))
    save_network(network, tmp_path / "deep" / "n.json")
    assert load_network(tmp_path / "deep" / "n.json").digest() == network.digest()
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["n.json"]
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be written"):
        save_network(network, tmp_path / "file" / "n.json")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, message in (
        ("none", "cannot be read"),
        ("binary", "is not UTF-8"),
        ("file", "not JSON"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            load_network(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)


def test_digest_is_that_of_the_specification() -> None:
    network = parse_network(json.dumps(TINY))
    kept = {k: v for k, v in TINY.items() if k in ("name", "input", "layers", "labels")}
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"))
    assert network.digest() == hashlib.sha256(text.encode()).hexdigest()
    other = copy.deepcopy(TINY) | {"provenance": {}}
    assert parse_network(json.dumps(other)).digest() == network.digest()


def at(
    *path: str | int, value: Any = None, delete: bool = False
) -> Callable[[dict[str, Any]], None]:
    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        if delete:
            del data[path[-1]]
        else:
            data[path[-1]] = value

    return change


CASES: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (at("format", value="something"), "is not a bnn_hw network"),
    (at("format", delete=True), "is not a bnn_hw network"),
    (at("version", value=2), "has schema version 2, this bnn_hw reads 1"),
    (at("version", value="1"), "has schema version 1"),
    (at("version", value=True), "version"),
    (at("version", value=1.0), "version"),
    (at("extra", value=1), "extra"),
    (at("layers", 0, "dilation", value=1), "dilation"),
    (at("input", "rate", value=360), "rate"),
    (at("layers", 0, "stride", delete=True), "stride"),
    (at("name", value='a"; $finish; //'), "is not a plain identifier"),
    (at("name", value="module"), "reserved word"),
    (at("layers", 0, "name", value="x`define"), "is not a plain identifier"),
    (at("layers", 0, "name", value="../../etc"), "is not a plain identifier"),
    (at("labels", 0, value='a"; $finish; //'), "is not allowed"),
    (at("labels", value=["a", "b", "c"]), "labels 3"),
    (at("layers", 0, "weights", 0, value="05"), "2 hex digits, 3 weights take exactly 1"),
    (at("layers", 0, "weights", 0, value="9"), "a bit set beyond its 3 weights"),
    (at("layers", 0, "weights", 0, value="x"), "something else than 0-9a-f"),
    (at("layers", 0, "weights", value=["5"]), "1 weight rows for 2 output channels"),
    (at("layers", 3, "weights", 1, value="f"), "1 hex digits, 8 weights take exactly 2"),
    (at("layers", 0, "kernel", value=1 << 30), "kernel"),
    (at("layers", 0, "kernel", value=3.0), "kernel"),
    (at("layers", 0, "stride", value="1"), "stride"),
    (at("layers", 0, "stride", value=True), "stride"),
    (at("layers", 0, "stride", value=0), "stride is 0"),
    (at("layers", 0, "padding", value=[1]), "padding"),
    (at("layers", 0, "padding", value=[1, -1]), "padding right is -1"),
    (at("layers", 0, "pad_value", value=99), "padding value is 99, allowed are -8 to 7"),
    (at("layers", 0, "in_channels", value=3), "weight row has 1 hex digits, 9 weights"),
    (at("layers", 1, "accept", 0, value=["at_least", 25]), "low bound 25 .* outside the sums"),
    (at("layers", 1, "accept", 0, value=["at_least", -25]), "low bound -25"),
    (at("layers", 1, "accept", 0, value=["at_least", 2.0]), "accept"),
    (at("layers", 1, "accept", 0, value=["at_least"]), "has 0 bounds, it takes 1"),
    (at("layers", 1, "accept", 0, value=["inside", 3, -3]), "is empty"),
    (at("layers", 1, "accept", 0, value=["always", 1]), "has 1 bounds, it takes 0"),
    (at("layers", 1, "accept", 0, value=["sometimes"]), "unknown, allowed kinds"),
    (at("layers", 1, "accept", 0, value=[]), "unknown, allowed kinds"),
    (at("layers", 1, "accept", value=[["always"]]), "1 accept sets for 2 channels"),
    (at("layers", 2, "size", value=9), "max_pool of size 9 over 8 positions"),
    (at("layers", 3, "in_features", value=4), "2 hex digits, 4 weights"),
    (at("layers", 4, "positive", value=[1]), "1 positive, 2 negative"),
    (at("layers", 4, "positive", 0, value=1 << 50), "takes 52 bits, at most 48"),
    (at("layers", 4, "positive", 0, value=0.5), "positive"),
    (at("layers", 4, "fraction_bits", value=-1), "-1 fraction bits"),
    (at("layers", 4, "peak_weight", value=3), "peak weight is 3, allowed are 0 and powers of two"),
    (at("layers", 4, "peak_weight", value=8192), "up to 4096"),
    (at("layers", 4, "peak_weight", value="4"), "peak_weight"),
    (at("layers", 4, delete=True), "must be"),
    (at("layers", value=[]), "layers"),
    (at("layers", 0, "type", value="lstm"), "lstm"),
    (at("input", "bits", value=1), "1 bits a sample"),
    (at("input", "samples", value=1 << 40), "samples a fragment"),
    (at("input", "unit", value="a\nb"), "one printable line"),
    (at("input", "peak", value=5), "'peak' goes with preparation 'peak'"),
    (at("input", "preparation", value="fft"), "preparation"),
]


@pytest.mark.parametrize(("change", "message"), CASES)
def test_refused(change: Callable[[dict[str, Any]], None], message: str) -> None:
    data = copy.deepcopy(TINY)
    change(data)
    with pytest.raises(UserError, match=message) as caught:
        parse_network(json.dumps(data))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "3",
        "{",
        '{"format": "bnn_hw.network", "version": NaN}',
        '{"format": "bnn_hw.network", "version": 1, "name": Infinity}',
        "[" * 100000,
        '{"a": ' * 100000,
        '{"image": "png"}',
        "%PDF-1.4",
        '{"format": "bnn_hw.network", "version": 1' + "0" * 5000 + "}",
    ],
)
def test_not_a_network(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_network(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_nan_in_a_number() -> None:
    text = json.dumps(TINY).replace('"fraction_bits": 4', '"fraction_bits": NaN')
    with pytest.raises(UserError, match="NaN is not a number of JSON"):
        parse_network(text)


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bnn_hw.ir.file.MAX_FILE_BYTES", 100)
    (tmp_path / "n.json").write_text(json.dumps(TINY))
    with pytest.raises(UserError, match="larger than 100 bytes"):
        load_network(tmp_path / "n.json")
