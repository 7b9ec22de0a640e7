"""Where things lie: all under `.cache` but the results, none of it in the repository."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
CACHE: Final = ROOT / ".cache" / "bench"
MODELS: Final = ROOT / ".cache" / "models"
RESULTS: Final = ROOT / "benchmarks" / "results"
LOCK_FILE: Final = ROOT / "requirements" / "bench.txt"
