"""The sides that are compared: each makes of a picture its cut-out, uint8 (h, w, 4), colours not premultiplied."""

import importlib
import io
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PIL import Image

from benchmarks.errors import BenchmarkError
from benchmarks.quality.arrays import Bytes
from benchmarks.quality.network import levelled, network_answering
from functions.background_removal.imaging.decode import Picture, decode
from functions.background_removal.imaging.inspect import inspect
from functions.background_removal.imaging.pipeline import Pipeline
from rmbg.domain.geometry import plan_geometry
from rmbg.domain.options import Options, OutputFormat

Refine = Callable[[Bytes, Bytes], tuple[Bytes, Bytes]]
"""(colours uint8 (h, w, 3), matte uint8 (square)) to (colours uint8 (h, w, 3), alpha uint8 (h, w))."""
CutOut = Callable[[bytes], Bytes]
"""A file's bytes to the cut-out."""


class Side(Protocol):
    """One contender. `takes_matte` is whether it can start from a matte it is given."""

    @property
    def name(self) -> str: ...

    @property
    def takes_matte(self) -> bool: ...

    def cut_out(self, data: bytes, matte: Bytes | None) -> Bytes:
        """The cut-out of a picture's file; `matte` is a network's output for it; None: the side finds its own."""


@dataclass(frozen=True, slots=True)
class Refining:
    """A matte at hand, and a function that makes alpha and colours of it: `raw`, and candidates."""

    name: str
    refine: Refine
    takes_matte: bool = True

    def cut_out(self, data: bytes, matte: Bytes | None) -> Bytes:
        assert matte is not None
        colors, alpha = self.refine(np.asarray(decoded(data).rgb), levelled(matte))
        return np.dstack((colors, alpha))


@dataclass(frozen=True, slots=True)
class Ours:
    """The service's path from bytes to PNG, with default options; a matte takes the network's place."""

    pipeline: Pipeline
    name: str = "ours"
    takes_matte: bool = True

    def cut_out(self, data: bytes, matte: Bytes | None) -> Bytes:
        with nullcontext() if matte is None else network_answering(matte):
            return rgba(self._png(data))

    def _png(self, data: bytes) -> bytes:
        """What `rmbg.services.remove_background` does between upload and answer."""
        options = Options(format=OutputFormat.PNG)
        header = self.pipeline.inspect(data)
        geometry = plan_geometry(header.oriented, options)
        picture = self.pipeline.decode(data, header, geometry)
        found = self.pipeline.segment(picture)
        result = self.pipeline.render(picture, found, geometry, options)
        return self.pipeline.encode(result, options).data


@dataclass(frozen=True, slots=True)
class Function:
    """A candidate's own whole path."""

    name: str
    function: CutOut
    takes_matte: bool = False

    def cut_out(self, data: bytes, matte: Bytes | None) -> Bytes:
        assert matte is None
        return self.function(data)


def enlarge(colors: Bytes, matte: Bytes) -> tuple[Bytes, Bytes]:
    """`raw`: the matte enlarged bilinearly, the picture's own colours."""
    height, width = colors.shape[:2]
    return colors, np.asarray(Image.fromarray(matte).resize((width, height), Image.Resampling.BILINEAR))


def decoded(data: bytes) -> Picture:
    """The picture as the service sees it: upright, sRGB."""
    return decode(data, inspect(data))


def rgba(data: bytes) -> Bytes:
    """An encoded cut-out's pixels."""
    with Image.open(io.BytesIO(data)) as image:
        pixels: Bytes = np.asarray(image.convert("RGBA"))
    return pixels


def named_function(name: str) -> Any:
    """What `module:function` names. Raises BenchmarkError."""
    module, _, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise BenchmarkError(f"{name}: {error}") from error
