"""Conditions on replayed items, as people write them: `confidence < 0.8 and type == 'Klarus'`."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable

from batsort_bags.replayed import Replayed

FIELDS = ("item", "type", "confidence", "novelty", "bin", "reason", "bin_then", "changed", "truth")
"""Of what is decided now; `bin_then` is that of the record, `truth` the true type where known."""
PARTS = (
    *(ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare),
    *(ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn),
    *(ast.Name, ast.Load, ast.Constant, ast.Tuple, ast.List),
)


class WhereError(ValueError):
    """A condition that is refused: one line."""


def where(text: str) -> Callable[[Replayed, int], bool]:
    """The condition as a function of a replay and an item id. Raises WhereError.

    Knows FIELDS, numbers, texts, comparisons, `in`, `and`, `or` and `not`. Without a verdict type
    is empty, confidence and novelty are no numbers.
    """
    allowed = f"a comparison of {', '.join(FIELDS)} such as confidence < 0.8"
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        raise WhereError(f"where: {text!r} is refused; allowed: {allowed}") from None
    for node in ast.walk(tree):
        if not isinstance(node, PARTS) or (isinstance(node, ast.Name) and node.id not in FIELDS):
            raise WhereError(f"where: {ast.unparse(node)!r} is refused; allowed: {allowed}")
    code = compile(tree, "where", "eval")

    def holds(replayed: Replayed, item_id: int) -> bool:
        try:
            return bool(eval(code, {"__builtins__": {}}, fields(replayed, item_id)))
        except TypeError as error:
            raise WhereError(f"where: {text!r} is refused ({error}); allowed: {allowed}") from None

    return holds


def fields(replayed: Replayed, item_id: int) -> dict[str, object]:
    """FIELDS of one item."""
    now, then = replayed.now.get(item_id), replayed.then.get(item_id)
    verdict = now.verdict if now else None
    return {
        "item": item_id,
        "type": verdict.type if verdict else "",
        "confidence": verdict.confidence if verdict else math.nan,
        "novelty": verdict.novelty if verdict else math.nan,
        "bin": now.bin if now else "",
        "reason": now.reason.value if now else "",
        "bin_then": then.bin if then else "",
        "changed": replayed.is_changed(item_id),
        "truth": replayed.truths.get(item_id, ""),
    }
