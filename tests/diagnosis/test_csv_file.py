"""A CSV file is read whatever its habits, and every mistake in it is named with its place, its value and its remedy."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.recorded_runs import SMALL, found

from sweeps.diagnosis.curves.readers.csv_file import read_run
from sweeps.errors import InputError


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "run.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        "epoch,cost,correct\n0,3.5,70\n1,inf,80\n",
        "\ufeffepoch,cost,correct\r\n0,3.5,70\r\n\r\n1,inf,80\r\n",
        " Epoch ; COST;correct\n0; 3.5;70\n1;Infinity;80\n",
        "correct\tseconds\tcost\tepoch\n70\t1.5\t3.5\t0\n80\tlong\tinf\t1",
        '"epoch","cost","correct"\n"0","3.5","70"\n"1","inf","80"\n',
    ],
)
def test_files_are_read_whatever_separates_columns_and_lines(content: str, tmp_path: Path) -> None:
    run = read_run(written(tmp_path, content))
    assert run.epochs.tolist() == [0, 1]
    assert run.cost.tolist() == [3.5, math.inf]
    assert run.correct is not None
    assert run.correct.tolist() == [70, 80]
    assert run.accuracy is None


def test_an_empty_cell_is_a_missing_value_where_a_column_may_have_one(tmp_path: Path) -> None:
    run = read_run(written(tmp_path, "epoch,cost,accuracy,penalty\n1,3.5,,1\n2,2.5,.75,\n"))
    assert run.accuracy is not None
    assert np.isnan(run.accuracy[0])
    assert run.accuracy[1] == 0.75
    assert found(run, SMALL) == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["is empty", "epoch,cost"]),
        ("\n \n", ["is empty"]),
        ("0,3.5\n1,2.5\n", ["line 1", "names no columns", "epoch,cost"]),
        ("epoch,loss\n0,3.5\n1,2.5\n", ["no column cost", "epoch, loss", "rename loss"]),
        ("step,value\n0,3.5\n1,2.5\n", ["no column epoch", "no column cost", "add it"]),
        ("epoch,cost,penality\n0,3.5,1\n1,2.5,1\n", ["column penality", "did you mean penalty"]),
        ("epoch,cost,Cost\n0,3.5,1\n1,2.5,1\n", ["column cost", "2 times"]),
        ("epoch,cost\n0,3.5\n1,high\n", ["line 3", "column cost", "'high'", "11.94"]),
        ("epoch;cost\n0;3,5\n1;2,5\n", ["line 2", "'3,5'", "decimal point"]),
        ("epoch,cost\n0,3.5\n1,1_000\n", ["line 3", "'1_000'"]),
        ("epoch,cost,accuracy\n0,3.5,74%\n1,3,75%\n", ["line 2", "column accuracy", "74%", "divide by 100"]),
        ("epoch,cost,accuracy\n0,3.5,74\n1,3,75\n", ["line 2", "column accuracy", "74", "divide percent by 100"]),
        ("epoch,cost,correct\n0,3.5,0.74\n1,3,1\n", ["line 2", "column correct", "0.74", "accuracy"]),
        ("epoch,cost\n0,3.5\n1,-2\n", ["line 3", "column cost", "negative", "-2"]),
        ("epoch,cost\n0,3.5\n1,\n", ["line 3", "column cost", "empty"]),
        ("epoch,cost\n0,3.5\n1\n", ["line 3", "1 values for 2 columns"]),
        ("epoch,cost\n0,3.5\n1,2.5,9\n", ["line 3", "3 values for 2 columns"]),
        ("epoch,cost\n0,3.5\n0,2.5\n", ["line 3", "column epoch", "0 after 0"]),
        ("epoch,cost\n0,3\n3,3\nx,3\n2,3\n", ["line 4, column epoch", "'x'", "line 5, column epoch", "2 after 3"]),
        ("epoch,cost\ninf,3.5\n1,2.5\n", ["line 2", "column epoch", "must be finite"]),
        ("epoch,cost\n0,3.5\n", ["holds 1 epochs", "at least two"]),
        ("epoch,cost\n", ["holds 0 epochs"]),
        ("epoch,cost\n0,3\n1,2\n".encode("utf-16"), ["not UTF-8"]),
        ('epoch,cost\n0,"' + "3" * 200_000 + '"\n', ["line 2", "field larger"]),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_place_and_remedy(
    content: str | bytes, words: list[str], tmp_path: Path
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read_run(path)
    assert str(caught.value).startswith(str(path))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_file_that_is_not_there_or_a_folder_is_bad_input(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match=r"cannot be read.*name a CSV file"):
            read_run(path)


@given(st.binary(max_size=200) | st.text("epochcst,;\n\t0123456789.-+einfa\"'\r ", max_size=80).map(str.encode))
def test_no_file_raises_anything_but_input_errors(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = written(tmp_path_factory.getbasetemp(), content)
    try:
        run = read_run(path)
    except InputError:
        return
    found(run, SMALL)
