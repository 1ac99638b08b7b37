#!/usr/bin/env python3
"""An M-Bus master by the package pyMeterBus: a foreign reader for the plant's meters.

Reads one meter behind a converter on loopback, by primary address or by 16 hex digits of secondary
address, telegram after telegram, and prints one line of JSON: who answered, and its records.
"""

import argparse
import json

import meterbus
import serial

SELECTED = 253


def hear(line):
    data = meterbus.recv_frame(line)
    if not data:
        raise SystemExit("no reply, or none that is whole")
    return meterbus.load(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="TCP port on loopback")
    parser.add_argument("address", help="primary, or 16 hex digits")
    arguments = parser.parse_args()
    line = serial.serial_for_url(f"socket://127.0.0.1:{arguments.port}", timeout=20)
    if len(arguments.address) == 16:
        meterbus.send_select_frame(line, arguments.address)
        address = SELECTED
    else:
        address = int(arguments.address)
        meterbus.send_ping_frame(line, address)
    if not isinstance(hear(line), meterbus.TelegramACK):
        raise SystemExit("no acknowledgement")
    records = []
    frame_count = True
    while True:
        if frame_count:
            meterbus.send_request_frame_multi(line, address)
        else:
            request = meterbus.TelegramShort()
            request.header.cField.parts = [0x5B]
            request.header.aField.parts = [address]
            meterbus.send_request_frame_multi(line, req=request)
        telegram = hear(line)
        records += [r.interpreted for r in telegram.records if r.value is not None]
        if not telegram.more_records_follow:
            break
        frame_count = not frame_count
    header = telegram.body.bodyHeader.interpreted
    print(json.dumps({"header": header, "records": records}, default=str), flush=True)


if __name__ == "__main__":
    main()
