"""The reference PLC as a process of its own, for tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from batsort_description.cell_file import load_cell
from batsort_hardware.modbus_link import ModbusLink
from batsort_hardware.modbus_map import STATUS_SIZE, Status, status_of
from batsort_hardware.modbus_options import read_options

CONFIG = Path(__file__).parents[3] / "config"
CELL_FILE = CONFIG / "cell.yaml"
HARDWARE_FILE = CONFIG / "hardware" / "plc" / "hardware.yaml"


def document(**changed: Any) -> dict[str, Any]:
    """The hardware file that comes with BatSort, with other values."""
    return yaml.safe_load(HARDWARE_FILE.read_text()) | changed


class PlcProcess:
    """Runs at a free port, or at one it is given, until it is killed."""

    def __init__(self, log: Path, port: int = 0, hardware_file: Path = HARDWARE_FILE) -> None:
        self._log = log
        program = [sys.executable, "-m", "batsort_hardware.reference_plc"]
        files = ["--cell-file", str(CELL_FILE), "--hardware-file", str(hardware_file)]
        self.process = subprocess.Popen(
            [*program, *files, "--port", str(port), "--log", str(log)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        told = self.process.stdout.readline()
        assert "reference PLC at" in told, told
        self.port = int(told.rpartition(":")[2])

    def status(self) -> Status:
        """What it shows to one who asks it beside the driver."""
        options = read_options(document(port=self.port), load_cell(str(CELL_FILE)))
        link = ModbusLink(options)
        try:
            return status_of(link.read(options.addresses.status, STATUS_SIZE))
        finally:
            link.close()

    @property
    def fired(self) -> list[int]:
        """Items that a valve was energised for, in order: the PLC's own witness."""
        return [row["item_id"] for row in self._rows("fired")]

    @property
    def opened(self) -> list[tuple[int, int]]:
        """The same, and where the belt was when their jets opened."""
        return [(row["item_id"], row["count"]) for row in self._rows("fired")]

    @property
    def exposed(self) -> list[tuple[int, int]]:
        """Items that the camera's trigger was pulsed for, and the counts."""
        return [(row["item_id"], row["count"]) for row in self._rows("exposed")]

    def _rows(self, what: str) -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [row for row in rows if row["what"] == what]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
