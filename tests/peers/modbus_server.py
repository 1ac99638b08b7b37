#!/usr/bin/env python3
"""A Modbus server by pymodbus: a foreign device for the gateway's tests.

One unit with a small register map that has each type the gateway reads. Prints `ready PORT` once
it listens; each line on standard input `set ADDRESS VALUE` changes a holding register, `get
ADDRESS` prints it, so that a test sees what the device itself holds.
"""

import argparse
import asyncio
import struct
import sys

from pymodbus import FramerType
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusSerialServer, ModbusTcpServer


def words(fmt, value):
    raw = struct.pack(fmt, value)
    return list(struct.unpack(f">{len(raw) // 2}H", raw))


def holding():
    """Addresses 0 to 99; what is not named here counts up from 1000."""
    regs = [1000 + i for i in range(100)]

    def put(address, values):
        regs[address : address + len(values)] = values

    put(0, [453])  # i16, 0.1 degC: 45.3
    put(1, words(">h", -105))  # i16, 0.1 degC: -10.5
    put(2, words(">I", 123456789))  # u32, big-endian
    put(4, words(">I", 123456789)[::-1])  # u32, low word first
    put(6, words(">f", 12.5))  # f32
    put(8, words(">d", -0.001))  # f64
    put(12, words(">Q", 2**63 + 1))  # u64 beyond 2^53
    put(16, [0x1234])  # BCD: 1234
    put(17, list(struct.unpack(">4H", b"HP-1642 ")))  # text
    put(21, [0x8000])  # no sensor
    put(22, [0b1010])  # bits
    put(23, [2])  # state: heat
    put(30, [400])  # setpoint, 0.1 degC
    put(31, [0])  # mode
    return regs


def context(unit):
    # A block's first address is 1: the server adds one to the address on the wire.
    device = ModbusDeviceContext(
        di=ModbusSequentialDataBlock(1, [True, False] * 8),
        co=ModbusSequentialDataBlock(1, [False] * 16),
        hr=ModbusSequentialDataBlock(1, holding()),
        ir=ModbusSequentialDataBlock(1, [7000 + i for i in range(100)]),
    )
    return device, ModbusServerContext(devices={unit: device}, single=False)


async def obey(device, reader):
    while line := (await reader.readline()).decode().split():
        match line:
            case ["set", address, value]:
                device.setValues(16, int(address), [int(value)])
            case ["get", address]:
                print(device.getValues(3, int(address), 1)[0], flush=True)


async def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--port", type=int, help="TCP port")
    args.add_argument("--serial", help="serial device, RTU")
    args.add_argument("--baud", type=int, default=19200)
    args.add_argument("--unit", type=int, default=1)
    a = args.parse_args()
    device, ctx = context(a.unit)
    if a.serial:
        server = ModbusSerialServer(
            ctx, framer=FramerType.RTU, port=a.serial, baudrate=a.baud, parity="N"
        )
    else:
        server = ModbusTcpServer(ctx, address=("127.0.0.1", a.port))
    await server.serve_forever(background=True)
    print(f"ready {a.serial or a.port}", flush=True)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await obey(device, reader)
    await server.shutdown()


asyncio.run(main())
