"""`sweeps diagnose` of a class and `sweeps.diagnose`: what is printed, how it ends, and that nothing stays behind."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

import sweeps
from sweeps.cli.main import main
from sweeps.errors import InputError, UserNetworkError

OWN = Path(__file__).parents[1] / "user_networks"


def written(folder: Path, lines: str) -> Path:
    """A file whose class Broken is sound but for these lines, which stand in its update_mini_batch."""
    path = folder / "mine.py"
    path.write_text(
        "import os, sys, time\n"
        f"sys.path.insert(0, {str(OWN)!r})\n"
        "from matrix_form import Sound\n\n\n"
        "class Broken(Sound):\n"
        "    def update_mini_batch(self, mini_batch, eta, lmbda, n):\n"
        f"        {lines}\n"
        "        super().update_mini_batch(mini_batch, eta, lmbda, n)\n",
        encoding="utf-8",
    )
    return path


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def test_json_is_all_of_stdout_though_the_class_prints(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", f"{OWN / 'sample_by_sample.py'}:Chatty", "--json", "--sizes", "3,4,3"]) == 0
    out, err = capfd.readouterr()
    findings = json.loads(out)
    assert all({"code", "severity", "message", "evidence"} <= set(finding) for finding in findings)
    assert findings[-1]["code"] == "clean"
    assert "executes" in err
    assert "Epoch 1 training" not in err  # once for each of thousands of steps


def test_findings_for_people_name_the_fault_and_the_line_to_write(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", f"{OWN / 'by_hand.py'}:BiasesFrozen"]) == 0
    out, _ = capfd.readouterr()
    assert "1 fault" in out
    assert "gradient.frozen" in out
    assert "nabla_b" in out  # the line that should stand there


def test_python_returns_findings_and_confirms_the_gradient_on_data() -> None:
    from user_networks.sample_by_sample import NoHiddenSlope

    rng = np.random.default_rng(0)
    data = [(rng.uniform(size=(6, 1)), np.eye(3)[:, [k % 3]]) for k in range(12)]
    findings = sweeps.diagnose(NoHiddenSlope, data, sizes=(6, 4, 3))
    assert findings[0].code == "gradient.hidden_derivative_missing"
    assert findings[0].severity == "fault"
    assert "6-4-3" in findings[0].evidence["sizes"]
    with pytest.raises(InputError, match="the data have 6 inputs and 3 outputs"):
        sweeps.diagnose(NoHiddenSlope, data, sizes=(5, 4, 3))


def test_what_their_code_raises_is_told_with_file_and_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "mini_batch[0].nonsense")
    assert main(["diagnose", f"{path}:Broken", "--json"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert f"{path}, line 8" in err
    assert "AttributeError" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("line", ["sys.exit(3)", "os._exit(3)"])
def test_their_code_may_end_its_process_not_ours(tmp_path: Path, capfd: pytest.CaptureFixture[str], line: str) -> None:
    path = written(tmp_path, line)
    assert main(["diagnose", f"{path}:Broken"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert "SystemExit: 3" in err or "ended the process that it ran in" in err


def test_an_exit_in_the_file_itself_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "script.py"
    path.write_text("import sys\nsys.exit('usage: script.py data')\n", encoding="utf-8")
    assert main(["diagnose", f"{path}:Network", "--json"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert f"{path}, line 2" in err


def test_a_hanging_class_is_ended_with_its_process(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    path = written(tmp_path, f"open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    began = time.monotonic()
    with pytest.raises(UserNetworkError, match="was not done after 25 s"):
        sweeps.diagnose(f"{path}:Broken", time_limit=25.0)
    assert time.monotonic() - began < 120
    pid = int(note.read_text(encoding="utf-8"))
    for _ in range(100):
        if not is_alive(pid):
            break
        time.sleep(0.1)
    assert not is_alive(pid)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nothing.py:Network", "there is no such file"),
        ("{own}/by_hand.py:Nobody", "has no class 'Nobody'; classes there: BiasesFrozen"),
        ("{own}/by_hand.py:TransposedStore", "are not those of layers, (n_out, n_in)"),
    ],
)
def test_what_cannot_be_diagnosed_is_told_and_ends_with_2(
    capfd: pytest.CaptureFixture[str], target: str, said: str
) -> None:
    assert main(["diagnose", target.format(own=OWN)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert said in err
