import io
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from batsort_training.weights import LEGACY_MAGIC, WeightsError, read_state_dict


class Named:
    """Pickles as a class of another module, as PyTorch's storages and functions do."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Storage:
    def __init__(self, key, kind):
        self.pid = ("storage", Named("torch", kind), key, "cpu", 0, None)


class Tensor:
    def __init__(self, storage, size, stride):
        self.parts = (storage, 0, size, stride, False, OrderedDict())


class Writer(pickle._Pickler):
    """Writes the legacy format: names as references, storages as persistent ids."""

    def persistent_id(self, item):
        return item.pid if isinstance(item, Storage) else None

    def save(self, item, save_persistent_id=True):
        if isinstance(item, Named):
            self.write(f"c{item.module}\n{item.name}\n".encode())
        elif isinstance(item, Tensor):
            self.save_reduce(Rebuild, item.parts)
        else:
            super().save(item, save_persistent_id)

    def save_reduce(self, function, arguments, *others, **more):
        if function is Rebuild:
            self.save(Named("torch._utils", "_rebuild_tensor_v2"))
            self.save(arguments)
            self.write(pickle.REDUCE)
        else:
            super().save_reduce(function, arguments, *others, **more)


Rebuild = object()


def state_dict(array, stride):
    """A legacy file with one tensor `w` of the array's shape and these strides."""
    file = io.BytesIO()
    for part in (LEGACY_MAGIC, 1001, {"little_endian": True}):
        pickle.dump(part, file, protocol=2)
    tensors = OrderedDict(w=Tensor(Storage("7", "FloatStorage"), array.shape, stride))
    Writer(file, protocol=2).dump(tensors)
    pickle.dump(["7"], file, protocol=2)
    flat = array.astype("<f4").ravel()
    file.write(np.array([flat.size], "<i8").tobytes() + flat.tobytes())
    file.seek(0)
    return file


def test_tensors_are_read_with_their_strides():
    array = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(read_state_dict(state_dict(array, (3, 1)))["w"], array)
    # Stored by columns: the same numbers, another order.
    turned = read_state_dict(state_dict(array, (1, 2)))["w"]
    assert np.array_equal(turned, np.arange(6.0).reshape(3, 2).T)


def test_a_pickle_that_asks_for_anything_else_is_refused_without_running_it():
    file = io.BytesIO(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(WeightsError, match=r"os\.system"):
        read_state_dict(file)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", pickle.dumps(5, protocol=2)])
def test_another_file_is_refused(data):
    with pytest.raises(WeightsError):
        read_state_dict(io.BytesIO(data))
