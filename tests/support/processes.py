"""The processes below another, as Linux lists them."""

from pathlib import Path


def children(pid: int) -> list[int]:
    """Of all its threads; none where it has gone."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def descendants(pid: int) -> list[int]:
    """Children, their children, and so on, the nearest first."""
    below, found = children(pid), list[int]()
    while below:
        found += below
        below = [child for one in below for child in children(one)]
    return found


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    return state_of(pid) not in ("", "Z")


def state_of(pid: int) -> str:
    """A letter: R, S, D, Z or T (suspended); empty where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
