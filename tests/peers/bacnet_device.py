#!/usr/bin/env python3
"""A BACnet/IP device by bacpypes3: a foreign device for the gateway's tests.

It has one object of each kind that the gateway reads, and as many further analog values as asked
for. It can be a BBMD, a router to a virtual network with one device on it, or a router between two
real networks, which then also refuses what is meant for a third one. Prints `ready PORT`
once it listens; each line on standard input `set NAME VALUE` changes a present value,
`reliability NAME WORD` a reliability, `out NAME` puts an object out of service, `get NAME` prints
a present value and `slot NAME PRIORITY` what stands at that priority.
"""

import argparse
import asyncio
import sys

from bacpypes3.app import Application
from bacpypes3.basetypes import IPMode, Segmentation
from bacpypes3.constructeddata import AnyAtomic
from bacpypes3.local.analog import (
    AnalogInputObject,
    AnalogOutputObject,
    AnalogValueObject,
    AnalogValueObjectCmd,
)
from bacpypes3.local.binary import BinaryInputObject, BinaryOutputObject, BinaryValueObject
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.multistate import MultiStateInputObject, MultiStateValueObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.local.object import Object as LocalObject
from bacpypes3.npdu import RejectMessageToNetwork
from bacpypes3.object import (
    AccumulatorObject,
    CharacterStringValueObject,
    IntegerValueObject,
    LargeAnalogValueObject,
    PositiveIntegerValueObject,
    ScheduleObject,
)
from bacpypes3.primitivedata import Real
from bacpypes3.vlan import VirtualNetwork


def local(kind):
    return type("Local" + kind.__name__, (LocalObject, kind), {})


def schedule():
    """A schedule whose programme asks for 21.5 now."""
    return local(ScheduleObject)(
        objectIdentifier=("schedule", 1), objectName="programme",
        presentValue=AnyAtomic(Real(21.5)), scheduleDefault=AnyAtomic(Real(18.0)),
        priorityForWriting=16, statusFlags=[0, 0, 0, 0], reliability="noFaultDetected",
        outOfService=False,
    )


def objects(a):
    common = {"statusFlags": [0, 0, 0, 0], "eventState": "normal", "outOfService": False}
    analog = {**common, "covIncrement": 0.5}

    def make(kind, identifier, name, value, **more):
        base = analog if identifier[0].startswith("analog") else common
        return kind(objectIdentifier=identifier, objectName=name, presentValue=value, **base, **more)

    made = [
        make(AnalogInputObject, ("analog-input", 1), "supply", 45.3, units="degreesCelsius"),
        make(AnalogInputObject, ("analog-input", 2), "return", 38.1, units="degreesFahrenheit"),
        make(AnalogOutputObject, ("analog-output", 1), "valve", 0.0, units="percent",
             relinquishDefault=5.0),
        make(AnalogValueObjectCmd, ("analog-value", 1), "setpoint", 40.0, units="degreesCelsius",
             relinquishDefault=40.0),
        make(BinaryInputObject, ("binary-input", 1), "running", "active", polarity="normal"),
        make(BinaryOutputObject, ("binary-output", 1), "pump", "inactive", polarity="normal",
             relinquishDefault="inactive"),
        make(BinaryValueObject, ("binary-value", 1), "enable", "active"),
        make(MultiStateInputObject, ("multi-state-input", 1), "mode", 2, numberOfStates=3),
        make(MultiStateValueObject, ("multi-state-value", 1), "season", 3, numberOfStates=4),
        make(local(IntegerValueObject), ("integer-value", 1), "offset", -7, units="noUnits"),
        make(local(LargeAnalogValueObject), ("large-analog-value", 1), "energy", 123456789.25,
             units="kilowattHours"),
        make(local(PositiveIntegerValueObject), ("positive-integer-value", 1), "starts", 4000000000,
             units="noUnits"),
        make(local(CharacterStringValueObject), ("characterstring-value", 1), "text", "地热 AHU"),
        make(local(AccumulatorObject), ("accumulator", 1), "pulses", 7001, units="kilowattHours",
             scale={"integerScale": 0}, maxPresValue=1000000, limitMonitoringInterval=0),
    ]
    made += [
        make(AnalogValueObject, ("analog-value", 1000 + n), f"many-{n}", float(n), units="kilowatts")
        for n in range(a.objects)
    ]
    if a.schedule:
        made.append(schedule())
    ucs2 = next(o for o in made if str(o.objectName) == "mode")
    ucs2.objectName = "运行 mode"
    ucs2.objectName._encoding = 4
    latin = next(o for o in made if str(o.objectName) == "season")
    latin.objectName = "Zuluft °C"
    latin.objectName._encoding = 5
    return made


