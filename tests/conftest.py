"""Stores to put small sweeps in, a browser, and how property tests draw their examples."""

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright
from support.once import shared_folder
from support.postgres import Postgres
from support.small_sweeps import PAIRS, small_spec, swept, write_spec

import sweeps
from sweeps.results.sweep import Sweep
from sweeps.tracking.store import Store

# A busy neighbour must not fail a test: no deadline. `make soak` asks for the other profile; what it finds becomes
# an @example.
settings.register_profile("same examples", deadline=None, derandomize=True, database=None)
settings.register_profile("new examples", deadline=None, database=None)
settings.load_profile("same examples")

gc.set_threshold(100_000, 50, 100)  # else a quarter of the time goes into looking over what stays, again and again

LONGEST = ("test_fault_campaign.py", "test_labelled.py")

CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
CHROMIUM_FLAGS += ["--disable-background-networking", "--disable-component-update"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first: begun last, it would keep one process busy while the others have nothing."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_collection_finish() -> None:
    """What was imported stays, and need not be looked over for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the tests comes into the user's folders. All processes of a run share one cache, as drivers do."""
    with pytest.MonkeyPatch.context() as patch:
        if "SWEEPS_CACHE" not in os.environ:
            patch.setenv("SWEEPS_CACHE", str(shared_folder(tmp_path_factory) / "cache"))
        patch.setenv("SWEEPS_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def new_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], str]:
    """Puts an empty SQLite store into a folder and returns its URI: a copy, for making the tables takes seconds."""
    original = tmp_path_factory.mktemp("store") / "mlflow.db"
    Store(f"sqlite:///{original}")

    def copy(folder: Path) -> str:
        return f"sqlite:///{shutil.copy(original, folder / 'mlflow.db')}"

    return copy


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL, started where a test asks for it."""
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def uri(new_store: Callable[[Path], str], tmp_path: Path) -> str:
    """An empty SQLite store of the test's own."""
    return new_store(tmp_path)


@pytest.fixture(scope="session")
def digits_store(new_store: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of the store that holds the shared sweep."""
    return new_store(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="session")
def digits_sweep(digits_store: str) -> Sweep:
    """A finished sweep with complete, pruned and diverged trials, named shared. Not to be changed."""
    return swept(small_spec(name="shared", trials=16, stopping__pruner="median", plan__epochs=4), digits_store)


@pytest.fixture(scope="session")
def pairs_sweep(new_store: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """A grid of six trainings, some of which collapse or diverge, named pairs. Not to be changed."""
    folder = tmp_path_factory.mktemp("pairs")
    spec = write_spec(folder / "pairs.toml", PAIRS)
    return sweeps.run(spec, jobs=1, tracking_uri=new_store(folder))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium that asks nobody on the network for anything of its own."""
    path = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
    assert path, "the tests of pages need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield opened
        opened.close()
