"""Camera, classifier and reader: what they make of the bodies that pass, and when they say it."""

from __future__ import annotations

import random

from batsort_core.chemistry import Chemistry
from batsort_core.items import Item, PrintReading, Verdict
from batsort_trials.core_soak.belt import Body
from batsort_trials.core_soak.belt_part import BeltPart
from batsort_trials.core_soak.faults import Fault
from batsort_trials.core_soak.post import Post
from batsort_trials.core_soak.scene import Scene


class Judging:
    """Judges each item below the camera, right or wrong."""

    def __init__(
        self, scene: Scene, post: Post, belt_part: BeltPart, print_rng: random.Random
    ) -> None:
        """`print_rng`: of what is read of print alone."""
        self._scene = scene
        self._post = post
        self._belt_part = belt_part
        self._print_rng = print_rng

    def step(self) -> None:
        """Judge all that have come below the camera."""
        scene, imaging = self._scene, self._belt_part.imaging
        belt, at = scene.belt, scene.cell.counts(scene.cell.camera.distance)
        for item in [i for i in imaging if i.epoch != belt.epoch or belt.count >= i.count + at]:
            imaging.remove(item)
            seen = belt.seen_by_camera(item.count) if item.epoch == belt.epoch else None
            if seen is None or scene.chance(Fault.VERDICT_LOST, 0.2):
                continue
            self._judge(item, *seen)

    def _judge(self, item: Item, body: Body, off: float) -> None:
        scene, rng, belt = self._scene, self._scene.rng, self._scene.belt
        types = scene.cell.recipe.types
        wrong = scene.chance(Fault.WRONG_TYPE, 0.2)
        type = rng.choice(list(types)) if wrong else body.type
        confidence = rng.uniform(0.3, 0.85) if scene.chance(Fault.UNSURE, 0.3) else 0.97
        scores = {name: 0.0 for name in types} | {type: confidence}
        stamp, clear = belt.stamp(belt.t), belt.clearance(body)
        verdict = Verdict(item.id, type, confidence, 0.4, stamp, scores, off, clear)
        delay = rng.uniform(0.05, 0.15)
        if scene.chance(Fault.VERDICT_LATE, 0.4):
            delay += rng.uniform(0.2, 4.0)
        self._post.keep("verdicts", verdict)
        self._read(verdict, body, delay)
        for _ in range(2 if scene.chance(Fault.VERDICT_DOUBLED, 0.3) else 1):
            self._post.push(belt.t + delay, "verdicts>ejector", verdict)
            delay += rng.uniform(0.0, 0.3)

    def _read(self, verdict: Verdict, body: Body, delay: float) -> None:
        """Print tells what a body truly is, or nothing, or is misread; in time, or too late."""
        rng, recipe = self._print_rng, self._scene.recipe
        if recipe.print is None or not recipe.print.veto or not recipe.wants_print(verdict):
            return
        if rng.random() < 0.2:
            return
        chemistry = (recipe.chemistries or {}).get(body.type) if rng.random() < 0.7 else None
        if rng.random() < 0.1:
            chemistry = rng.choice(list(Chemistry))
        confidence = rng.choice((0.5, 0.9, 0.97))
        brands = (recipe.brands or {}).get(body.type, ("",)) if rng.random() < 0.5 else ("",)
        reading = PrintReading(
            verdict.item_id,
            verdict.image_stamp,
            chemistry,
            confidence,
            brand=rng.choice(brands),
            brand_confidence=rng.choice((0.5, 0.95, 1.0)),
        )
        self._post.keep("prints", reading)
        delay += rng.choice((0.0, 0.3, 1.0, 3.0)) + rng.uniform(-0.1, 0.1)
        self._post.push(self._scene.belt.t + max(0.0, delay), "prints>ejector", reading)