def device(instance, name, a):
    d = DeviceObject(objectIdentifier=("device", instance), objectName=name)
    d.maxApduLengthAccepted = a.max_apdu
    if a.no_segmentation:
        d.segmentationSupported = Segmentation.noSegmentation
    return d


def refuse_other_networks(app, known):
    """What bacpypes3 leaves out: a router says so when it has no route (135, clause 6.6.3.5)."""
    forward = app.nsap.process_npdu

    async def process(adapter, npdu):
        to = npdu.npduDADR
        if to is None or to.addrNet in (None, 0xFFFF, *known):
            return await forward(adapter, npdu)
        reject = RejectMessageToNetwork(1, to.addrNet)
        reject.pduDestination = npdu.pduSource
        await app.nse.response(adapter, reject)

    app.nsap.process_npdu = process


def ip_port(address, number, network, a):
    return NetworkPortObject(
        f"{address}:{a.port}",
        objectIdentifier=("network-port", number),
        objectName=f"port-{number}",
        networkNumber=network,
        networkNumberQuality="configured" if network else "unknown",
    )


def start(a):
    """One application, or two: a router, and the device on the network behind it."""
    port = ip_port(a.address, 1, a.network, a)
    if a.beyond:
        other = ip_port(a.beyond, 2, a.routes, a)
        router = Application.from_object_list([device(a.instance, a.name, a), port, other])
        refuse_other_networks(router, (a.network, a.routes))
        return [router]
    if a.bbmd:
        port.bacnetIPMode = IPMode.bbmd
        port.bbmdAcceptFDRegistrations = True
        port.bbmdForeignDeviceTable = []
        port.bbmdBroadcastDistributionTable = []
    if not a.routes:
        app = Application.from_object_list([device(a.instance, a.name, a), port, *objects(a)])
        app.asap.proposedWindowSize = a.window
        return [app]
    VirtualNetwork("behind")

    def virtual(mac):
        return NetworkPortObject(
            objectIdentifier=("network-port", 2),
            objectName="port-2",
            networkType="virtual",
            networkInterfaceName="behind",
            macAddress=mac,
            networkNumber=a.routes,
            networkNumberQuality="configured",
            statusFlags=[0, 0, 0, 0],
            reliability="no-fault-detected",
            outOfService=False,
            protocolLevel="bacnet-application",
            changesPending=False,
        )

    router = Application.from_object_list([device(a.instance + 1, "router", a), port, virtual(b"\x01")])
    behind = [device(a.instance, a.name, a), virtual(b"\x0a"), *objects(a)]
    return [router, Application.from_object_list(behind)]


async def obey(app, reader):
    while line := (await reader.readline()).decode().split():
        named = {str(o.objectName): o for o in app.objectIdentifier.values()}
        match line:
            case ["set", name, value]:
                o = named[name]
                o.presentValue = type(o.presentValue)(
                    float(value) if isinstance(o.presentValue, float) else value
                )
            case ["out", name]:
                named[name].outOfService = True
            case ["reliability", name, word]:
                named[name].reliability = word
            case ["get", name]:
                print(f"{name} {named[name].presentValue}", flush=True)
            case ["slot", name, priority]:
                slot = named[name].priorityArray[int(priority) - 1]
                print(f"{name} {slot._choice} {getattr(slot, slot._choice)}", flush=True)


async def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("--port", type=int, required=True)
    args.add_argument("--address", default="127.0.0.1/32", help="address and length of the prefix")
    args.add_argument("--instance", type=int, default=12)
    args.add_argument("--name", default="plant")
    args.add_argument("--objects", type=int, default=0, help="further analog values")
    args.add_argument("--schedule", action="store_true", help="a schedule besides")
    args.add_argument("--max-apdu", type=int, default=1024)
    args.add_argument("--no-segmentation", action="store_true")
    args.add_argument("--window", type=int, default=4)
    args.add_argument("--bbmd", action="store_true")
    args.add_argument("--network", type=int, default=0)
    args.add_argument("--routes", type=int, default=0, help="network with a device behind this one")
    args.add_argument("--beyond", help="a router's address on the real network that it routes to")
    a = args.parse_args()
    apps = start(a)
    # Sockets are opened by tasks of their own.
    await asyncio.sleep(0.2)
    print(f"ready {a.port}", flush=True)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await obey(apps[-1], reader)


asyncio.run(main())
