"""Registers of a PLC over Modbus TCP: one request at a time, its answer held against it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from batsort_hardware.modbus_map import MapError
from batsort_hardware.modbus_options import ModbusOptions

_READ, _WRITE = 3, 16
"""Function codes: read holding registers, write multiple registers."""


class LinkError(OSError):
    """The connection is of no use any more: it has to be made anew."""


class ModbusLink:
    """Connects by itself; after a LinkError it is closed, and the next request connects again."""

    def __init__(self, options: ModbusOptions) -> None:
        # Its log repeats, line by line, what the driver's trouble says once.
        logging.getLogger("pymodbus").addHandler(logging.NullHandler())
        self._unit = options.unit
        self._client = ModbusTcpClient(
            options.host, port=options.port, timeout=options.timeout_s, retries=0
        )

    @property
    def connected(self) -> bool:
        return self._client.connected

    def read(self, address: int, count: int) -> list[int]:
        """`count` registers. Raises LinkError; MapError where the answer is none to that."""
        client, unit = self._client, self._unit
        answer = self._ask(
            _READ, lambda: client.read_holding_registers(address, count=count, device_id=unit)
        )
        if len(answer.registers) != count:
            raise MapError(
                "wrong length",
                f"answer: {len(answer.registers)} registers are refused; allowed: {count}",
            )
        return list(answer.registers)

    def write(self, address: int, registers: list[int]) -> None:
        """Write them in one request. Raises as `read`."""
        client, unit = self._client, self._unit
        answer = self._ask(
            _WRITE, lambda: client.write_registers(address, registers, device_id=unit)
        )
        if (answer.address, answer.count) != (address, len(registers)):
            raise MapError(
                "wrong value",
                f"answer: {answer.count} registers at {answer.address} are refused; "
                f"allowed: {len(registers)} at {address}, as they were written",
            )

    def close(self) -> None:
        self._client.close()

    def _ask(self, function: int, request: Callable[[], ModbusPDU]) -> ModbusPDU:
        try:
            if not self._client.connect():
                raise ConnectionError("it takes no connection")
            answer = request()
        except (ModbusException, OSError, UnicodeError) as error:
            # UnicodeError: a host that can't be a name, such as "plc..local".
            self.close()
            raise LinkError(" ".join(str(error).split())) from None
        if answer.isError():
            raise MapError("exception", f"the PLC answers with exception {answer.exception_code}")
        if answer.function_code != function:
            raise MapError(
                "wrong function",
                f"answer: function {answer.function_code} is refused; allowed: {function}",
            )
        return answer
