"""A store may be moved or copied, and lose files: everything is still shown, and tables come back to the same bits.

The archive's paths are `/recorded/...`, where nothing is: as it is extracted, it is a store that was moved.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from support.archive import unpack
from support.small_sweeps import small_spec, swept, write_spec

import sweeps
from sweeps.cli.main import main
from sweeps.results.sweep import Sweep
from sweeps.tracking.artifact_files import files_in, run_folder, write_whole
from sweeps.tracking.location import sqlite_file
from sweeps.tracking.relocation import relocate

MODEL = "models:/recorded@champion"


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    unpack(tmp_path)
    return tmp_path


@pytest.fixture
def finished(new_store: Callable[[Path], str], tmp_path: Path) -> Sweep:
    return swept(small_spec(trials=4), new_store(tmp_path))


def uri_of(folder: Path) -> str:
    return f"sqlite:///{folder}/mlruns/mlflow.db"


def tables_of(sweep: Sweep) -> Path:
    file = sqlite_file(sweep.uri)
    assert file is not None
    return file.parent / "artifacts" / sweep.name / sweep.run_id / "artifacts" / "tables"


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["show", "recorded"],
        ["compare", "recorded", "0", "4"],
        ["report", "recorded"],
        ["replay", "recorded", "4"],
    ],
)
def test_a_moved_store_is_read_by_every_command(
    moved: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main([*arguments, "--tracking-uri", uri_of(moved)]) in (0, int(arguments[0] == "replay"))
    out, err = capsys.readouterr()
    assert out
    assert err == ""
    assert not Path("/recorded").exists()


def test_a_copy_shows_its_own_files_while_the_original_is_there(
    finished: Sweep, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = sqlite_file(finished.uri)
    assert file is not None
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(file.parent, copy / "mlruns")
    original = tables_of(finished) / "trials.parquet"
    before = original.read_bytes()
    program = (
        "import sweeps, sys; sweep = sweeps.load('small', sys.argv[1]); sweep.attach('report', {'index.html': b'x'})"
    )
    subprocess.run([sys.executable, "-c", program, uri_of(copy)], check=True, timeout=120)
    assert (copy / "mlruns/artifacts/small" / finished.run_id / "artifacts/report/index.html").read_bytes() == b"x"
    assert not (original.parents[1] / "report").exists()
    assert original.read_bytes() == before


def test_relocate_records_where_a_moved_store_is_and_keeps_a_backup(
    moved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for said in ("places rewritten", "nothing was changed"):
        assert main(["relocate", "--tracking-uri", uri_of(moved)]) == 0
        assert said in "".join(capsys.readouterr())
    assert len(list((moved / "mlruns").glob("mlflow.db.before-*"))) == 1
    run = mlflow.MlflowClient(uri_of(moved)).get_run(sweeps.load("recorded", uri_of(moved)).run_id)
    assert Path(run.info.artifact_uri.removeprefix("file://"), "tables", "trials.parquet").is_file()
    version = mlflow.MlflowClient(uri_of(moved)).get_model_version_by_alias("recorded", "champion")
    assert str(version.version) == "1"
    program = "import mlflow, sys; mlflow.set_tracking_uri(sys.argv[1]); mlflow.pyfunc.load_model(sys.argv[2])"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, uri_of(moved), MODEL], check=True, timeout=240)


def test_a_copy_that_is_extended_writes_nothing_to_where_it_came_from_and_serves_its_own_champion(
    finished: Sweep, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = sqlite_file(finished.uri)
    assert file is not None
    copy = tmp_path_factory.mktemp("copy") / "mlruns"
    shutil.copytree(file.parent, copy)
    before = {path: path.stat().st_mtime_ns for path in file.parent.rglob("*") if path.is_file()}
    extended = swept(small_spec(trials=24), f"sqlite:///{copy}/mlflow.db")
    assert len(extended.trials) == 24
    assert {path: path.stat().st_mtime_ns for path in file.parent.rglob("*") if path.is_file()} == before
    shutil.rmtree(file.parent / "artifacts")
    assert relocate(copy / "mlflow.db")[1] is not None
    client = mlflow.MlflowClient(extended.uri)
    version = client.get_model_version_by_alias("small", "champion")
    assert version.tags["champion"] == f"trial {extended.best(1)['trial'].iloc[0]}, replicate 0"
    assert len(client.search_model_versions("name = 'small'")) == 2  # another training is the best
    program = (
        "import mlflow, sys; mlflow.set_tracking_uri(sys.argv[1]); model = mlflow.pyfunc.load_model(sys.argv[2]); "
        "print(model.metadata.metadata['trial'], model.predict(model.input_example).shape)"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, extended.uri, "models:/small@champion"]
    served = subprocess.run(command, check=True, timeout=240, capture_output=True, text=True).stdout
    assert served.strip() == f"{extended.best(1)['trial'].iloc[0]} (3, 10)"


def test_a_place_that_is_recorded_with_dots_does_not_leave_the_stores_folder(tmp_path: Path) -> None:
    database = tmp_path / "mlruns" / "mlflow.db"
    for recorded in ("file:///x/../../..", "file:///x/a/../../b", "mlflow-artifacts:/../../.."):
        here = run_folder(recorded, database)
        assert here is not None
        assert here.resolve().is_relative_to(tmp_path / "mlruns" / "artifacts")


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1", "sqlite:////nowhere/mlflow.db"])
def test_relocate_refuses_what_it_cannot_move(uri: str) -> None:
    assert main(["relocate", "--tracking-uri", uri]) == 2


def gone(file: Path) -> None:
    file.unlink()


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 0x20
    file.write_bytes(content)


def without_a_row(file: Path) -> None:
    pd.read_parquet(file).iloc[1:].to_parquet(file, index=False)


def test_a_damaged_table_is_made_anew_to_the_same_bits(finished: Sweep) -> None:
    """One damage after the other: each finds the table that the one before had made anew."""
    damages = [(name, damage) for name in ("trials", "epochs") for damage in (gone, emptied, cut, flipped)]
    for name, damage in [*damages, ("trials", without_a_row)]:
        file = tables_of(finished) / f"{name}.parquet"
        whole, content = pd.read_parquet(file), file.read_bytes()
        damage(file)
        assert file.is_file() is (damage is not gone), (name, damage)
        assert damage is gone or file.read_bytes() != content, (name, damage)
        healed = getattr(sweeps.load(finished.name, finished.uri), name)
        pd.testing.assert_frame_equal(healed, whole, check_exact=True, obj=f"{name}, {damage.__name__}")
        assert file.read_bytes() == content, (name, damage)
        assert sweeps.load(finished.name, finished.uri).trials.equals(finished.trials), (name, damage)


def test_healing_is_one_sentence_on_standard_error(finished: Sweep) -> None:
    gone(tables_of(finished) / "trials.parquet")
    gone(tables_of(finished).parent / "epochs" / "part-00000.parquet")
    command = [sys.executable, "-m", "sweeps", "show", finished.name, "--tracking-uri", finished.uri]
    shown = [subprocess.run(command, capture_output=True, text=True, timeout=120, check=True) for _ in range(2)]
    assert shown[0].stdout == shown[1].stdout
    assert shown[0].stderr == (
        "sweeps: small: its tables were missing or damaged, and are made anew from MLflow's numbers\n"
    )
    assert shown[1].stderr == ""


def test_a_report_that_was_never_written_is_written_by_the_next_run(uri: str, tmp_path: Path) -> None:
    spec = write_spec(
        tmp_path / "spec.toml",
        {
            "name": "small",
            "trials": 2,
            "search": {"eta": 0.5, "lambda": 0.1, "batch_size": 20},
            "plan": {"dataset": "digits", "validation": 300, "hidden": [8], "epochs": 2},
        },
    )
    command = ["run", str(spec), "--tracking-uri", uri, "--quiet"]
    assert main(command) == 0
    sweep = sweeps.load("small", uri)
    page = tables_of(sweep).parent / "report" / "index.html"
    page.unlink()
    assert main(command) == 0
    assert page.is_file()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "folder" / "table"
    write_whole(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sweeps.tracking.artifact_files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert files_in(path.parent) == [path]
    assert len(list(path.parent.iterdir())) == 1
