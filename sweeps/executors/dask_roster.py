"""Which workers of a Dask cluster are fit for a driver's trainings, and what is said of the others."""

from collections.abc import Callable, Mapping
from typing import Any

from distributed import Client

from model import Dataset
from sweeps.executors.dask_worker import Settled, Terms, keep, settle
from sweeps.executors.fitness import PACKAGE, facts


class Roster:
    """The workers that a scheduler has, as long as a client is connected to it.

    fit: addresses of those that are ready for trainings. refused: of those that are not taken, with why in words.
    """

    def __init__(self, client: Client, terms: Terms, data: Mapping[str, Dataset], tell: Callable[[str], None]) -> None:
        self._client, self._terms, self._data, self._tell = client, terms, data, tell
        self._scheduler = client.scheduler_info(n_workers=0)["id"]
        self.fit: frozenset[str] = frozenset()
        self.refused: dict[str, str] = {}

    def look(self) -> bool:
        """Meets the workers that have joined; says whether one of them was taken. Raises OSError where it has gone."""
        known = self._client.scheduler_info(n_workers=-1)
        if known.get("id") != self._scheduler:
            raise ConnectionError("another scheduler has taken its place")
        workers: dict[str, dict[str, Any]] = known["workers"]
        self.fit &= workers.keys()
        self.refused = {address: why for address, why in self.refused.items() if address in workers}
        newcomers = [
            address
            for address, worker in workers.items()
            if worker["status"] == "running" and address not in self.fit and address not in self.refused
        ]
        answers = self._ask(newcomers) if newcomers else {}
        taken = {one for one, answer in answers.items() if self._is_taken(one, workers[one], answer)}
        self.fit |= taken
        return bool(taken)

    def _is_taken(self, address: str, worker: Mapping[str, Any], answer: object) -> bool:
        named = f"worker {address}" if worker["name"] == address else f"worker {worker['name']} ({address})"
        if isinstance(answer, Settled) and answer.lacks:
            answer = self._supplied(address)
        if isinstance(answer, OSError):
            return False  # it has gone meanwhile, or will be asked again
        if not isinstance(answer, Settled):
            here = facts()[PACKAGE]
            why = f"it cannot load {PACKAGE} ({answer}); pip install '{PACKAGE}[cluster]=={here}' there"
        elif not answer.is_fit:
            why = answer.why or f"it does not keep {answer.lacks[0]}"
        else:
            if worker["nthreads"] > 1:
                self._tell(
                    f"{named} has {worker['nthreads']} threads, and runs one training at a time; "
                    f"`dask worker --nthreads 1 --nworkers {worker['nthreads']}` has it run as many"
                )
            return True
        self.refused[address] = f"{named} is not taken: {why}"
        self._tell(self.refused[address])
        return False

    def _supplied(self, address: str) -> object:
        """What a worker answers once its machine has been sent the data that it lacks."""
        answer = self._ask([address]).get(address)  # a worker beside it may have been sent them
        for _ in self._data:
            if not isinstance(answer, Settled) or not answer.lacks:
                break
            name = answer.lacks[0]
            self._tell(f"{name} is sent to the machine of worker {address}, which does not have it")
            answer = self._client.run(keep, self._data[name], workers=[address], on_error="return").get(address)
            if isinstance(answer, Settled) and answer.is_fit:
                answer = self._ask([address]).get(address)
        return answer

    def _ask(self, addresses: list[str]) -> dict[str, object]:
        """What workers answer: Settled, or an exception."""
        found: dict[str, object] = self._client.run(settle, self._terms, workers=addresses, on_error="return")
        return found
