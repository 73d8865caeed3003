"""How words on batteries are spelled and misread: text made comparable, and parts of patterns."""

from __future__ import annotations

import re
import unicodedata

# A letter that is read as another: in patterns on folded text.
EYE, OH, GAP = "[il1|!]", "[o0]", r"[\s\-_.,~/·•=]{0,3}"
CELL = (
    "(?:10440|14430|14500|14650|16340|16650|17500|17670|18350|18490|18500|18650|20700|21700"
    "|22430|26500|26650|32650|32700)"
)
BEGIN, END = r"(?:(?<![a-z0-9])|(?<=\dv))", r"(?![a-z0-9])"
LITHIUM = rf"l{EYE}th?{EYE}(?:um|{OH})"

_ALIKE = str.maketrans("01i|!5$8", "ollllssb")


def fold(text: str) -> str:
    """Lower case without accents, full-width forms and odd dashes."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    # What NFKD takes apart beyond accents (Japanese, Korean) comes together again.
    return re.sub("[\u2010-\u2015\u2212]", "-", unicodedata.normalize("NFC", plain)).casefold()


def alike(text: str) -> str:
    """Letters that look alike made one."""
    return text.translate(_ALIKE)


def words_of(text: str) -> list[str]:
    """Runs of letters and digits."""
    return re.findall(r"[^\W_]+", text)


def distance(word: str, text: str) -> int:
    """Least number of letters to change, add or leave out between `word` and a part of `text`."""
    return min(_edits(word, text, [0] * (len(text) + 1)))


def whole_distance(word: str, text: str) -> int:
    """As `distance`, with all of `text`."""
    return _edits(word, text, list(range(len(text) + 1)))[-1]


def _edits(word: str, text: str, above: list[int]) -> list[int]:
    """Edits from `word` up to each place in `text`; `above`: from nothing."""
    for row, letter in enumerate(word, 1):
        current = [row]
        for column, other in enumerate(text, 1):
            change = above[column - 1] + (letter != other)
            current.append(min(change, above[column] + 1, current[-1] + 1))
        above = current
    return above
