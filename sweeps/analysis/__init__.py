"""What the trials of a sweep say together: the stability map, rankings, advice, ranges to search next.

Pure functions of tables; what became of one training is `verdicts`, pictures are `views`.
"""
