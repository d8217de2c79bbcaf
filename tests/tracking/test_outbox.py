"""What is written to an outbox is what is read, to the bit; cut anywhere it is a prefix; a flipped byte is found."""

import math
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from support.small_sweeps import small_spec

from model import EpochRecord, Network, TrainingPlan
from sweeps.errors import BusyError, OutboxError, SpecError
from sweeps.tracking.framed_file import DamagedError, FramedFile, records_in
from sweeps.tracking.outbox import Outbox
from sweeps.tracking.outbox_places import outbox_folder, outbox_path, outboxes
from sweeps.user_network.parameters import Parameters
from sweeps.user_network.source import NetworkSource
from sweeps.verdicts.facts import State
from sweeps.verdicts.verdict import Assessment, Cause, Verdict
from sweeps.worker.task import TrialResult

RECORDS = st.lists(st.binary(max_size=60), max_size=6)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
MEASURES = st.dictionaries(st.sampled_from(["cost/train_total", "accuracy/validation", "x/y"]), NUMBERS)
SETTINGS = st.fixed_dictionaries(
    {"eta": NUMBERS, "lambda": NUMBERS, "batch_size": st.integers(1, 99), "hidden": st.tuples(st.integers(1, 9))}
)
ASSESSMENTS = st.builds(
    Assessment,
    st.sampled_from(Verdict),
    st.text(),
    st.text(),
    st.integers(0, 99),
    st.dictionaries(st.text(), NUMBERS),
    st.none() | st.sampled_from(Cause),
)
RESULTS = st.builds(
    TrialResult,
    number=st.integers(0, 999),
    replicate=st.integers(0, 9),
    state=st.sampled_from(State),
    records=st.lists(st.builds(EpochRecord, st.integers(0, 99), MEASURES), max_size=4).map(tuple),
    diverged_epoch=st.none() | st.integers(1, 99),
    test=st.none() | MEASURES,
    started=NUMBERS,
    finished=NUMBERS,
    epoch_ends=st.lists(NUMBERS, max_size=4).map(tuple),
    seconds=NUMBERS,
    error=st.none() | st.text(),
    assessment=st.none() | ASSESSMENTS,
)
PROVENANCE, DIGESTS = {"version.numpy": "2"}, {"digits": "0" * 32}


def written(folder: Path, records: list[bytes]) -> bytes:
    """What a file of these records holds."""
    path = folder / "x.outbox"
    path.unlink(missing_ok=True)
    file = FramedFile(path)
    for record in records:
        file.append(record)
    assert file.read() == records
    file.close()
    return path.read_bytes()


def result(number: int, **fields: object) -> TrialResult:
    """A result with a record."""
    records = (EpochRecord(0, {"cost/validation_data": 0.1}), EpochRecord(1, {"cost/validation_data": 0.1 + 0.2}))
    return TrialResult(number, 0, State.COMPLETE, records, **fields)  # type: ignore[arg-type]


def begun(path: Path, **changes: object) -> Outbox:
    """An outbox of a small sweep."""
    outbox = Outbox(path)
    outbox.begin(small_spec(**changes), DIGESTS)
    return outbox


