"""What all tests share: the corpus of awkward files, the small model, a handler to call."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "data"
MODELS = ROOT / ".cache" / "models"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Photographs with true masks and awkward files; its absence may skip a test anywhere but in CI."""
    if CORPUS.is_dir():
        return CORPUS
    reason = f"the corpus of awkward files is not beside the project ({CORPUS.parent.name}/{CORPUS.name})"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def small_model() -> Path:
    """The folder of the smallest model, which `make test` prepares."""
    folder = MODELS / "u2netp"
    if not (folder / "model.json").is_file():
        pytest.fail("the u2netp model is not prepared; run: make model MODEL=u2netp")
    return folder
