"""Settings of all tests."""

from hypothesis import settings

settings.register_profile("shared machine", deadline=None)  # a busy neighbour must not fail a test
settings.load_profile("shared machine")