def bits(value: object) -> object:
    """Data with each float as its eight bytes; all NaN are one, as they are in MLflow."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("<d", value)
    if isinstance(value, dict):
        return {key: bits(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [bits(one) for one in value]
    return bits(vars(value)) if hasattr(value, "__dataclass_fields__") else value


@settings(max_examples=40)
@given(RECORDS)
def test_what_is_written_is_read_and_every_cut_gives_a_prefix(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes]
) -> None:
    content = written(tmp_path_factory.getbasetemp(), records)
    assert records_in(content) == (records, len(content))
    ends = []
    for cut in range(len(content) + 1):
        found, end = records_in(content[:cut])
        assert found == records[: len(found)]
        assert end <= cut
        ends.append(len(found))
    assert ends == sorted(ends)
    assert ends[-1] == len(records)


@given(RECORDS, st.data())
def test_every_flipped_byte_is_found_and_its_place_is_said(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], data: st.DataObject
) -> None:
    content = bytearray(written(tmp_path_factory.getbasetemp(), records))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DamagedError) as damage:
        records_in(bytes(content))
    assert damage.value.at <= at


@settings(max_examples=40)
@given(RECORDS, st.integers(1, 5000))
def test_an_end_that_was_never_written_is_a_torn_tail(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], zeros: int
) -> None:
    content = written(tmp_path_factory.getbasetemp(), [*records, b"last"])
    before = content[: -len(b"last") - 16]
    assert records_in(content + bytes(zeros)) == ([*records, b"last"], len(content))
    assert records_in(before + bytes(20 + zeros))[0] == records
    assert records_in(bytes(zeros)) == ([], 0)


def test_a_torn_tail_is_cut_and_written_over(tmp_path: Path) -> None:
    content = written(tmp_path, [b"one", b"two"])
    path = tmp_path / "x.outbox"
    path.write_bytes(content[:-1])
    file = FramedFile(path)
    assert file.read() == [b"one"]
    file.append(b"three")
    file.close()
    assert records_in(path.read_bytes())[0] == [b"one", b"three"]


def test_a_damaged_file_is_named_with_its_place_and_kept(tmp_path: Path) -> None:
    content = bytearray(written(tmp_path, [b"one", b"two", b"three"]))
    path = tmp_path / "x.outbox"
    content[20] ^= 1
    path.write_bytes(content)
    with pytest.raises(OutboxError, match=rf"{path}: damaged at byte 16 of {len(content)}, and left as it is; bring"):
        FramedFile(path)
    assert path.read_bytes() == content


def test_a_file_is_open_once_at_a_time(tmp_path: Path) -> None:
    file = FramedFile(tmp_path / "x.outbox")
    with pytest.raises(BusyError, match="is held by another process"):
        FramedFile(tmp_path / "x.outbox")
    file.close()
    FramedFile(tmp_path / "x.outbox").close()


def test_a_file_that_somebody_deletes_is_written_anew_with_the_next_record(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "x.outbox"
    file = FramedFile(path)
    file.append(b"one")
    path.unlink()
    path.parent.rmdir()
    file.append(b"two")
    assert records_in(path.read_bytes())[0] == [b"one", b"two"]
    file.close()


@pytest.mark.parametrize("what", ["below a file", "a folder", "a pipe"])
def test_where_it_cannot_be_written_is_said(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.outbox"
    match what:
        case "below a file":
            path.touch()
            path = path / "x.outbox"
        case "a folder":
            path.mkdir()
        case "a pipe":
            os.mkfifo(path)
    with pytest.raises(OutboxError, match=r"cannot be written .*SWEEPS_DATA"):
        FramedFile(path)


@settings(max_examples=40)
@given(RESULTS, SETTINGS)
def test_a_result_comes_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, result: TrialResult, chosen: dict[str, object]
) -> None:
    path = tmp_path_factory.getbasetemp() / "bits.outbox"
    path.unlink(missing_ok=True)
    outbox = begun(path)
    outbox.add(result, chosen)  # type: ignore[arg-type]
    outbox.close()
    again = Outbox(path)
    (entry,) = again.waiting
    again.close()
    assert bits(entry.result) == bits(result)
    assert bits(entry.settings) == bits(chosen)
    assert type(entry.result.state) is State


@settings(max_examples=20)
@given(st.data(), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_the_network_of_the_best_comes_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, dtype: type, built_in: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "network.outbox"
    path.unlink(missing_ok=True)
    weights = (data.draw(arrays.arrays(dtype, (3, 2))), data.draw(arrays.arrays(dtype, (2, 3))))
    biases = (data.draw(arrays.arrays(dtype, 3)), data.draw(arrays.arrays(dtype, 2)))
    network = Network(weights, biases, "tanh") if built_in else Parameters(weights, biases, "float64")
    outbox = begun(path)
    outbox.add(result(3, network=network), {}, is_best=True)
    outbox.add(result(4, network=network), {}, is_best=False)
    outbox.close()
    again = Outbox(path)
    assert again.network is not None
    key, found = again.network
    again.close()
    assert key == (3, 0)
    assert type(found) is type(network)
    for one, other in zip((*found.weights, *found.biases), (*weights, *biases), strict=True):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


def test_spec_code_and_provenance_come_back(tmp_path: Path) -> None:
    code = tmp_path / "net.py"
    code.write_text("class Net: ...")
    source = NetworkSource(f"{code}:Net", f"{code}:Net", str(code), "d1", "law", "faults")
    spec = small_spec(network=f"{code}:Net", plan={"dataset": "digits", "hidden": [4], "validation": 300})
    spec = type(spec)(**vars(spec) | {"network": source, "rules": 1})
    outbox = Outbox(tmp_path / "x.outbox")
    outbox.begin(spec, DIGESTS)
    outbox.note_provenance(PROVENANCE)
    outbox.close()
    again = Outbox(tmp_path / "x.outbox")
    opening = again.opening
    again.close()
    assert opening is not None
    assert opening.spec == spec
    assert vars(opening.spec.network) == vars(source)
    assert (opening.provenance, opening.digests, opening.code.tobytes()) == (PROVENANCE, DIGESTS, code.read_bytes())
    assert opening.spec.plan == TrainingPlan(dataset="digits", hidden=(4,), validation=300)


def test_what_was_delivered_does_not_wait_unless_the_store_lost_it(tmp_path: Path) -> None:
    outbox = begun(tmp_path / "x.outbox")
    outbox.opened("run-1", held=[])
    first, second = outbox.add(result(0), {}), outbox.add(result(1), {})
    failed = outbox.add(TrialResult(2, 0, State.FAILED), {})
    outbox.delivered(first)
    outbox.delivered(failed)
    assert outbox.waiting == [second]
    outbox.close()
    again = Outbox(tmp_path / "x.outbox")
    assert [entry.key for entry in again.waiting] == [(1, 0)]
    again.opened("run-1", held=[(0, 0), (2, 0)])
    assert [entry.key for entry in again.waiting] == [(1, 0)]
    again.opened("run-1", held=[])  # somebody took both away: a failure is to run again
    assert [entry.key for entry in again.waiting] == [(0, 0), (1, 0)]
    again.opened("run-2", held=[])
    assert [entry.key for entry in again.waiting] == [(0, 0), (1, 0), (2, 0)]
    again.close()


def test_an_outbox_knows_whether_the_store_holds_more(tmp_path: Path) -> None:
    outbox = begun(tmp_path / "x.outbox")
    assert outbox.is_whole
    outbox.add(result(0), {})
    outbox.opened("run-1", held=[(0, 0), (1, 0)])
    outbox.close()
    again = Outbox(tmp_path / "x.outbox")
    assert not again.is_whole
    again.opened("run-2", held=[])
    assert again.is_whole
    again.close()


def test_a_training_that_runs_again_leaves_its_settings_alone(tmp_path: Path) -> None:
    outbox = begun(tmp_path / "x.outbox")
    outbox.add(result(0), {})
    outbox.add(result(1), {"eta": 0.5})
    outbox.note_death((1, 0), 2)
    outbox.retry({(1, 0): {"eta": 0.5}})
    for held in (outbox, None):
        if held is None:
            outbox.close()
        again = held or Outbox(tmp_path / "x.outbox")
        assert (list(again.keys), again.kept, again.deaths) == ([(0, 0)], {1: {"eta": 0.5}}, {})
        assert [entry.key for entry in again.waiting] == [(0, 0)]
    again.add(result(1, seconds=2.0), {"eta": 0.5})
    again.close()
    last = Outbox(tmp_path / "x.outbox")
    assert [entry.result.seconds for entry in last.waiting] == [0.0, 2.0]
    last.close()


def test_who_is_refused_is_told_who_holds_it(tmp_path: Path) -> None:
    outbox = begun(tmp_path / "small.outbox")
    with pytest.raises(BusyError, match=rf"'small' is being run by another process \(pid {os.getpid()} on "):
        Outbox(tmp_path / "small.outbox")
    outbox.close()


def test_a_finished_sweep_leaves_that_it_was_begun(tmp_path: Path) -> None:
    outbox = begun(tmp_path / "x.outbox")
    for number in range(20):
        outbox.add(result(number), {})
    size = outbox.path.stat().st_size
    outbox.finished()
    outbox.close()
    assert outbox.path.stat().st_size < size / 3
    again = Outbox(tmp_path / "x.outbox")
    assert (again.opening is not None, again.waits, again.is_whole) == (True, 0, False)
    again.close()


def test_another_spec_never_takes_the_place_of_results_that_wait(tmp_path: Path) -> None:
    outbox = begun(tmp_path / "x.outbox", trials=3)
    assert outbox.begin(small_spec(trials=2), DIGESTS).trials == 3
    assert outbox.begin(small_spec(trials=5), DIGESTS).trials == 5
    entry = outbox.add(result(0), {})
    for spec, digests, said in (
        (small_spec(seed=7), DIGESTS, "seed: was 0, is now 7"),
        (small_spec(), {"digits": "1" * 32}, "dataset digits: its contents have changed"),
    ):
        with pytest.raises(SpecError, match="1 result of another spec wait") as refusal:
            outbox.begin(spec, digests)
        assert said in refusal.value.problems[0]
    outbox.delivered(entry)
    outbox.begin(small_spec(seed=7), DIGESTS)
    assert (outbox.keys, outbox.is_whole) == ({}, False)
    outbox.close()


def test_an_outbox_lies_beside_the_database_and_a_servers_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEPS_DATA", str(tmp_path / "data"))
    file = tmp_path / "mlruns" / "mlflow.db"
    beside = tmp_path / "mlruns" / "outbox" / "mlflow.db" / "mnist.outbox"
    assert outbox_path(f"sqlite:///{file}", "mnist") == outbox_path(f"sqlite:///{file}?timeout=30", "mnist") == beside
    served = {outbox_folder(uri) for uri in ("http://127.0.0.1:80", "http://localhost", "http://u:secret@localhost/")}
    assert len(served) == 1
    assert (folder := served.pop()).parent == tmp_path / "data" / "outbox"
    assert folder.name.startswith("localhost-")
    assert outbox_folder("http://localhost:81") != folder
    assert outboxes("http://localhost") == []
    begun(outbox_path("http://localhost", "small")).close()
    assert outboxes("http://127.0.0.1") == [folder / "small.outbox"]
