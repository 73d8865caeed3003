"""A LiteRT network put together from a trunk, image to features, and a head, features to verdict.

The head alone is converted, in a second, and the trunk stays as it is to the bit: the features that
a bundle was taught from are those that it runs on, and teaching it once more need not convert, nor
find int8 ranges for, what does not change.
"""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools.flatbuffer_utils import (
    convert_bytearray_to_object,
    convert_object_to_bytearray,
)

ABSENT = -1
"""Index of an operator's tensor that is not given."""


def with_head(trunk: bytes, head: bytes) -> bytes:
    """Network whose outputs are the features of `trunk` and what `head` makes of them.

    `trunk`'s longest output is its features; another head that it has is taken off. `head` has one
    input, as long as they are, and one output. Raises ValueError where it is of another length.
    """
    model, added = (convert_bytearray_to_object(network) for network in (trunk, head))
    graph, part = model.subgraphs[0], added.subgraphs[0]
    features = max(graph.outputs, key=lambda tensor: graph.tensors[tensor].shape[-1])
    given, wanted = (
        int(tensor.shape[-1]) for tensor in (graph.tensors[features], part.tensors[part.inputs[0]])
    )
    if given != wanted:
        raise ValueError(f"head: takes {wanted} features; allowed: {given}, as the trunk has")
    _cut_after(graph, features)
    moved = len(graph.tensors)
    for tensor in part.tensors:
        tensor.buffer += len(model.buffers)
    for operator in part.operators:
        operator.opcodeIndex += len(model.operatorCodes)
        operator.inputs = [
            features if i == part.inputs[0] else i if i == ABSENT else i + moved
            for i in operator.inputs
        ]
        operator.outputs = [i + moved for i in operator.outputs]
    graph.tensors += part.tensors
    graph.operators += part.operators
    graph.outputs = [features, part.outputs[0] + moved]
    model.buffers += added.buffers
    model.operatorCodes += added.operatorCodes
    model.metadata, model.signatureDefs = [], []
    _drop_unused(model)
    return bytes(convert_object_to_bytearray(model))


def _cut_after(graph: schema.SubGraphT, tensor: int) -> None:
    """Leave off the operators after the one that makes `tensor`; they are in order of execution."""
    makes = [tensor in operator.outputs for operator in graph.operators]
    del graph.operators[makes.index(True) + 1 :]


def _drop_unused(model: schema.ModelT) -> None:
    """Leave off the tensors, buffers and operator codes that no operator uses."""
    graph = model.subgraphs[0]
    used = {*graph.inputs, *graph.outputs}
    for operator in graph.operators:
        used.update((*operator.inputs, *operator.outputs))
    tensors = _numbers(used - {ABSENT})
    codes = _numbers({operator.opcodeIndex for operator in graph.operators})
    graph.tensors = [graph.tensors[i] for i in tensors]
    model.operatorCodes = [model.operatorCodes[i] for i in codes]
    # The first buffer is empty, and the one of all tensors that hold no constant.
    buffers = _numbers({0, *(tensor.buffer for tensor in graph.tensors)})
    model.buffers = [model.buffers[i] for i in buffers]
    for tensor in graph.tensors:
        tensor.buffer = buffers[tensor.buffer]
    tensors[ABSENT] = ABSENT
    graph.inputs, graph.outputs = (
        [tensors[i] for i in ends] for ends in (graph.inputs, graph.outputs)
    )
    for operator in graph.operators:
        operator.opcodeIndex = codes[operator.opcodeIndex]
        operator.inputs = [tensors[i] for i in operator.inputs]
        operator.outputs = [tensors[i] for i in operator.outputs]


def _numbers(kept: set[int]) -> dict[int, int]:
    """The new number of each, in the old order."""
    return {old: new for new, old in enumerate(sorted(kept))}
