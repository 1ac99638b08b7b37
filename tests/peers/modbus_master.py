#!/usr/bin/env python3
"""A Modbus TCP master by pymodbus: a building's management system for the gateway's tests.

Asks one thing and prints one line of JSON: `{"value": …}` by pymodbus's own decoding, or
`{"exception": N}` as the server refused it. `read TABLE ADDRESS TYPE [COUNT]` and
`write TABLE ADDRESS TYPE VALUE`, with TABLE of holding, input, coil, discrete and TYPE of
pymodbus's data types (FLOAT32, INT16, STRING …) or BIT; `identify` prints vendor, product,
revision and name (43/14).
"""

import argparse
import json
import sys

from pymodbus.client import ModbusTcpClient
from pymodbus.pdu import ExceptionResponse

args = argparse.ArgumentParser(description=__doc__)
args.add_argument("--port", type=int, required=True)
args.add_argument("--unit", type=int, default=1)
args.add_argument("wish", nargs="+")
a = args.parse_args()

client = ModbusTcpClient("127.0.0.1", port=a.port, timeout=10, retries=0)
if not client.connect():
    sys.exit(f"no server at port {a.port}")


def told(answer):
    if isinstance(answer, ExceptionResponse):
        print(json.dumps({"exception": answer.exception_code}))
        sys.exit(0)
    if answer.isError():
        sys.exit(f"no answer: {answer}")
    return answer


def read(table, address, kind, count="1"):
    unit, address, count = {"device_id": a.unit}, int(address), int(count)
    if kind == "BIT":
        ask = {"coil": client.read_coils, "discrete": client.read_discrete_inputs}[table]
        return told(ask(address, count=count, **unit)).bits[:count]
    kind = client.DATATYPE[kind]
    ask = {"holding": client.read_holding_registers, "input": client.read_input_registers}[table]
    registers = told(ask(address, count=count * (kind.value[1] or 1), **unit)).registers
    return client.convert_from_registers(registers, kind)


def write(table, address, kind, value):
    unit, address = {"device_id": a.unit}, int(address)
    if table == "coil":
        return told(client.write_coil(address, value == "1", **unit)).isError()
    number = float(value) if kind.startswith("FLOAT") else int(value)
    registers = client.convert_to_registers(number, client.DATATYPE[kind])
    if len(registers) == 1:
        return told(client.write_register(address, registers[0], **unit)).isError()
    return told(client.write_registers(address, registers, **unit)).isError()


match a.wish:
    case ["read", *rest]:
        value = read(*rest)
        # JSON has no NaN.
        value = str(value) if value != value else value
    case ["write", *rest]:
        value = write(*rest)
    case ["identify"]:
        objects = told(client.read_device_information(read_code=2, device_id=a.unit)).information
        value = {str(k): v.decode() for k, v in objects.items()}
print(json.dumps({"value": value}))
