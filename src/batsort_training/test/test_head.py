import numpy as np
import pytest

from batsort_training.figures import auroc
from batsort_training.head import Head, Moments, fit_temperature, softmax, weighted_quantile


@pytest.fixture
def clouds():
    """Three clouds in eight dimensions: features, labels."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 40)
    features = rng.normal(0, 1, (120, 8)) + 4 * np.eye(3, 8)[labels]
    return features.astype(np.float32), labels


def head(*parts):
    """One depth per (features, labels); nothing was drawn."""
    depths = (Moments.of(f, labels, np.ones(len(f)), 6).lda() for f, labels in parts)
    return Head(tuple(depths), types=3)


def test_clouds_are_told_apart(clouds):
    features, labels = clouds
    logits, _ = head(clouds)(features)
    assert (logits.argmax(axis=1) == labels).mean() > 0.95


def test_a_heavier_example_counts_like_its_copies(clouds):
    features, labels = clouds
    weights = np.ones(len(labels))
    weights[:10] = 3.0
    copied = np.concatenate([features, features[:10], features[:10]])
    copied_labels = np.concatenate([labels, labels[:10], labels[:10]])
    once = Moments.of(features, labels, weights, 3).lda()
    copies = Moments.of(copied, copied_labels, np.ones(len(copied_labels)), 3).lda()
    assert once.weights == pytest.approx(copies.weights, rel=1e-3, abs=1e-4)
    assert once.bias == pytest.approx(copies.bias, rel=1e-3)


def test_what_is_taken_off_was_never_there(clouds):
    features, labels = clouds
    weights, rest = np.ones(len(labels)), np.arange(len(labels)) % 3 > 0
    every = Moments.of(features, labels, weights, 3)
    taken = Moments.of(features[~rest], labels[~rest], weights[~rest], 3)
    fresh = Moments.of(features[rest], labels[rest], weights[rest], 3)
    assert (every - taken).lda().weights == pytest.approx(fresh.lda().weights, rel=1e-3, abs=1e-4)


def test_a_class_without_examples_never_wins(clouds):
    features, labels = clouds
    logits = Moments.of(features, labels, np.ones(len(labels)), 5).lda()(features)
    assert logits.shape == (120, 5)
    assert logits.argmax(axis=1).max() == 2


def test_what_is_strange_changes_nothing_in_how_types_are_told_apart(clouds):
    features, labels = clouds
    strange = features[:40] + 9 * np.eye(8, dtype=np.float32)[5]
    both = np.concatenate([features, strange]), np.concatenate([labels, np.full(40, 3)])
    alone = Moments.of(features, labels, np.ones(120), 3).lda()
    beside = Moments.of(*both, np.ones(160), 5, taught=3).lda()
    assert beside.weights.shape == (8, 4), "the strange class without examples is left out"
    assert beside.weights[:, :3] == pytest.approx(alone.weights, rel=1e-4, abs=1e-5)
    assert beside.bias[:3] == pytest.approx(alone.bias, rel=1e-4)


def test_what_resembles_the_strange_is_less_familiar(clouds):
    features, labels = clouds
    rng = np.random.default_rng(2)
    strange = features + 5 * np.eye(8, dtype=np.float32)[6]
    learnt = np.concatenate([features, strange]), np.concatenate([labels, np.full(120, 6)])
    aware = Head((Moments.of(*learnt, np.ones(240), 7, taught=6).lda(),), types=3)
    new = (strange + rng.normal(0, 1, strange.shape)).astype(np.float32)
    known, unknown = (aware(part)[1] for part in (features, new))
    assert (
        auroc(known, unknown) > auroc(*(head(clouds)(part)[1] for part in (features, new))) + 0.05
    )


def test_a_type_is_named_by_the_better_of_its_two_looks(clouds):
    features, labels = clouds
    drawn = (features - 9).astype(np.float32)
    both = Moments.of(
        np.concatenate([features, drawn]), np.concatenate([labels, labels + 3]), np.ones(240), 6
    )
    logits, lead, looks_drawn = Head((both.lda(),), types=3).leads(drawn)
    assert logits.shape == (120, 3)
    assert (logits.argmax(axis=1) == labels).mean() > 0.95
    assert looks_drawn.all()
    less = Head((both.lda(),), types=3, surplus=2.0)(drawn)[1]
    assert less == pytest.approx(lead - 2.0)


def test_what_is_far_from_every_type_is_less_familiar(clouds):
    features, _ = clouds
    strange = (-3 * np.eye(8)[3:8].repeat(10, axis=0)).astype(np.float32)
    known, unknown = (head(clouds)(part)[1] for part in (features, strange))
    assert auroc(known, unknown) > 0.98


def test_what_resembles_a_type_at_one_depth_only_is_less_familiar(clouds):
    features, labels = clouds
    rng = np.random.default_rng(3)
    two = head(clouds, clouds)
    familiar = two(np.hstack([features, features]))[1]
    odd = two(np.hstack([features, features[rng.permutation(len(labels))]]))[1]
    assert auroc(familiar, odd) > 0.7


def test_the_temperature_of_scores_that_are_too_sure_is_found():
    rng = np.random.default_rng(1)
    honest = rng.normal(0, 2, (4000, 5))
    scores = softmax(honest)
    labels = np.array([rng.choice(5, p=row) for row in scores])
    assert fit_temperature(honest * 7.0, labels, np.ones(4000)) == pytest.approx(7.0, rel=0.1)


def test_the_weighted_quantile_counts_weight():
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 8.0, 1.0])
    assert weighted_quantile(values, weights, 0.5) == 1.0
    assert weighted_quantile(values, weights, 0.85) == 2.0
