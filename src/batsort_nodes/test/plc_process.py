"""The reference PLC as a process of its own, for tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

CONFIG = Path(__file__).parents[3] / "config"
CELL_FILE = CONFIG / "cell.yaml"
HARDWARE_FILE = CONFIG / "hardware" / "plc" / "hardware.yaml"


def document(**changed: Any) -> dict[str, Any]:
    """The hardware file that comes with BatSort, with other values."""
    return yaml.safe_load(HARDWARE_FILE.read_text()) | changed


class PlcProcess:
    """Runs at a free port, or at one it is given, until it is killed."""

    def __init__(self, log: Path, port: int = 0) -> None:
        self._log = log
        program = [sys.executable, "-m", "batsort_nodes.reference_plc"]
        files = ["--cell-file", str(CELL_FILE), "--hardware-file", str(HARDWARE_FILE)]
        self.process = subprocess.Popen(
            [*program, *files, "--port", str(port), "--log", str(log)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        told = self.process.stdout.readline()
        assert "reference PLC at" in told, told
        self.port = int(told.split(":")[1].split(";")[0])

    @property
    def fired(self) -> list[int]:
        """Items that a valve was energised for, in order: the PLC's own witness."""
        rows = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [row["item_id"] for row in rows if row["what"] == "fired"]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
