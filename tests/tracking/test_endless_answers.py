"""A server whose answer has no end, page after page, is one sentence."""

from typing import Any

import pytest
from mlflow.store.entities import PagedList

from sweeps.errors import TrackingError
from sweeps.tracking.store import Store


@pytest.mark.parametrize("cycle", [1, 3])
@pytest.mark.parametrize("what", ["search_experiments", "search_runs"])
def test_a_page_that_comes_again_ends_the_reading(
    what: str, cycle: int, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, asked = Store(uri), list[Any]()

    def answer(*_: object, page_token: str | None = None, **__: object) -> PagedList[object]:
        asked.append(page_token)
        assert len(asked) < 10
        return PagedList([], f"page {len(asked) % cycle}")

    monkeypatch.setattr(store.client, what, answer)
    with pytest.raises(TrackingError, match="the same page of its answer again and again"):
        store.experiments() if what == "search_experiments" else list(store.runs("0", ""))
