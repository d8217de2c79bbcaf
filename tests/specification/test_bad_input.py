"""A mistake in what is given ends with exit code 2 and a message: no traceback, and nothing half done."""

import io
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from support.spec_strategies import Table, broken_tables, junk_tables, to_toml

from sweeps.cli.main import main
from sweeps.errors import SpecError
from sweeps.specification.reading import parse_spec

SMALL: Table = {"name": "small", "trials": 1, "search": {"eta": 1, "lambda": 0, "batch_size": 2}}
ARRAYS = {
    "x_train": np.arange(30, dtype=np.uint8).reshape(5, 2, 3),
    "y_train": np.array([0, 1, 2, 0, 1], np.uint8),
    "x_test": np.arange(12, dtype=np.uint8).reshape(2, 2, 3),
    "y_test": np.array([2, 0], np.uint8),
}


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """`sweeps run` takes over SIGTERM, for its process is its own."""
    import signal

    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def refused(spec: Path) -> str:
    """What `sweeps run` says of a wrong spec, after checking all that must hold of every refusal."""
    said = []
    with TemporaryDirectory() as elsewhere:
        for command in ("run", "check"):
            out, err = io.StringIO(), io.StringIO()
            with redirect_stdout(out), redirect_stderr(err):
                code = main([command, str(spec), "--tracking-uri", f"sqlite:///{elsewhere}/mlflow.db"])
            assert code == 2
            assert out.getvalue() == ""
            assert list(Path(elsewhere).iterdir()) == []
            said.append(err.getvalue())
    assert said[0] == said[1]
    assert said[0].startswith(f"sweeps: {spec}:\n  ")
    assert "Traceback" not in said[0]
    return said[0]


def check(table: Table) -> None:
    """Either the spec is valid, or it is refused in good order."""
    text = to_toml(table)
    problems = problems_of(text)
    event("refused" if problems else "valid")
    for problem in problems:
        key, colon, message = problem.partition(": ")
        assert key
        assert colon
        assert message
        assert "\n" not in problem
    if problems:
        with TemporaryDirectory() as folder:
            path = Path(folder, "spec.toml")
            path.write_text(text, encoding="utf-8", newline="\n")
            said = refused(path)
        assert said == "\n  ".join([f"sweeps: {path}:", *problems]) + "\n"


def problems_of(text: str) -> list[str]:
    """What is wrong with a spec; nothing if it is valid."""
    try:
        parse_spec(tomllib.loads(text))
    except SpecError as error:
        return error.problems or ["refused without a reason"]
    return []


@settings(deadline=None, max_examples=70, suppress_health_check=[HealthCheck.too_slow])
@given(table=broken_tables())
def test_a_broken_spec_is_refused_and_nothing_is_begun(table: Table) -> None:
    check(table)


@settings(deadline=None, max_examples=70, suppress_health_check=[HealthCheck.too_slow])
@given(table=junk_tables)
def test_junk_is_refused_and_nothing_is_begun(table: Table) -> None:
    check(table)


@settings(deadline=None, max_examples=60)
@given(content=st.binary(max_size=40) | st.text("[]{}=.\"'#\n\\ab1-:,", max_size=40).map(str.encode))
def test_any_bytes_in_a_spec_are_refused(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "spec.toml")
        path.write_bytes(content)
        assert refused(path)


def dataset_spec(folder: Path, dataset: str) -> Path:
    path = folder / "spec.toml"
    path.write_text(to_toml(SMALL | {"plan": {"dataset": dataset, "validation": 1}}), encoding="utf-8")
    return path


DAMAGES: dict[str, Callable[[Path], object]] = {
    "is no file": lambda file: file.unlink(),
    "is a folder": lambda file: (file.unlink(), file.mkdir()),
    "is empty": lambda file: file.write_bytes(b""),
    "is text": lambda file: file.write_text("x_train"),
    "is truncated": lambda file: file.write_bytes(file.read_bytes()[:-200]),
    "lacks an array": lambda file: np.savez(file, x_train=ARRAYS["x_train"]),
    "has an object array": lambda file: np.savez(file, **ARRAYS | {"y_test": np.array([{}, 1], object)}),
    "has a NaN": lambda file: np.savez(file, **ARRAYS | {n: np.full((5, 2), np.nan) for n in ("x_train", "x_test")}),
    "has a negative label": lambda file: np.savez(file, **ARRAYS | {"y_test": np.array([-1, 0])}),
    "has a label too few": lambda file: np.savez(file, **ARRAYS | {"y_test": np.array([0])}),
}


