#!/usr/bin/env python3
"""An MQTT 5 client by paho: the cloud platform of the gateway's tests.

Prints every message below ROOT as one JSON line: topic, retain, payload, and for replies their
correlation data. Each line on standard input is a command to send: a JSON object with `payload`
(text), and optionally `topic` (default ROOT/cmd), `correlation`, `retain`.
"""

import argparse
import json
import sys

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

args = argparse.ArgumentParser(description=__doc__)
args.add_argument("--port", type=int, required=True)
args.add_argument("--root", required=True)
args.add_argument("--user")
args.add_argument("--password")
args.add_argument("--ca")
a = args.parse_args()

REPLIES = "platform/replies"


def on_connect(client, _data, _flags, reason, _props):
    if reason.is_failure:
        sys.exit(f"mqtt_client: refused: {reason}")
    client.subscribe([(a.root + "/#", 1), (REPLIES, 1)])


def on_subscribe(_client, _data, _mid, _codes, _props):
    print(json.dumps({"ready": True}), flush=True)


def on_message(_client, _data, m):
    correlation = getattr(m.properties, "CorrelationData", None)
    out = {
        "topic": m.topic,
        "retain": m.retain,
        "qos": m.qos,
        "payload": m.payload.decode(),
        "correlation": correlation.decode() if correlation else None,
    }
    print(json.dumps(out), flush=True)


c = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
c.on_connect, c.on_subscribe, c.on_message = on_connect, on_subscribe, on_message
if a.user:
    c.username_pw_set(a.user, a.password)
if a.ca:
    c.tls_set(a.ca)
c.connect("localhost", a.port)
c.loop_start()
for line in sys.stdin:
    wish = json.loads(line)
    props = Properties(PacketTypes.PUBLISH)
    if "correlation" in wish:
        props.ResponseTopic = REPLIES
        props.CorrelationData = wish["correlation"].encode()
    topic = wish.get("topic", a.root + "/cmd")
    c.publish(topic, wish["payload"], qos=1, retain=wish.get("retain", False), properties=props)
c.loop_stop()
