"""rembg's process: `remove()` with the variant that is asked for. Runs in rembg's environment.

`benchmarks.children.theirs` is the same for speed, and knows no variants.
"""

import sys
from importlib.metadata import version

from benchmarks.children.protocol import Answer, answers, say, serve

VARIANTS: dict[str, dict[str, bool]] = {
    "rembg": {},
    "rembg-decontaminated": {"decontaminate": True},
    "rembg-matting": {"alpha_matting": True},
}


def main(model: str, variant: str) -> None:
    with answers() as pipe:
        from rembg import new_session, remove

        session = new_session(model)
        say(pipe, {"ready": True})

        from benchmarks.children.stopwatch import Stopwatch

        stopwatch = Stopwatch()

        def timed(picture: bytes, _output_format: str) -> tuple[bytes, Answer]:
            with stopwatch.call() as taken:
                data = remove(picture, session=session, **VARIANTS[variant])
            return data, taken

        say(pipe, {"versions": {name: version(name) for name in ("rembg", "onnxruntime", "pillow", "numpy")}})
        serve(pipe, timed)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
