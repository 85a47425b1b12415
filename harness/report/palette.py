"""Colours that the colour-blind tell apart (Okabe–Ito), different in grey; each series has a dash of its own too."""

from __future__ import annotations

__all__ = [
    "BLUE",
    "GREY",
    "INK",
    "LIGHT",
    "ORANGE",
    "PHASES",
    "SKY",
    "SLOW",
    "STOLEN",
    "VERMILION",
    "heat_colour",
    "ink_on",
]

INK = "#1c2530"
GREY = "#5b6673"
LIGHT = "#d5dae0"
BLUE = "#0072b2"
SKY = "#56b4e9"
ORANGE = "#e69f00"
VERMILION = "#d55e00"
STOLEN = "#8a93a0"
"""The strokes of a hatching, which lie across a panel: seen on white and on both tints, and never as a curve."""
SLOW = "#000000"
"""One site among the network's curves: Okabe–Ito's black, the furthest from all others in grey, too."""
PHASES = ("#eef2f6", "#dfe6ee")
"""Two tints that take turns behind the phases."""

_HEAT = ((1.0, 1.0, 1.0), (0.86, 0.92, 0.97), (0.45, 0.68, 0.85), (0.0, 0.35, 0.6), (0.02, 0.15, 0.3))
"""White to dark blue: lightness falls all the way, so the order survives a black-and-white print."""


def heat_colour(share: float) -> str:
    """`#rrggbb` for a share of the darkest, 0 (white) to 1."""
    place = min(max(share, 0.0), 1.0) * (len(_HEAT) - 1)
    lower = min(int(place), len(_HEAT) - 2)
    part = place - lower
    channels = (a + (b - a) * part for a, b in zip(_HEAT[lower], _HEAT[lower + 1], strict=True))
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)


def ink_on(colour: str) -> str:
    """Black or white, whichever contrasts more with `colour`: at least 4.5 to 1 (relative luminance by WCAG 2)."""
    red, green, blue = (_linear(int(colour[start : start + 2], 16) / 255) for start in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    # 1.05/(L+0.05) with white, (L+0.05)/0.05 with black: equal at L = 0.179.
    return "#000000" if luminance > 0.179 else "#ffffff"


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
