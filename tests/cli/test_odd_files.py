"""Files that are endless, huge or none, and text that would steer a terminal: one answer, soon, in little memory."""

import gzip
import itertools
import json
import os
import socket
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sweeps.cli.main import main
from sweeps.formatting import printable
from sweeps.tracking.outbox_places import outbox_path

WHAT = [
    "a pipe",
    "a socket",
    "a folder",
    "/dev/zero",
    "/dev/null",
    "/dev/full",
    "/dev/tty",
    "nothing",
    "too long",
    "a loop",
]


def made(what: str, folder: Path, suffix: str) -> str:
    """The path of something that is no ordinary file."""
    path = folder / f"odd{suffix}"
    match what:
        case "a pipe":
            os.mkfifo(path)
        case "a socket":
            with socket.socket(socket.AF_UNIX) as bound:
                bound.bind(str(path))
        case "a folder":
            path.mkdir()
        case "a loop":
            path.symlink_to(path)
        case "too long":
            return "a" * 5000 + suffix
        case "nothing":
            pass
        case _:
            path.symlink_to(what)
    return str(path)


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("command", ["check", "run", "diagnose", "beside", "npz", "idx"])
@pytest.mark.timeout(10)
def test_what_is_no_file_is_bad_input(
    what: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suffix = {"check": ".toml", "run": ".toml", "npz": ".npz", "idx": ""}.get(command, ".csv")
    path = made(what, tmp_path, suffix)
    if command in ("npz", "idx"):
        spec = tmp_path / "spec.toml"
        spec.write_text(
            'name = "odd"\nsearch = { eta = 1, lambda = 0, batch_size = 2 }\n'
            f'plan = {{ dataset = "{command}:{path}", validation = 1 }}\n'
        )
        assert main(["check", str(spec)]) == 2
    else:
        out = ["--out", str(tmp_path / "out.html")] if command == "beside" else []
        assert main([command, path, *out]) == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert err.count("\n") <= 2


def limited(program: str, *arguments: object, gigabytes: int = 3) -> "subprocess.CompletedProcess[str]":
    """Runs a program with little memory."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({gigabytes} << 30, {gigabytes} << 30));"
    command = [sys.executable, "-c", limit + program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


MAIN = "import sys; from sweeps.cli.main import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.parametrize("line", ["x,y", "1,2,3", ",", "1,-1", "nan,1", "1e999,2", '"', "\x00,\x1b[2J", "1,1e308"])
def test_a_hundred_thousand_bad_lines_are_a_short_answer(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.csv"
    path.write_text("epoch,cost\n" + f"{line}\n" * 100_000)
    assert main(["diagnose", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") <= 25
    assert len(err) < 10_000
    assert "\x1b" not in err


@pytest.mark.parametrize("claimed", [1 << 33, 1 << 40, 1 << 50])
def test_an_npz_that_claims_more_than_there_is_is_refused(claimed: int, tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{name}.npy", b"\x93NUMPY")
    data = path.read_bytes()
    small = (6).to_bytes(4, "little")
    assert data.count(small * 2) >= 4
    path.write_bytes(data.replace(small * 2, small + min(claimed, 0xFFFFFFF0).to_bytes(4, "little")))
    program = (
        "import sys; from model import load, DatasetError\ntry: load(sys.argv[1])\nexcept DatasetError as e: print(e)"
    )
    ended = limited(f"exec({program!r})", f"npz:{path}")
    assert ended.returncode == 0, ended.stderr
    assert str(path) in ended.stdout


def test_a_packed_bomb_is_a_sentence_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                for _ in range(1500 if name == "x_train" else 1):
                    member.write(bytes(1 << 20))
    program = (
        "import sys; from model import load, DatasetError\ntry: load(sys.argv[1])\nexcept DatasetError as e: print(e)"
    )
    ended = limited(f"exec({program!r})", f"npz:{path}", gigabytes=1)
    assert ended.returncode == 0, ended.stderr
    assert str(path) in ended.stdout


@pytest.mark.parametrize("declared", [(3, 2, 2), (60_000, 28, 28), (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF)])
def test_a_gz_that_unpacks_without_end_is_a_sentence_in_little_memory(
    declared: tuple[int, int, int], tmp_path: Path
) -> None:
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        dims = 3 if "images" in name else 1
        header = struct.pack(f">I{dims}I", 0x0800 | dims, *declared[:dims])
        packed = gzip.compress(header) + gzip.compress(bytes(1 << 26), 1) * 64  # 4 GB
        (tmp_path / f"{name}-ubyte.gz").write_bytes(packed)
    program = (
        "import sys; from model import load, DatasetError\ntry: load(sys.argv[1])\nexcept DatasetError as e: print(e)"
    )
    ended = limited(f"exec({program!r})", f"idx:{tmp_path}")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("\n") == 1
    assert str(tmp_path) in ended.stdout


def test_pipes_among_a_data_sets_files_are_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        os.mkfifo(tmp_path / f"{name}-ubyte.gz")
    spec = tmp_path / "spec.toml"
    spec.write_text(
        'name = "odd"\nsearch = { eta = 1, lambda = 0, batch_size = 2 }\n'
        f'plan = {{ dataset = "idx:{tmp_path}", validation = 1 }}\n'
    )
    assert main(["check", str(spec)]) == 2
    assert "has no train-images-idx3-ubyte" in capsys.readouterr().err


def test_enormous_numbers_in_a_spec_are_answered(tmp_path: Path) -> None:
    values = [1e308, -1e308, 1e-308, 10**400, -(10**400), 2**63, 2**64, -0.0]
    specs = []
    for number, (key, value) in enumerate(itertools.product(["eta", "lambda", "batch_size"], values)):
        table = {"eta": "1", "lambda": "0", "batch_size": "2"} | {key: repr(value)}
        specs.append(tmp_path / f"{number}.toml")
        search = ", ".join(f"{name} = {text}" for name, text in table.items())
        specs[-1].write_text(
            f'name = "odd"\nsearch = {{ {search} }}\nplan = {{ dataset = "digits", validation = 9 }}\n'
        )
    program = "import sys; from sweeps.cli.main import main; print([main(['check', x]) for x in sys.argv[1:]])"
    ended = limited(program, *specs)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    codes = json.loads(ended.stdout.splitlines()[-1])
    assert len(codes) == len(specs)
    assert set(codes) == {0, 2}


@pytest.mark.parametrize("target", ["/dev/null", "/dev/null/x", "/etc/passwd", "/proc/nowhere", "a" * 300])
def test_an_export_into_what_is_no_folder_is_bad_input(
    target: str, digits_store: str, digits_sweep: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "shared", target, "--tracking-uri", digits_store]) == 2
    err = capsys.readouterr().err
    assert "give another folder" in err
    assert err.count("\n") == 1


NO_TARGET = [what for what in WHAT if what not in ("nothing", "too long", "/dev/null", "/dev/tty")]


@pytest.mark.parametrize("what", NO_TARGET)
@pytest.mark.parametrize("command", ["export", "export of epochs", "beside", "picture", "diagnose", "adapt"])
@pytest.mark.timeout(120)
def test_what_is_no_file_is_not_written_into(
    what: str,
    command: str,
    digits_store: str,
    digits_sweep: object,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    suffix = {"picture": ".png", "adapt": ".py"}.get(command, ".html")
    path = Path(made(what, tmp_path, suffix))
    beside = ["beside", "shared:1", "shared:2", "--out", str(path.with_suffix(".html"))]
    given = {
        "export": ["export", "shared", str(tmp_path), "--format", "csv"],
        "export of epochs": ["export", "shared", str(tmp_path), "--format", "parquet"],
        "beside": beside,
        "picture": beside,
        "diagnose": ["diagnose", "mynet.py:Network", "--prove", "--save", str(path)],
        "adapt": ["adapt", "mynet.py:Network", "--out", str(path)],
    }[command]
    if command.startswith("export"):
        name = "trials.csv" if command == "export" else "epochs.parquet"
        path = path.rename(tmp_path / name) if what != "a loop" else path
    if (command, what) == ("adapt", "a loop"):
        return  # exists() of a loop is no
    code = main([*given, "--tracking-uri", digits_store])
    err = capsys.readouterr().err
    if what == "a loop" and command.startswith("export"):
        return
    assert code == 2
    assert err.count("\n") == 1
    assert str(path) in err
    assert not (tmp_path / "odd.html").is_file()


@pytest.mark.parametrize("out", ["", ".", "/", "x.png", "X.PNG", "..", "/tmp"])
def test_beside_wants_the_name_of_a_page(
    out: str, digits_store: str, digits_sweep: object, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert main(["beside", "shared:1", "shared:2", f"--out={out}", "--tracking-uri", digits_store]) == 2
    err = capsys.readouterr().err
    assert "--out" in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", [*(what for what in WHAT if what not in ("nothing", "too long")), "a huge hole"])
@pytest.mark.timeout(120)
def test_what_is_no_outbox_is_named_and_hides_no_sweep(
    what: str, digits_store: str, digits_sweep: object, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = outbox_path(digits_store, "odd").parent
    folder.mkdir(parents=True, exist_ok=True)
    outbox = folder / "odd.outbox"
    try:
        if what == "a huge hole":
            outbox.touch()
            os.truncate(outbox, 1 << 43)
        else:
            made(what, folder, ".outbox")
        assert main(["list", "--tracking-uri", digits_store]) == 0
    finally:
        outbox.rmdir() if what == "a folder" else outbox.unlink()
    out, err = capsys.readouterr()
    assert "shared" in out
    assert f"{outbox}: cannot be read as an outbox" in err
    assert "move it away" in err


@pytest.mark.parametrize("costs", [[1e308] * 3, [1e308, 1.5e308, 1.7e308], [5e-324] * 3, [1, 1e308, 2]])
def test_costs_at_the_end_of_the_numbers_are_drawn(costs: list[float], tmp_path: Path) -> None:
    run, out = tmp_path / "run.csv", tmp_path / "out.html"
    run.write_text("epoch,cost\n" + "".join(f"{epoch},{cost!r}\n" for epoch, cost in enumerate(costs, 1)))
    assert main(["beside", str(run), "--out", str(out)]) == 0
    assert f"{costs[-1]:.4g}" in out.read_text()


def test_a_trial_that_ended_in_its_first_epoch_cannot_be_laid_beside(
    digits_sweep: object, digits_store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import pandas as pd

    from sweeps.results.sweep import Sweep

    assert isinstance(digits_sweep, Sweep)
    epochs = digits_sweep.epochs
    kept = pd.concat([epochs[epochs["trial"] != 0], epochs[(epochs["trial"] == 0) & (epochs["epoch"] == 0)]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sweep, "epochs", property(lambda sweep: kept))
        given = ["beside", "shared:1", "shared:0", "--out", str(tmp_path / "out.html"), "--tracking-uri", digits_store]
        assert main(given) == 2
    assert "shared:0: it ended in its first epoch" in capsys.readouterr().err


@pytest.mark.parametrize("control", [chr(code) for code in (*range(32), *range(127, 160), 0x202E, 0x2066, 0x200B)])
def test_no_control_character_reaches_the_terminal(control: str, capsys: pytest.CaptureFixture[str]) -> None:
    from sweeps.views.terminal_tables import format_cell

    if control not in "\n\t":
        assert control not in printable(f"a{control}b")
        assert control not in format_cell(f"a{control}b")
        main(["show", f"a{control}b", f"--tracking-uri=foo{control}://x"])
        assert control not in capsys.readouterr().err
