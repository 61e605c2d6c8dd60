"""A cell that is not a number is named by its row and column, with its value and a remedy."""

import datetime

import numpy as np
import pytest

from skdm2c import MixedModalClustering
from skdm2c.data.cells import describe_unreadable_cell, is_number

N = 20
B = np.random.RandomState(1).randn(N, 3)
NUMBERS = np.random.RandomState(0).randn(N).tolist()
COLUMNS = {
    "one text in numbers": (["1.5"] * 7 + [" - "] + ["2"] * 12, 7, " - "),
    "texts": (["Ann"] * N, 0, "Ann"),
    "dates": ([datetime.date(2020, 1, 1 + i) for i in range(N)], 0, "2020-01-01"),
    "durations": ([datetime.timedelta(days=i) for i in range(N)], 0, "0"),
}


def message_of(block):
    with pytest.raises((ValueError, TypeError)) as error:
        MixedModalClustering(3, pretrain_epochs=0).fit(block, B)
    return str(error.value)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_cell_of_a_frame_is_named(kind, library):
    frames = pytest.importorskip(library)
    values, row, value = COLUMNS[kind]
    message = message_of(frames.DataFrame({"size": NUMBERS, "name": values}))
    for part in ("'a'", f"row {row}", "'name'", value):
        assert part in message


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_category_is_named_and_can_be_encoded_as_the_message_says(library):
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OneHotEncoder

    from skdm2c import PerModality

    frames = pytest.importorskip(library)
    cities = ["Oslo", "Rome"] * (N // 2)
    series = (
        frames.Categorical(cities)
        if library == "pandas"
        else frames.Series(cities).cast(frames.Categorical)
    )
    frame = frames.DataFrame({"size": NUMBERS, "city": series})
    message = message_of(frame)
    assert "'city'" in message
    assert "'Oslo'" in message
    scope = {
        "PerModality": PerModality,
        "OneHotEncoder": OneHotEncoder,
        "make_column_transformer": make_column_transformer,
    }
    remedy = eval(message.split("for example with ")[1].split(". (")[0], scope)
    encoded = remedy.fit_transform(frame, B)
    assert encoded.blocks["a"].shape == (N, 3)


def test_a_cell_of_an_array_is_named_by_its_number():
    block = np.random.RandomState(0).randn(N, 8).astype(object)
    block[17, 5] = " - "
    message = message_of(block)
    assert "row 17, column 5" in message
    assert "' - '" in message


def test_a_missing_value_of_pandas_in_a_column_of_objects_is_named():
    pandas = pytest.importorskip("pandas")
    message = message_of(pandas.DataFrame({"size": NUMBERS, "age": [1, pandas.NA] * (N // 2)}))
    assert "row 1" in message
    assert "'age'" in message
    assert "Imputer" in message


def test_nullable_numbers_are_read_and_their_missing_values_named():
    pandas = pytest.importorskip("pandas")
    ages = pandas.array([1, None] * (N // 2), dtype="Int64")
    message = message_of(pandas.DataFrame({"size": NUMBERS, "age": ages}))
    assert "row 1" in message
    assert "'age'" in message


def test_a_column_of_vectors_is_named():
    pandas = pytest.importorskip("pandas")
    message = message_of(pandas.DataFrame({"size": NUMBERS, "embedding": list(B)}))
    assert "'embedding'" in message
    assert "np.stack" in message


def test_a_cell_of_later_rows_is_named_by_its_number_among_all(monkeypatch):
    from skdm2c.data import rows

    monkeypatch.setattr(rows, "CHUNK_ELEMENTS", 24)
    block = np.random.RandomState(0).randn(N, 8).astype(object)
    block[17, 5] = "x"
    assert "row 17, column 5" in message_of(block)


def test_numbers_of_any_kind_are_numbers():
    from decimal import Decimal
    from fractions import Fraction

    cells = (1, 2.5, True, None, np.nan, "3", b"4", np.float32(1), Decimal(2), Fraction(1, 2))
    assert all(map(is_number, cells))
    assert not any(map(is_number, ("x", "", [1.0], 1j, np.datetime64("2020"), object())))
    assert describe_unreadable_cell(np.array([[1, 2.5], ["3", None]], dtype=object), "a") is None
