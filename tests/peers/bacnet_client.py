"""A foreign BACnet/IP client (bacpypes3), told what to do by JSON lines on standard input.

Each line `{"do": …}` is answered with one line `{"ok": …}` or `{"error": …}`; notifications of
changes come as lines `{"cov": …}` of their own. bacpypes3 takes any 127.x address on its own port
for itself, so it needs a port that nobody else has.
"""

import argparse
import asyncio
import json
import sys

from bacpypes3.apdu import (
    AbortPDU,
    Error,
    ErrorRejectAbortNack,
    SubscribeCOVPropertyRequest,
    error_types,
)
from bacpypes3.constructeddata import AnyAtomic, Sequence
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import (
    BitString,
    CharacterString,
    Enumerated,
    Null,
    ObjectIdentifier,
    Real,
    Unsigned,
)

KINDS = {"real": Real, "enumerated": Enumerated, "unsigned": Unsigned, "text": CharacterString}

# The library knows no Error in answer to SubscribeCOVProperty, and would wait for ever.
SUBSCRIBE_COV_PROPERTY = 28
error_types.setdefault(
    SUBSCRIBE_COV_PROPERTY,
    type("SubscribeCOVPropertyError", (Error,), {"service_choice": SUBSCRIBE_COV_PROPERTY}),
)


def plain(value):
    """A value as JSON has it."""
    if isinstance(value, AnyAtomic):
        return plain(value.get_value())
    if value is None or isinstance(value, Null):
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, Enumerated):
        return str(value)
    if isinstance(value, (int, float)):
        return float(value) if isinstance(value, float) else int(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, BitString):
        return [int(bit) for bit in value]
    if isinstance(value, ObjectIdentifier):
        return "%s,%d" % value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Sequence):
        chosen = getattr(value, "_choice", None)
        if chosen:
            return plain(getattr(value, chosen))
    if isinstance(value, ErrorRejectAbortNack):
        return {"error": str(value)}
    return str(value)


def say(line):
    print(json.dumps(line, ensure_ascii=False), flush=True)


class Client:
    def __init__(self, app):
        self.app = app
        self.watching = {}

    async def who_is(self, to, low=None, high=None):
        answers = await self.app.who_is(low, high, Address(to), timeout=2)
        return [
            {
                "device": plain(i_am.iAmDeviceIdentifier),
                "max_apdu": int(i_am.maxAPDULengthAccepted),
                "segmentation": str(i_am.segmentationSupported),
                "vendor": int(i_am.vendorID),
                "from": str(i_am.pduSource),
            }
            for i_am in answers
        ]

    async def who_has(self, to, name=None, object=None):
        # The library takes one or the other.
        sought = {"object_name": name} if name else {"object_identifier": ObjectIdentifier(object)}
        answers = await self.app.who_has(address=Address(to), timeout=2, **sought)
        return [
            {"device": plain(a.deviceIdentifier), "object": plain(a.objectIdentifier), "name": str(a.objectName)}
            for a in answers or []
        ]

    async def read(self, to, object, property, index=None):
        return plain(
            await self.app.read_property(Address(to), ObjectIdentifier(object), property, index)
        )

    async def read_many(self, to, objects):
        """`objects` maps an object to its properties."""
        wanted = []
        for name, properties in objects.items():
            wanted += [ObjectIdentifier(name), properties]
        answers = await self.app.read_property_multiple(Address(to), wanted)
        found = {}
        for object, property, index, value in answers:
            key = str(property) if index is None else "%s[%d]" % (property, index)
            found.setdefault(plain(object), {})[key] = plain_or_error(value)
        return found

    async def write(self, to, object, property, value, kind=None, priority=None, index=None):
        typed = Null(()) if value is None else KINDS[kind](value)
        done = await self.app.write_property(
            Address(to), ObjectIdentifier(object), property, typed, index, priority
        )
        return plain(done)

    async def subscribe(self, to, object, id, confirmed=False, lifetime=60):
        started, stop = asyncio.get_running_loop().create_future(), asyncio.Event()
        subscription = self.app.change_of_value(
            Address(to), ObjectIdentifier(object), id, confirmed, lifetime
        )
        task = asyncio.ensure_future(self.watch(subscription, id, started, stop))
        self.watching[id] = (task, stop)
        return await started

    async def watch(self, subscription, id, started, stop):
        try:
            async with subscription as changes:
                started.set_result(True)
                stopped = asyncio.ensure_future(stop.wait())
                while not stop.is_set():
                    change = asyncio.ensure_future(changes.get_value())
                    await asyncio.wait({change, stopped}, return_when=asyncio.FIRST_COMPLETED)
                    if change.done():
                        property, value = change.result()
                        say({"cov": id, "property": str(property), "value": plain_or_error(value)})
                    else:
                        change.cancel()
        except BaseException as error:  # what the library raises is no Exception
            if not started.done():
                started.set_exception(RuntimeError(str(error)))

    async def unsubscribe(self, id):
        task, stop = self.watching.pop(id)
        stop.set()
        await task
        return True

    async def subscribe_property(self, to, object, id, property, increment=None, lifetime=60):
        request = SubscribeCOVPropertyRequest(
            subscriberProcessIdentifier=id,
            monitoredObjectIdentifier=ObjectIdentifier(object),
            issueConfirmedNotifications=False,
            lifetime=lifetime,
            monitoredPropertyIdentifier=property,
            covIncrement=increment,
            destination=Address(to),
        )
        return plain(await self.app.request(request))


def plain_or_error(value):
    if hasattr(value, "errorClass"):
        return {"error": "%s %s" % (value.errorClass, value.errorCode)}
    return plain(value)


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--bind", required=True)
    bind = arguments.parse_args().bind
    device = DeviceObject(
        objectIdentifier=("device", 4000000), objectName="foreign client", vendorIdentifier=999
    )
    app = NormalApplication(device, IPv4Address(bind))
    client = Client(app)
    loop = asyncio.get_running_loop()
    say({"ok": "ready"})
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        try:
            say({"ok": await getattr(client, order.pop("do"))(**order)})
        except (ErrorRejectAbortNack, AbortPDU) as error:
            say({"error": str(error)})
        except Exception as error:
            say({"error": "%s: %s" % (type(error).__name__, error)})
    app.close()


asyncio.run(main())
