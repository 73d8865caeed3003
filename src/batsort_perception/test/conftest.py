"""A bundle made on the spot, small enough for tests: its network sees mean colours only."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
import yaml
from ai_edge_litert import schema_py_generated as schema

from batsort_core.cell import CellDescription, parse_cell
from batsort_perception.bundle import FORMAT
from batsort_perception.preprocess import METHOD

TYPES = ("Red", "Green", "Blue")
HEIGHT, WIDTH = 32, 64


def network(outputs: int = len(TYPES) + 1) -> bytes:
    """A LiteRT network: uint8[1, 32, 64, 3], mean over the image, one dense layer to `outputs`.

    The logits are the mean colours over 16; the last output, the familiarity, is their sum.
    """
    weights = np.zeros((outputs, 3), np.float32)
    weights[: outputs - 1] = np.resize(np.eye(3, dtype=np.float32) / 16, (outputs - 1, 3))
    weights[-1] = 1 / 16
    model = schema.ModelT()
    model.version, model.description = 3, "tiny"
    model.buffers = [_buffer(b"")]
    graph = schema.SubGraphT()
    graph.tensors = []
    types = schema.TensorType

    def tensor(name: str, shape: tuple[int, ...], kind: int, data: bytes = b"") -> int:
        made = schema.TensorT()
        made.name, made.shape, made.type = name, list(shape), kind
        if data:
            model.buffers.append(_buffer(data))
            made.buffer = len(model.buffers) - 1
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    image = tensor("image", (1, HEIGHT, WIDTH, 3), types.UINT8)
    real = tensor("real", (1, HEIGHT, WIDTH, 3), types.FLOAT32)
    axes = tensor("axes", (2,), types.INT32, np.array([1, 2], np.int32).tobytes())
    mean = tensor("mean", (1, 3), types.FLOAT32)
    dense = tensor("dense", weights.shape, types.FLOAT32, weights.tobytes())
    result = tensor("result", (1, outputs), types.FLOAT32)
    options = schema.BuiltinOptions
    steps = (
        ("CAST", [image], real, schema.CastOptionsT(), options.CastOptions),
        ("MEAN", [real, axes], mean, schema.ReducerOptionsT(), options.ReducerOptions),
        (
            "FULLY_CONNECTED",
            [mean, dense, -1],
            result,
            schema.FullyConnectedOptionsT(),
            options.FullyConnectedOptions,
        ),
    )
    graph.operators, model.operatorCodes = [], []
    for index, (operator, inputs, output, settings, kind) in enumerate(steps):
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, operator)
        model.operatorCodes.append(code)
        step = schema.OperatorT()
        step.opcodeIndex, step.inputs, step.outputs = index, inputs, [output]
        step.builtinOptions, step.builtinOptionsType = settings, kind
        graph.operators.append(step)
    graph.inputs, graph.outputs = [image], [result]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _buffer(data: bytes) -> schema.BufferT:
    made = schema.BufferT()
    made.data = np.frombuffer(data, np.uint8) if data else None
    return made


def describe(network_bytes: bytes) -> dict[str, Any]:
    """What bundle.yaml says of the tiny network."""
    return {
        "format": FORMAT,
        "name": "tiny",
        "types": list(TYPES),
        "network": {
            "file": "network.tflite",
            "sha256": hashlib.sha256(network_bytes).hexdigest(),
            "kind": "float32",
            "height": HEIGHT,
            "width": WIDTH,
            "preprocessing": METHOD,
            "backbone": "mean colour",
            "views": ["as it is"],
            "head": "dense",
        },
        "calibration": {"temperature": 1.0},
        "novelty": {"limit": 30.0, "scale": 4.0, "statistics": {"p05": 30.0}},
        "thresholds": [{"purity": 0.99, "confidence": 0.8, "coverage": 0.9}],
        "training": {
            "command": "none",
            "seed": 0,
            "data_sha256": "0" * 64,
            "photos": {"Red": ["a" * 64], "Green": ["b" * 64]},
            "drawn": {},
        },
        "metrics": {"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 30, "sd": 0.01}},
        "held_out": {},
        "licences": {"mean colour": "Apache-2.0"},
    }


@pytest.fixture(scope="session")
def cell() -> CellDescription:
    return parse_cell(yaml.safe_load((Path(__file__).parents[3] / "config/cell.yaml").read_text()))


@pytest.fixture
def description() -> dict[str, Any]:
    """What the tiny bundle's YAML says, to be broken."""
    return describe(network())


@pytest.fixture
def write_bundle(tmp_path: Path) -> Callable[..., Path]:
    """Write the tiny bundle, or another description or network of it; returns its folder."""

    def write(document: object = None, network_bytes: bytes | None = None) -> Path:
        made = network() if network_bytes is None else network_bytes
        (tmp_path / "network.tflite").write_bytes(made)
        text = yaml.safe_dump(describe(made) if document is None else document)
        (tmp_path / "bundle.yaml").write_text(text)
        return tmp_path

    return write


@pytest.fixture
def make_network() -> Callable[[int], bytes]:
    """Make a network of so many outputs."""
    return network
