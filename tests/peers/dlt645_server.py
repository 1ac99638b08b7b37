#!/usr/bin/env python3
"""A DL/T 645-2007 meter by the package dlt645: a foreign device for the gateway's tests.

Address 123456781012, with values of each form. Prints `ready` once it listens; each line on
standard input `set IDENTIFIER VALUE` changes an energy or a variable.
"""

import argparse
import sys
from datetime import datetime

from dlt645 import MeterServerService
from dlt645.model.types.dlt645_type import Demand


def put(meter, identifier, value):
    known = meter.set_00 if identifier < 0x01000000 else meter.set_02
    if not known(identifier, value):
        raise SystemExit(f"the meter has no {identifier:08X}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, help="TCP port on loopback")
    parser.add_argument("--serial", help="serial device instead")
    arguments = parser.parse_args()
    if arguments.serial:
        meter = MeterServerService.new_rtu_server(arguments.serial, 8, 1, 9600, "N", 1.0)
    else:
        meter = MeterServerService.new_tcp_server("127.0.0.1", arguments.port, 3000)
    # The package keeps addresses as they travel, low byte first.
    meter.set_address(bytes.fromhex("123456781012")[::-1])
    put(meter, 0x00010000, 123456.78)
    put(meter, 0x00010100, 100000.01)
    put(meter, 0x00020000, 0.26)
    meter.set_01(0x01010000, Demand(12.3456, datetime(2026, 1, 10, 6, 30)))
    put(meter, 0x02010100, 230.1)
    put(meter, 0x02010200, 229.9)
    put(meter, 0x02020100, -12.345)
    put(meter, 0x02030000, -5.1234)
    put(meter, 0x02060000, 0.875)
    put(meter, 0x02800002, 49.98)
    put(meter, 0x02800007, 31.5)
    if not meter.server.start():
        raise SystemExit("the meter did not start")
    print("ready", flush=True)
    for line in sys.stdin:
        _, identifier, value = line.split()
        put(meter, int(identifier, 16), float(value))
        print(f"set {identifier} {value}", flush=True)


if __name__ == "__main__":
    main()
