"""Parts of a report in HTML: one file that needs nothing else, light and dark, fit to print.

Each function returns `Html`; text that is not `Html` is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Pixels = NDArray[np.uint8]

INK = "#010203"
"""Stands for the page's own text colour in a drawing."""
ACCENT = "#2f7fd8"
"""Legible on white and on black."""
THUMBNAIL_EDGE = 128
PICTURE_EDGE = 384
QUALITY = 80
"""Of a thumbnail in WebP, 0 to 100."""
STYLE = """
:root { color-scheme: light dark; --ink: #1b1d21; --paper: #fff; --faint: #666c76;
  --line: #d9dce1; --accent: #2f7fd8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --paper: #15171a;
  --faint: #9aa1ab; --line: #363b42; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 68rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.7rem; margin-bottom: .3rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; border-bottom: 1px solid var(--line); }
p { max-width: 46rem; margin: .5rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--faint); padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
.number { text-align: right; }
.matrix td, .matrix thead th { text-align: center; padding: .3rem .55rem; }
.matrix thead th { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; }
.matrix thead th:first-child { writing-mode: initial; transform: none; vertical-align: bottom; }
.gallery { display: flex; flex-wrap: wrap; gap: .8rem; margin: .6rem 0; }
.gallery .gallery { margin: 0; padding: .5rem; border: 1px solid var(--line); border-radius: 4px; }
figure { margin: 0; }
.thumbnail { width: 8.5rem; font-size: .8rem; line-height: 1.3; overflow-wrap: anywhere; }
.thumbnail img { display: block; width: 100%; height: 6.5rem; object-fit: contain;
  background: #fff; border: 1px solid var(--line); border-radius: 4px; box-sizing: border-box; }
.picture { width: 18rem; font-size: .85rem; line-height: 1.3; overflow-wrap: anywhere; }
.picture img { display: block; width: 100%; border: 1px solid var(--line); border-radius: 4px;
  box-sizing: border-box; }
pre { overflow-x: auto; font-size: .85rem; border: 1px solid var(--line); border-radius: 4px;
  padding: .6rem; }
.drawing svg { max-width: 100%; height: auto; }
@media print { :root { --ink: #000; --paper: #fff; --faint: #444; --line: #bbb; }
  body { font-size: 10.5pt; margin: 0; max-width: none; }
  figure, tr { break-inside: avoid; } h2 { break-after: avoid; }
  td { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


class Html(str):
    """Text that is HTML already."""


def page(title: str, *parts: str) -> str:
    """A whole page."""
    head = (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n"
    )
    return f"{head}<body>\n<main>\n<h1>{escape(title)}</h1>\n{_joined(parts)}\n</main>\n"


def section(title: str, *parts: str) -> Html:
    """Parts below a heading."""
    return Html(f"<section>\n<h2>{escape(title)}</h2>\n{_joined(parts)}\n</section>")


def paragraph(text: str) -> Html:
    """Some sentences."""
    return Html(f"<p>{_html(text)}</p>")


def table(header: Sequence[str], rows: Sequence[Sequence[object]], caption: str = "") -> Html:
    """A row of cells per entry; the first cell names the row, numbers stand to the right."""
    lines = [f"<caption>{escape(caption)}</caption>"] if caption else []
    numbers = [
        bool(rows) and all(isinstance(row[i], int | float) for row in rows)
        for i in range(len(header))
    ]
    styles = [' class="number"' if number else "" for number in numbers]
    names = "".join(
        f'<th scope="col"{s}>{escape(n)}</th>' for n, s in zip(header, styles, strict=True)
    )
    lines.append(f"<thead><tr>{names}</tr></thead>")
    for first, *cells in rows:
        line = "".join(
            f"<td{style}>{_html(cell)}</td>" for cell, style in zip(cells, styles[1:], strict=True)
        )
        lines.append(f'<tr><th scope="row"{styles[0]}>{_html(first)}</th>{line}</tr>')
    return Html(f'<div class="scroll"><table>{"".join(lines)}</table></div>')


def matrix(
    rows: Sequence[str], columns: Sequence[str], counts: NDArray[np.int64], corner: str
) -> Html:
    """A table of counts int[rows, columns], each shaded by its share of the row's sum."""
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    lines = [f'<thead><tr><th scope="col">{escape(corner)}</th>{names}</tr></thead>']
    for name, line in zip(rows, counts, strict=True):
        shades = np.rint(75 * line / max(1, line.sum())).astype(int)
        cells = "".join(
            f'<td style="background: color-mix(in srgb, var(--accent) {shade}%, transparent)">'
            f"{count or ''}</td>"
            for count, shade in zip(line, shades, strict=True)
        )
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return Html(f'<div class="scroll"><table class="matrix">{"".join(lines)}</table></div>')


def code(text: str) -> Html:
    """Lines as they are."""
    return Html(f"<pre>{escape(text)}</pre>")


def thumbnail(image: Pixels, alt: str, caption: str) -> Html:
    """uint8[h, w, 3] RGB small, inside the page."""
    return _figure("thumbnail", THUMBNAIL_EDGE, image, alt, caption)


def picture(image: Pixels, alt: str, caption: str) -> Html:
    """uint8[h, w, 3] RGB large enough to read print on it, inside the page."""
    return _figure("picture", PICTURE_EDGE, image, alt, caption)


def _figure(style: str, edge: int, image: Pixels, alt: str, caption: str) -> Html:
    scale = edge / max(image.shape[:2])
    if scale < 1:
        size = [max(1, round(scale * edge)) for edge in image.shape[1::-1]]
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    order = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".webp", order, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    source = f"data:image/webp;base64,{base64.b64encode(data.tobytes()).decode()}"
    return Html(
        f'<figure class="{style}"><img src="{source}" alt="{escape(alt)}" loading="lazy">'
        f"<figcaption>{_html(caption)}</figcaption></figure>"
    )


def gallery(thumbnails: Sequence[Html]) -> Html:
    """Thumbnails side by side; a gallery among them is framed, as a set."""
    return Html(f'<div class="gallery">{_joined(thumbnails)}</div>')


def axes(x: str, y: str) -> tuple[Figure, Axes]:
    """An empty drawing for `drawing`, with the names of its axes."""
    import matplotlib
    from matplotlib.figure import Figure

    colours = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    look: Any = {
        **dict.fromkeys(colours, INK),
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with matplotlib.rc_context(look):
        figure = Figure(figsize=(4.8, 3.4), layout="constrained")
        plot = figure.add_subplot()
        plot.set_xlabel(x)
        plot.set_ylabel(y)
    return figure, plot


def drawing(figure: Figure, alt: str) -> Html:
    """A drawing as SVG in the page's colours, its text as text."""
    import matplotlib

    text = StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": alt}):
        figure.savefig(
            text, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
    label = f'<svg role="img" aria-label="{escape(alt)}"'
    return Html(f'<figure class="drawing">{svg.replace("<svg", label, 1)}</figure>')


def _joined(parts: Sequence[str]) -> str:
    return "\n".join(_html(part) for part in parts)


def _html(part: object) -> str:
    return part if isinstance(part, Html) else escape(str(part))
