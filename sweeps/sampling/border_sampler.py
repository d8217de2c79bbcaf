"""Proposals where the border between stable and unstable settings is least certain."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sweeps.sampling.fixed_sequence import sobol
from sweeps.sampling.outcomes import Outcome
from sweeps.specification.domains import Settings
from sweeps.specification.spec import SweepSpec

if TYPE_CHECKING:  # SciPy's optimiser takes long to import, and few sweeps need it
    from sweeps.sampling.border_model import Kernel

_CANDIDATES = 256  # of which the border sampler takes one; other ones for each trial
_FIRST_FIT = 8  # trials told before the border's kernel is fitted, and the share of them after which it is fitted anew


class BorderSampler:
    """Proposals where the border between stable and unstable settings is least certain; until it has two sides, Sobol.

    Trials without a verdict, running ones among them, count as if they were to end as expected: so the trials of one
    moment spread out, and a setting that always fails is not asked for again and again.
    """

    def __init__(self, spec: SweepSpec) -> None:
        from sweeps.sampling.border_model import Space

        self._spec, self._space = spec, Space(spec.varied)
        self._first = sobol(spec, spec.trials)
        self._settings: list[Settings] = []
        self._stable: list[bool | None] = []
        self._kernels: dict[int, Kernel] = {}  # by the number of trials told that it was fitted to

    def propose(self) -> Settings:
        number = len(self._settings)
        if {True, False} <= set(self._stable):
            proposed = self._most_telling(sobol(self._spec, _CANDIDATES, number))
        else:
            proposed = self._first[number]
        self._settings.append(self._spec.fixed | proposed)
        return self._settings[-1]

    def adopt(self, settings: Settings) -> None:
        self._settings.append(settings)

    def tell(self, outcome: Outcome) -> None:
        self._stable.append(outcome.stable)

    def _most_telling(self, candidates: list[Settings]) -> Settings:
        from sweeps.sampling.border_model import border_with

        with threadpool_limits(limits=1, user_api="blas"):  # more threads would sum in another order
            border = border_with(self._kernel(), self._space, *self._known(len(self._stable)))
            padded = [*self._stable, *[None] * (len(self._settings) - len(self._stable))]
            silent = [one for one, stable in zip(self._settings, padded, strict=True) if stable is None]
            border = border.assuming(self._space.points(silent))
            return candidates[border.most_telling(self._space.points(candidates))]

    def _kernel(self) -> "Kernel":
        """Fitted to the trials told up to the last milestone, from where the fit at the one before it ended.

        Fitting takes longer than proposing, and its result changes little. Milestones are numbers of trials, so a
        resumed sweep passes the same ones.
        """
        from sweeps.sampling.border_model import Kernel, fitted_kernel

        kernel, milestone = Kernel.prior(self._space.fields), _FIRST_FIT
        while milestone <= len(self._stable):
            if milestone not in self._kernels:
                self._kernels[milestone] = fitted_kernel(self._space, *self._known(milestone), kernel)
            kernel = self._kernels[milestone]
            milestone += max(1, milestone // _FIRST_FIT)
        return kernel

    def _known(self, count: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Points and whether they are stable, of the first `count` trials told, where that is known."""
        told = zip(self._settings, self._stable[:count], strict=False)
        known = [(settings, stable) for settings, stable in told if stable is not None]
        return self._space.points([one for one, _ in known]), np.array([stable for _, stable in known], dtype=np.bool_)
