"""Somebody's own network, or the curve of one, measured: what is wrong, how one knows, what should stand there."""
