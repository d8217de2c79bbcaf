"""The sweep that commit 7a25101 recorded: its spec and its `mlruns`, made in the folder `/recorded`."""

import tarfile
from pathlib import Path

ARCHIVE = Path(__file__).parents[1] / "tracking" / "recorded_by_7a25101.tar.xz"


def unpack(folder: Path) -> None:
    """Puts it into a folder."""
    with tarfile.open(ARCHIVE) as archive:
        if hasattr(tarfile, "data_filter"):  # since Python 3.11.4; Debian 12 has 3.11.2
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(folder)
