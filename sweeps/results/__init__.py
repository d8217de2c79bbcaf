"""A recorded sweep as tables to query: trials, epochs, comparisons, replays, verdicts made anew.

It reads what `tracking` keeps; what follows for the person is `analysis`, how it looks is `views`.
"""
