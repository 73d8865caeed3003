"""Node `classifier`: one verdict for the item at the camera line, bundles changed while running."""

import numpy as np
import pytest
from messages import belt_state, item, stamp_at

from batsort_graph.image_bridge import to_message
from batsort_graph.to_messages import time_of
from batsort_interfaces.srv import LoadBundle
from batsort_nodes.classifier import Classifier
from batsort_perception.bundle import default_bundle

CAMERA_COUNTS = 2000


def active(bench):
    node = bench.add(Classifier())
    node.trigger_configure()
    node.trigger_activate()
    assert node.stage == "active"
    return node


def image(count: int):
    """A light battery at the camera line, on a dark belt."""
    pixels = np.full((480, 640, 3), 40, np.uint8)
    pixels[222:258, 258:382] = (210, 190, 40)
    message = to_message(pixels)
    message.header.stamp = time_of(stamp_at(count))
    return message


def test_an_image_gives_one_verdict_on_the_item_at_the_camera_line(bench) -> None:
    bench = bench()
    node = active(bench)
    verdicts = bench.heard("classifications")
    near, far = item(5000), item(3800)
    bench.send("belt/items", far)
    bench.send("belt/items", near)
    bench.send("belt/state", belt_state(5000 + CAMERA_COUNTS - 50))
    bench.send("camera/image_raw", image(5000 + CAMERA_COUNTS))
    bench.send("belt/state", belt_state(5000 + CAMERA_COUNTS + 50))
    bench.wait(lambda: verdicts)
    (verdict,) = verdicts
    assert verdict.item_id == near.id
    assert verdict.header.stamp == time_of(stamp_at(5000 + CAMERA_COUNTS))
    assert verdict.type in verdict.types
    assert abs(sum(verdict.scores) - 1) < 1e-3
    assert 0 <= verdict.confidence <= 1
    assert verdict.bundle_id == node._engine.bundle.id
    assert 200 < verdict.roi.x_offset + verdict.roi.width / 2 < 440


def test_an_image_without_an_item_is_counted_and_gives_no_verdict(bench) -> None:
    bench = bench()
    node = active(bench)
    verdicts = bench.heard("classifications")
    bench.send("belt/state", belt_state(900))
    bench.send("camera/image_raw", image(1000))
    bench.send("belt/state", belt_state(1100))
    # Half a second later: its item could have been announced until then.
    bench.send("belt/state", belt_state(3600))
    bench.wait(lambda: node._counts["images without an item"] == 1)
    assert not verdicts


def test_a_broken_image_is_refused_and_the_next_one_judged(bench) -> None:
    bench = bench()
    active(bench)
    verdicts = bench.heard("classifications")
    bench.send("belt/items", item(5000))
    bench.send("belt/state", belt_state(6950))
    broken = image(6990)
    broken.encoding = "bayer_rggb8"
    bench.send("camera/image_raw", broken)
    bench.send("camera/image_raw", image(7000))
    bench.send("belt/state", belt_state(7100))
    bench.wait(lambda: verdicts)
    assert verdicts[0].header.stamp == time_of(stamp_at(7000))


def test_a_bundle_that_does_not_fit_is_refused_by_name_and_the_old_one_kept(
    bench, tmp_path
) -> None:
    bench = bench()
    node = active(bench)
    old = node._engine.bundle.id
    answer = bench.call(
        LoadBundle, "classifier/load_bundle", LoadBundle.Request(path=str(tmp_path))
    )
    assert not answer.success
    assert "bundle.yaml" in answer.message
    assert answer.bundle_id == old == node._engine.bundle.id
    request = LoadBundle.Request(path="~nobody-of-that-name/bundle")
    answer = bench.call(LoadBundle, "classifier/load_bundle", request)
    assert answer.message.startswith("bundle: '~nobody-of-that-name/bundle' is refused; allowed: ")
    assert answer.bundle_id == old == node._engine.bundle.id


@pytest.mark.parametrize("path", ["/nowhere", "~/nowhere"])
def test_a_bundle_that_is_not_there_keeps_the_node_unconfigured(bench, capfd, path: str) -> None:
    bench = bench(bundle=path)
    node = bench.add(Classifier())
    node.trigger_configure()
    assert node.stage == "unconfigured"
    assert "nowhere" in capfd.readouterr().err


def test_the_bundle_in_use_is_told_with_its_hashes_again_at_each_change(bench) -> None:
    bench = bench()
    node = active(bench)
    bundles = bench.heard("classifier/bundle")
    bench.wait(lambda: bundles)
    bundle = node._engine.bundle
    assert bundles[0].id == bundle.id
    assert bundles[0].network_sha256 == bundle.network.sha256
    assert bundles[0].description_sha256 == bundle.description_sha256
    assert bundles[0].types == list(bundle.types)
    request = LoadBundle.Request(path=str(default_bundle()))
    assert bench.call(LoadBundle, "classifier/load_bundle", request).success
    bench.wait(lambda: len(bundles) == 2)
