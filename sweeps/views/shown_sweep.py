"""A sweep that shows itself: in a notebook, and as figures."""

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

from model import metrics
from sweeps.analysis.next_spec import answers
from sweeps.errors import InputError
from sweeps.formatting import in_html, number
from sweeps.results import sweep as results
from sweeps.verdicts.marks import MARKS
from sweeps.verdicts.tally import tally
from sweeps.views.verdict_bar import verdict_bar

if TYPE_CHECKING:
    from sweeps.views.figures.shown_figure import ShownFigure

_ROWS = 5  # of the best trials


class Sweep(results.Sweep):
    """A sweep as it stood when it was loaded. Tables are read when they are asked for first; a notebook shows it."""

    def map(self) -> "ShownFigure":
        """The stability map over eta and lambda, with its border, as a Matplotlib figure.

        Raises InputError where the sweep did not search both, or no trial has ended.

            sweep.map().savefig("map.png")
        """
        from sweeps.views.figures.stability_map import draw
        from sweeps.views.report.publishing import mapped

        found = mapped(self)
        if found is None:
            raise InputError(f"{self.name} has no map: that takes a sweep that searches eta and lambda; see parallel()")
        return draw(found, self.name)

    def curves(self, trials: Sequence[int]) -> "ShownFigure":
        """Costs, accuracy and weight norm of these trials by epoch, in the same panels, as a Matplotlib figure.

        Raises InputError for a trial that is not there, or that ended in its first epoch.

            sweep.curves([0, 1]).savefig("curves.png")
        """
        from sweeps.views.figures.side_by_side import picture
        from sweeps.views.figures.side_by_side_curves import training_of

        if not len(trials):
            raise InputError("curves needs the numbers of trials, as in curves([3, 17])")
        found = [training_of(self, number) for number in trials]
        return picture(found, f"{self.name}: {', '.join(f'trial {number}' for number in trials)}")

    def parallel(self) -> "ShownFigure":
        """Parallel coordinates of all trainings, coloured by verdict, as a Matplotlib figure.

        Raises InputError where no trial has ended.

            sweep.parallel().savefig("parallel.png")
        """
        from sweeps.views.figures.parallel import draw

        ended = self.trials[self.trials["verdict"].isin(list(MARKS))]
        if ended.empty:
            raise InputError(f"{self.name} has no trial that has ended")
        return draw(self.spec, ended, self.name)

    def _repr_html_(self) -> str:
        """For notebooks: how many are stable, the bar of verdicts, what follows, the best trials, the map."""
        from sweeps.views.report.page_data import tables_of

        parts = [f"<b>{in_html(self.name)}</b>: {in_html(self.state)}, {tally(self.trials['verdict'])}"]
        if len(self.trials):
            parts += [
                verdict_bar(self.trials["verdict"]),
                *(f"<p>{in_html(said)}</p>" for said in answers(tables_of(self))),
                self._top(),
            ]
        try:
            picture = base64.b64encode(self.map().png()).decode()
            parts.append(f'<img alt="stability map" style="max-width: 100%" src="data:image/png;base64,{picture}">')
        except InputError:
            pass
        return f"<div>{''.join(parts)}</div>"

    def _top(self) -> str:
        best = self.best(_ROWS)
        shown = ["trial", *(metrics.final(goal.metric) for goal in self.spec.goals), "verdict", *self.spec.varied]
        head = "".join(f"<th>{in_html(name.removeprefix('final.'))}</th>" for name in shown)
        rows = [
            "".join(f"<td>{number(v) if isinstance(v, float) else in_html(str(v))}</td>" for v in row)
            for row in best[shown].itertuples(index=False, name=None)
        ]
        return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def load(name: str, tracking_uri: str | None = None) -> Sweep:
    """The sweep of that name, finished or running. Raises UnknownSweepError, TrackingError.

    tracking_uri: None for $MLFLOW_TRACKING_URI, or else ./mlruns/mlflow.db. Nothing is made where there is no store.

        sweep = sweeps.load("mnist")
        sweep.best(5)
        sweep.curves([3, 17])
    """
    return results.load(name, tracking_uri, Sweep)