@pytest.fixture
def npz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEEPS_CACHE", str(tmp_path / "cache"))
    np.savez(tmp_path / "data.npz", **ARRAYS)
    return tmp_path / "data.npz"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_broken_npz_file_is_named(damage: str, npz: Path) -> None:
    spec = dataset_spec(npz.parent, f"npz:{npz}")
    assert parse_spec(tomllib.loads(spec.read_text())).plan.dataset == f"npz:{npz}"
    DAMAGES[damage](npz)
    assert f"plan.dataset: {npz}" in refused(spec)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_npz_file_with_a_wrong_byte_is_read_or_named(data: st.DataObject, npz: Path) -> None:
    np.savez(npz, **ARRAYS)
    content = bytearray(npz.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    npz.write_bytes(content[: data.draw(st.sampled_from([None, at]))])
    spec = dataset_spec(npz.parent, f"npz:{npz}")
    if problems_of(spec.read_text()):
        assert f"plan.dataset: {npz}" in refused(spec)


def idx(values: np.ndarray) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape) + values.tobytes()


@pytest.mark.parametrize("damaged", ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "swapped"])
def test_a_broken_idx_file_is_named(damaged: str, damage: str, npz: Path) -> None:
    folder = npz.parent / "idx"
    folder.mkdir()
    for role, values in ARRAYS.items():
        part, kind = role.replace("test", "t10k").split("_")[::-1]
        name = f"{part}-{'images-idx3' if kind == 'x' else 'labels-idx1'}-ubyte"
        (folder / name).write_bytes(idx(values))
    spec = dataset_spec(npz.parent, f"idx:{folder}")
    assert parse_spec(tomllib.loads(spec.read_text())).plan.dataset == f"idx:{folder}"
    file = folder / f"{damaged}-ubyte"
    match damage:
        case "missing":
            file.unlink()
        case "truncated":
            file.write_bytes(file.read_bytes()[:-1])
        case _:
            file.write_bytes(idx(ARRAYS["y_train" if "images" in damaged else "x_train"]))
    said = refused(spec)
    assert f"plan.dataset: {folder}" in said
    assert file.name in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (["fly"], "'fly'"),
        (["run", "--jobs", "0"], "--jobs: must be a whole number of at least 1, got '0'"),
        (["run", "--jobs", "two"], "--jobs: must be a whole number of at least 1, got 'two'"),
        (["run", "--trials", "2.5"], "'2.5'"),
        (["run", "--trials", "9" * 5000], "--trials"),
        (["run", "--jobs", "9" * 5000], "--jobs"),
        (["run", "a.toml", "b.toml"], "b.toml"),
        (["show"], "name"),
        (["show", "some", "--top", "-3"], "--top"),
        (["compare", "some"], "TRIAL"),
        (["compare", "some", "first"], "'first'"),
        (["export", "some", "folder", "--format", "xls"], "'xls'"),
        (["check"], "spec"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--name", "a/b", "name: 'a/b'"), ("--trials", "0", "trials: must be"), ("--seed", "-1", "seed: must be")],
)
def test_a_wrong_option_is_reported_as_the_key_that_it_replaces(
    option: str, value: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", option, value, "--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db"]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_bad_spec_is_answered_before_mlflow_and_optuna_are_imported(command: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(to_toml(SMALL | {"trials": 0}))
    program = (
        "import sys; from sweeps.cli.main import main; code = main(sys.argv[1:]); print(*sys.modules); sys.exit(code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, command, path, "--tracking-uri", f"sqlite:///{tmp_path}/mlflow.db"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (
        2, f"sweeps: {path}:\n  trials: must be a whole number from 1 to 1000000, got 0\n",
    )  # fmt: skip
    assert "sweeps.specification.reading" in ended.stdout.split()
    assert not {"mlflow", "optuna"} & set(ended.stdout.split())
    assert list(tmp_path.iterdir()) == [path]


def deep(parts: int, between: str = ".") -> str:
    return between.join(["a"] * parts)


@pytest.mark.parametrize(
    "text",
    [deep(50_000) + " = 1", f"[{deep(50_000)}]", deep(50_000, " . ") + "=1", deep(50_000, '."b".') + " = 1"],
)
@pytest.mark.timeout(60)
def test_a_key_of_thousands_of_parts_is_refused_at_once(text: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(text)
    assert "holds a key of more than 32 parts" in refused(spec)


@pytest.mark.parametrize("section", ["plan = { hidden = {} }", "search = {{ hidden = {{ choices = [{}] }} }}"])
@pytest.mark.timeout(60)
def test_a_network_of_thousands_of_layers_is_refused_at_once(section: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    layers = str([1] * 100_000)
    spec.write_text(section.replace("{}", layers).replace("{{", "{").replace("}}", "}"))
    assert "must name 100 layers at the most, got 100000" in refused(spec)
