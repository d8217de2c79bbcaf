"""What can go wrong, by what the person has to do about it. The command line prints messages as is."""


class InputError(ValueError):
    """A mistake in what was given; nothing was changed. Exit code 2."""


class SpecError(InputError):
    """Everything wrong with a spec: problems holds a line for each mistake, with its key, value and remedy."""

    def __init__(self, source: str, problems: list[str]) -> None:
        super().__init__("\n".join([f"{source}:", *(f"  {problem}" for problem in problems)]))
        self.problems = problems


class UnknownSweepError(InputError):
    """There is no sweep of that name, or no trial of that number; the message lists what there is."""


class WhereError(InputError):
    """A condition that cannot be understood; the message shows where, and what can be."""


class TrackingError(RuntimeError):
    """The tracking store cannot do what was asked. Exit code 1."""


class OddSweepError(TrackingError):
    """What is recorded of a sweep makes no sense: somebody changed it by hand. Exit code 1."""


class StoreAwayError(TrackingError):
    """The store did not answer, or not as it should; it may the next time. Exit code 1. why: in a few words."""

    def __init__(self, message: str, why: str | None = None) -> None:
        super().__init__(message)
        self.why = message if why is None else why


class VanishedError(TrackingError):
    """The store, or the sweep in it, was deleted while it was written. Exit code 1."""


class OutboxError(InputError):
    """Results cannot be kept on the disk, or what is kept there is damaged. Exit code 2."""


class BusyError(RuntimeError):
    """Another process is running the same sweep. Exit code 1."""


class Interrupted(Exception):  # noqa: N818 - not an error: what was finished is recorded
    """A sweep was stopped from outside. Exit code 130.

    unrecorded: results that the store did not take; kept: where they are. finished: all of it stands in the store.
    """

    def __init__(self, unrecorded: int = 0, finished: bool = False, kept: str = "") -> None:
        super().__init__("interrupted")
        self.unrecorded, self.finished, self.kept = unrecorded, finished, kept


class UserNetworkError(InputError):
    """Somebody's own network raised, or lacks something; the message names their file and line, or what is missing."""


GuestError = UserNetworkError  # its name until 0.1; for one release


class AddressError(InputError, TrackingError):
    """A tracking URI behind which there can be no store, or is none: a mistake in what was given. Exit code 2."""


class RefusedError(StoreAwayError, AddressError):
    """A sound tracking URI, but nothing listens there: a mistake, or a store that is away. Exit code 2."""


OUT_OF_MEMORY = (MemoryError, ImportError)  # short of memory, a library that is imported late fails to load
