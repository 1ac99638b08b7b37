// A foreign BACnet/IP client (@bacnet-js/client), told what to do by JSON lines on standard input,
// as bacnet_client.py is: each `{"do": …}` gets one line `{"ok": …}` or `{"error": …}`,
// notifications are lines `{"cov": …}`.
import * as bacnet from '@bacnet-js/client';
import { createInterface } from 'node:readline';

const Client = bacnet.default.default ?? bacnet.default;
const client = new Client({ port: Number(process.argv[2]), interface: '127.0.0.1', apduTimeout: 20000 });
const say = (line) => console.log(JSON.stringify(line));

const number = (names, word) => {
  const key = word.toUpperCase().replaceAll('-', '_');
  if (!(key in names)) throw new Error(`no ${word}`);
  return names[key];
};
const object = (text) => {
  const [type, instance] = text.split(',');
  return { type: number(bacnet.ObjectType, type), instance: Number(instance) };
};
const property = (word) => number(bacnet.PropertyIdentifier, word);
const to = (address) => ({ address });
const plain = (value) => {
  if (Array.isArray(value)) return value.length === 1 ? plain(value[0]) : value.map(plain);
  if (value && typeof value === 'object' && 'value' in value) return plain(value.value);
  return value;
};
const TAGS = {
  real: bacnet.ApplicationTag.REAL,
  enumerated: bacnet.ApplicationTag.ENUMERATED,
  unsigned: bacnet.ApplicationTag.UNSIGNED_INTEGER,
};

const told = (message) => {
  const { subscriberProcessId, values } = message.payload;
  for (const change of values) {
    const name = Object.entries(bacnet.PropertyIdentifier).find(([, id]) => id === change.property.id);
    const word = name ? name[0].toLowerCase().replaceAll('_', '-') : change.property.id;
    say({ cov: subscriberProcessId, property: word, value: plain(change.value) });
  }
};
client.on('covNotifyUnconfirmed', told);
client.on('covNotify', (message) => {
  told(message);
  client.simpleAckResponse(message.header.sender, message.service, message.invokeId);
});

const orders = {
  async read(o) {
    const options = o.index == null ? {} : { arrayIndex: o.index };
    const answer = await client.readProperty(to(o.to), object(o.object), property(o.property), options);
    return plain(answer.values);
  },
  async read_many(o) {
    const wanted = Object.entries(o.objects).map(([name, properties]) => ({
      objectId: object(name),
      properties: properties.map((word) => ({ id: property(word) })),
    }));
    const answer = await client.readPropertyMultiple(to(o.to), wanted);
    return answer.values.map((one) => ({
      object: one.objectId,
      properties: Object.fromEntries(one.values.map((held) => [held.id, plain(held.value)])),
    }));
  },
  async write(o) {
    const value = o.value === null
      ? { type: bacnet.ApplicationTag.NULL, value: null }
      : { type: TAGS[o.kind], value: o.value };
    await client.writeProperty(to(o.to), object(o.object), property('present-value'), [value], {
      priority: o.priority,
    });
    return true;
  },
  async subscribe(o) {
    await client.subscribeCov(to(o.to), object(o.object), o.id, false, o.confirmed ?? false, o.lifetime ?? 60);
    return true;
  },
};

say({ ok: 'ready' });
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  try {
    say({ ok: await orders[order.do](order) });
  } catch (error) {
    say({ error: String(error.message ?? error) });
  }
}
client.close();
