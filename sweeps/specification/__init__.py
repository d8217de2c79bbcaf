"""What a sweep is asked to do: the spec, what its fields may be, and how it is read and checked.

Nothing here runs anything; how settings are drawn from it is `sampling`.
"""
