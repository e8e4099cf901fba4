"""Fixtures for the ECG tests: the records where they are at hand, small made-up WFDB records."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray

from bnn_hw.ecg.fragments import FragmentSet, load_set
from bnn_hw.ecg.records import RECORDS_VARIABLE, records_dir
from bnn_hw.errors import UserError

WriteRecord = Callable[..., Path]
Refused = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def refused() -> Refused:
    """Expect a ``UserError`` of one line that holds all the given words."""

    @contextmanager
    def expect(*words: str) -> Iterator[None]:
        with pytest.raises(UserError) as caught:
            yield
        text = str(caught.value)
        assert "\n" not in text
        for word in words:
            assert word in text, text

    return expect


@pytest.fixture(scope="session")
def mitdb() -> Path:
    # The records are 100 MB of data that a user fetches; every other tool must be there.
    if not os.environ.get(RECORDS_VARIABLE):
        pytest.skip(f"{RECORDS_VARIABLE} is not set: no folder of MIT-BIH records")
    return records_dir()


@pytest.fixture(scope="session")
def ecg5(mitdb: Path) -> FragmentSet:
    return load_set("ecg5", mitdb)


@pytest.fixture(scope="session")
def ecg17(mitdb: Path) -> FragmentSet:
    return load_set("ecg17", mitdb)


@pytest.fixture
def write_record(tmp_path: Path) -> WriteRecord:
    """Write a two-lead record of made-up samples and return its path without suffix."""

    def write(
        name: str = "made_up",
        samples: NDArray[np.int64] | None = None,
        fs: float = 360,
        leads: tuple[str, str] = ("MLII", "V5"),
        fmt: str = "212",
        gain: float = 200.0,
        zero: int = 1024,
        units: str = "mV",
    ) -> Path:
        if samples is None:
            samples = np.random.default_rng(7).integers(0, 2047, 4000)
        wfdb.wrsamp(
            name,
            fs=fs,
            units=[units] * 2,
            sig_name=list(leads),
            d_signal=np.stack([samples, samples // 2], axis=1).astype(np.int64),
            fmt=[fmt] * 2,
            adc_gain=[gain] * 2,
            baseline=[zero] * 2,
            write_dir=str(tmp_path),
        )
        return tmp_path / name

    return write
