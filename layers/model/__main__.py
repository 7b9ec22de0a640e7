"""python -m layers.model NAME: makes the model ready; its folder is the last line on standard output."""

import argparse
import sys
from pathlib import Path

from layers.model.errors import ModelError, UnknownModelError
from layers.model.manifest import load_manifest
from layers.model.ready import DEFAULT_CACHE, ensure_model


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 ready, 1 it cannot be had, 2 no such model, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m layers.model", description="Fetch, verify and prepare a model.")
    parser.add_argument("name", nargs="?", help="default: the manifest's")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="folder of the models (%(default)s)")
    parser.add_argument("--force", action="store_true", help="make it anew even when it is ready")
    options = parser.parse_args(arguments)
    try:
        name = options.name or load_manifest().default
        print(ensure_model(name, options.cache, _say, force=options.force))
    except ModelError as error:
        _say(str(error))
        return 2 if isinstance(error, UnknownModelError) else 1
    except KeyboardInterrupt:
        _say("interrupted; nothing half-made is kept")
        return 130
    return 0


def _say(line: str) -> None:
    print(f"rmbg: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
