"""What computed a study's numbers: the statistics, Python and the libraries. Pure."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path

from analysis.stats.summary import VERSION

_LIBRARIES = ("numba", "numpy", "pandas", "pyarrow", "scipy")


def code_versions() -> dict[str, str]:
    """`source` is of the files of analysis.stats as they are here, whoever has changed them."""
    return {
        "statistics": str(VERSION),
        "source": _source_sha256(),
        "Python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
    }


def _source_sha256() -> str:
    folder = Path(__file__).parent / "stats"
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
