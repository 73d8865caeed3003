"""Runs a bundle's network in LiteRT: one invocation a verdict, all views of the image inside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from batsort_core.items import Verdict
from batsort_perception.bundle import Bundle, BundleError
from batsort_perception.preprocess import Image, prepare

NOVELTY_EXPONENT = 20.0
"""Beyond e to this power novelty says no more."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the network makes of one image."""

    type: str
    confidence: float
    """Calibrated, 0 to 1: the score of `type`."""
    novelty: float
    """Above 1 it is beyond the bundle's own limit."""
    scores: NDArray[np.float32]
    """float32[n], one per type in the bundle's order, sum 1."""

    def verdict(
        self,
        item_id: int,
        image_stamp: int,
        types: Sequence[str],
        offset: float | None = None,
        clearance: float | None = None,
    ) -> Verdict:
        """The verdict as it is sent: in float32; a confidence that is no number is 0."""
        confidence = self.confidence if math.isfinite(self.confidence) else 0.0
        return Verdict(
            item_id=item_id,
            type=self.type,
            confidence=float(np.float32(confidence)),
            novelty=float(np.float32(self.novelty)),
            image_stamp=image_stamp,
            scores=dict(zip(types, map(float, self.scores), strict=True)),
            offset=offset,
            clearance=clearance,
        )


class Engine:
    """A loaded network. Not to be shared between threads."""

    def __init__(self, bundle: Bundle, threads: int = 2) -> None:
        """Load the network of `bundle`; raises BundleError where it does not fit its description.

        The network takes uint8[1, height, width, 3] and returns float32[1, n + 1]: a logit per type
        and the familiarity of the image. What else it returns (its features) is for teaching.
        """
        self.bundle = bundle
        file = bundle.network_file
        try:
            self._interpreter = Interpreter(model_path=str(file), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            line = str(error).splitlines()[0] if str(error) else "no network"
            raise BundleError(f"{file}: {line}; allowed: a LiteRT network") from None
        network = bundle.network
        self._input = self._index(
            self._interpreter.get_input_details(),
            f"{np.dtype(np.uint8)}{[1, network.height, network.width, 3]}",
            "network.height and width",
        )
        self._output = self._index(
            self._interpreter.get_output_details(),
            f"{np.dtype(np.float32)}{[1, len(bundle.types) + 1]}",
            "types",
        )

    def _index(self, tensors: list[dict[str, Any]], allowed: str, field: str) -> int:
        found = [f"{np.dtype(t['dtype'])}{t['shape'].tolist()}" for t in tensors]
        if allowed not in found:
            raise BundleError(
                f"{self.bundle.network_file}: {field}: the network has {', '.join(found)}; "
                f"allowed: {allowed}"
            )
        return int(tensors[found.index(allowed)]["index"])

    def classify(self, crop: Image) -> Measurement:
        """Measure uint8[h, w, 3] RGB of any size. Raises ValueError for another array."""
        network = self.bundle.network
        image = prepare(crop, network.height, network.width)
        self._interpreter.set_tensor(self._input, image[None])
        self._interpreter.invoke()
        return measure(self.bundle, self._interpreter.get_tensor(self._output)[0])


def measure(bundle: Bundle, outputs: NDArray[np.float32]) -> Measurement:
    """The verdict on float32[n + 1], the network's outputs: logits and familiarity."""
    logits = outputs[:-1].astype(np.float64) / bundle.calibration.temperature
    scores = np.exp(logits - logits.max())
    scores /= scores.sum()
    best = int(scores.argmax())
    exponent = (bundle.novelty.limit - float(outputs[-1])) / bundle.novelty.scale
    novelty = math.exp(min(max(exponent, -NOVELTY_EXPONENT), NOVELTY_EXPONENT))
    return Measurement(bundle.types[best], float(scores[best]), novelty, scores.astype(np.float32))
