"""The model bundle: one folder with `bundle.yaml` beside its network, checked before it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Annotated

from batsort_core.chemistry import Chemistry
from batsort_files.documents import ConfigurationError, Document, data_of, document_of
from batsort_files.schema import FieldError, Name, Range, read
from batsort_perception.preprocess import METHOD

FORMAT = 2
FILE = "bundle.yaml"


class BundleError(ValueError):
    """A bundle that is refused; one line with file, field and what is allowed."""


@dataclass(frozen=True, slots=True)
class Network:
    """The network file and the image it takes."""

    file: Annotated[str, Name()]
    sha256: Annotated[str, Name()]
    kind: Annotated[str, Name()]
    """Of its weights: int8, float16 or float32."""
    height: Annotated[int, Range("px", least=16, most=1024)]
    width: Annotated[int, Range("px", least=16, most=1024)]
    preprocessing: Annotated[str, Name()]
    """How an image becomes that, by the name that batsort_perception gives it."""
    backbone: Annotated[str, Name()]
    views: tuple[str, ...]
    """Of the image that the network averages over."""
    head: Annotated[str, Name()]


@dataclass(frozen=True, slots=True)
class Calibration:
    """From the network's outputs to a confidence, fitted to out-of-fold predictions."""

    temperature: Annotated[float, Range(above=0.0)]
    """Scores are softmax(logits / temperature)."""


@dataclass(frozen=True, slots=True)
class Novelty:
    """From the network's familiarity output to novelty = exp((limit - familiarity) / scale)."""

    limit: float
    """Familiarity at which novelty is 1."""
    scale: Annotated[float, Range(above=0.0)]
    statistics: Mapping[str, float]
    """Of out-of-fold predictions: AUROC against unknown things, calibration error and the like."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Least confidence that gives a wanted purity, and the coverage it costs."""

    purity: Annotated[float, Range(least=0.0, most=1.0)]
    confidence: Annotated[float, Range(least=0.0, most=1.0)]
    coverage: Annotated[float, Range(least=0.0, most=1.0)]


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """The label list by which photos were taught otherwise than their folders say."""

    file: Annotated[str, Name()]
    """Its name."""
    sha256: Annotated[str, Name()]
    relabelled: Annotated[int, Range("photos", least=0)]
    left_out: Annotated[int, Range("photos", least=0)]


@dataclass(frozen=True, slots=True)
class Stranger:
    """A photo of no type."""

    photo: Annotated[int, Range(least=0)]
    """Its number in the lessons."""
    sha256: Annotated[str, Name()]
    chemistry: Chemistry | None = None
    """None: nobody said."""


@dataclass(frozen=True, slots=True)
class Training:
    """What it was taught with, and how to do so again."""

    command: str
    seed: int
    data_sha256: str
    """Of the sorted list of photo hashes and types."""
    photos: Mapping[str, tuple[str, ...]]
    """sha256 of every photo file trained on, per type."""
    drawn: Mapping[str, int]
    """Drawn examples per type."""
    labels: LabelRecord | None = None
    """None: every photo as its folder says."""
    strangers: tuple[Stranger, ...] | None = None
    """Photos of no type that it has learnt to reject."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A share among n cases with its Wilson interval at 95 %: the mean of repeated splits."""

    value: Annotated[float, Range(least=0.0, most=1.0)]
    low: Annotated[float, Range(least=0.0, most=1.0)]
    high: Annotated[float, Range(least=0.0, most=1.0)]
    n: Annotated[int, Range(least=0)]
    sd: Annotated[float, Range(least=0.0)]
    """Standard deviation over the repeats."""


@dataclass(frozen=True, slots=True)
class Description:
    """All that bundle.yaml says; see the classes of its parts."""

    format: int
    name: Annotated[str, Name()]
    types: tuple[Annotated[str, Name()], ...]
    """In the order of the network's outputs."""
    network: Network
    calibration: Calibration
    novelty: Novelty
    thresholds: tuple[Threshold, ...]
    training: Training
    metrics: Mapping[str, Metric]
    """Grouped cross-validation, never of the photos it was fitted on."""
    held_out: Mapping[str, Metric]
    """Per type: the share of it that is accepted as another where it was never taught."""
    licences: Mapping[str, str]
    chemistries: Mapping[str, Chemistry] | None
    """What is inside a type; nothing is said of those that are not named."""


@dataclass(frozen=True, slots=True)
class Bundle(Description):
    """A model bundle whose fields and network file have been checked."""

    folder: Path

    @classmethod
    def load(cls, folder: Path | str) -> Bundle:
        """Return the bundle in `folder`. Raises BundleError naming file and field."""
        folder = Path(folder)
        file = folder / FILE
        try:
            description = _document(file).checked(partial(_checked, folder))
        except ConfigurationError as error:
            raise BundleError(str(error)) from None
        parts = {part.name: getattr(description, part.name) for part in fields(Description)}
        return cls(folder=folder, **parts)

    @property
    def id(self) -> str:
        """Name and the first twelve digits of the network's hash."""
        return f"{self.name}@{self.network.sha256[:12]}"

    @property
    def description_sha256(self) -> str:
        """Hash of bundle.yaml: calibration and limits belong to a verdict as the network does."""
        return hashlib.sha256((self.folder / FILE).read_bytes()).hexdigest()

    @property
    def network_file(self) -> Path:
        """The network beside bundle.yaml."""
        return self.folder / self.network.file

    @property
    def photo_hashes(self) -> frozenset[str]:
        """sha256 of every photo file it was trained on, those of no type included."""
        types = (name for names in self.training.photos.values() for name in names)
        return frozenset((*types, *(one.sha256 for one in self.training.strangers or ())))


def default_bundle() -> Path:
    """The folder of the bundle that comes with BatSort."""
    return Path(str(resources.files("batsort_perception") / "bundles" / "default"))


def _document(file: Path) -> Document:
    try:
        return document_of(file, data_of(file))
    except OSError as error:
        raise BundleError(f"{file}: {error.strerror}; allowed: a file of a model bundle") from None


def _checked(folder: Path, document: object) -> Description:
    description = read(Description, document)
    if description.format != FORMAT:
        raise FieldError(f"format: {description.format} is refused; allowed: {FORMAT}")
    if len(description.types) < 2 or len(set(description.types)) != len(description.types):
        raise FieldError(
            f"types: {list(description.types)} is refused; allowed: two or more, each once"
        )
    for name in description.chemistries or {}:
        if name not in description.types:
            allowed = ", ".join(description.types)
            raise FieldError(f"chemistries: {name!r} is refused; allowed: {allowed}")
    network = description.network
    if network.preprocessing != METHOD:
        raise FieldError(
            f"network.preprocessing: {network.preprocessing!r} is refused; allowed: {METHOD}"
        )
    if Path(network.file).name != network.file:
        raise FieldError(
            f"network.file: {network.file!r} is refused; allowed: the name of a file beside {FILE}"
        )
    try:
        digest = hashlib.sha256((folder / network.file).read_bytes()).hexdigest()
    except OSError as error:
        raise FieldError(f"network.file: {network.file!r}: {error.strerror}") from None
    if digest != network.sha256:
        raise FieldError(
            f"network.sha256: {network.sha256!r} is refused; allowed: {digest}, of {network.file}"
        )
    return description
