"""The picture of the item just judged, as a browser gets it: a JPEG with what was measured."""

from __future__ import annotations

import json
import struct
from typing import Any

import cv2

from batsort_graph import images

QUALITY = 80


def picture(message: Any, verdict: Any) -> bytes:
    """The length of a JSON head (big-endian uint32), the head, and the JPEG.

    Args:
        message: sensor_msgs/Image that was judged.
        verdict: BatteryClassification of it.

    Raises:
        ImageError: the image can't be read.
    """
    rgb = images.to_rgb(message)
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    roi = verdict.roi
    head = {
        "width": message.width,
        "height": message.height,
        "box": [roi.x_offset, roi.y_offset, roi.width, roi.height],
        "item": str(verdict.item_id),
        "type": verdict.type,
        "confidence": round(float(verdict.confidence), 3),
        "novelty": round(float(verdict.novelty), 3),
    }
    text = json.dumps(head).encode()
    return struct.pack(">I", len(text)) + text + jpeg.tobytes()
