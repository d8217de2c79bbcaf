"""Files in which runs are recorded, each format in a module of its own, read into a `RecordedRun`.

What the curves prove, whatever file they came from, is `curves`.
"""
