"""rembg's side: `remove()` as its README calls it, with one session for all pictures.

Runs in an environment of its own.

PNG is what `remove()` makes of bytes. For WebP it gets and gives an image, which Pillow saves with its defaults.
"""

import io
import sys
from importlib.metadata import version

from benchmarks.children.protocol import Answer, answers, say, serve


def main(model: str) -> None:
    with answers() as pipe:
        from rembg import new_session, remove

        session = new_session(model)
        say(pipe, {"ready": True})

        from PIL import Image

        from benchmarks.children.stopwatch import Stopwatch

        stopwatch = Stopwatch()
        stopwatch.install()

        def cut_out(jpeg: bytes, output_format: str) -> bytes:
            if output_format == "png":
                png: bytes = remove(jpeg, session=session)
                return png
            buffer = io.BytesIO()
            remove(Image.open(io.BytesIO(jpeg)), session=session).save(buffer, output_format.upper())
            return buffer.getvalue()

        def timed(jpeg: bytes, output_format: str) -> tuple[bytes, Answer]:
            with stopwatch.call() as taken:
                data = cut_out(jpeg, output_format)
            return data, taken

        say(pipe, {"versions": {name: version(name) for name in ("rembg", "onnxruntime", "pillow", "numpy")}})
        serve(pipe, timed)


if __name__ == "__main__":
    main(sys.argv[1])
