//! `wellhead scan bacnet`.

use super::found::{Address, Device, Found, Keys, Point, text};
use super::{Lang, Output, duration, range};
use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use wellhead_bacnet::client::{Failure, Peer};
use wellhead_bacnet::wire::service::{IAm, property};
use wellhead_bacnet::wire::{Reader, Value};
use wellhead_bacnet::{
    Abilities, Batch, Client, FoundDevice, FoundObject, ObjectId, PortConfig, Property,
    Registration, Timing, look_at,
};

/// The standard port.
const PORT: u16 = 47808;
/// How many addresses are asked at a time.
const AT_ONCE: usize = 8;
/// How long a BBMD may take to take us in.
const REGISTRATION: Duration = Duration::from_secs(5);

/// Finds BACnet/IP devices by Who-Is, and reads their objects with names, values and units.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wellhead scan bacnet --broadcast 192.168.1.255\n  \
    wellhead scan bacnet --range 1000-1999 --time 10s --write site.toml\n  \
    wellhead scan bacnet --address 10.0.5.20\n\n\
    Many devices answer to all on port 47808: from another port than that, some are not heard.")]
pub(super) struct Bacnet {
    /// Address and port of this machine
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:47808")]
    bind: SocketAddrV4,
    /// The network's broadcast address, with a port if devices listen at another than ours
    #[arg(long, value_name = "ADDRESS", default_value = "255.255.255.255", value_parser = broadcast)]
    broadcast: (Ipv4Addr, Option<u16>),
    /// Ask this address (and port) instead of the whole network; may be given several times
    #[arg(long, value_name = "ADDRESS", value_parser = broadcast, conflicts_with = "broadcast")]
    address: Vec<(Ipv4Addr, Option<u16>)>,
    /// A BBMD of another network, to register with as a foreign device
    #[arg(long, value_name = "ADDRESS:PORT")]
    bbmd: Option<SocketAddrV4>,
    /// Only devices of these instances: 12 or 1000-1999
    #[arg(long, value_parser = range::<u32>)]
    range: Option<(u32, u32)>,
    /// How long answers are waited for
    #[arg(long, default_value = "3s", value_parser = duration)]
    time: Duration,
    #[command(flatten)]
    pub(super) output: Output,
}

fn broadcast(text: &str) -> Result<(Ipv4Addr, Option<u16>), String> {
    if let Ok(address) = text.parse() {
        return Ok((address, None));
    }
    let both = text.parse::<SocketAddrV4>().map(|a| (*a.ip(), Some(a.port())));
    both.map_err(|_| format!("`{text}` is no address; write 192.168.1.255"))
}

impl Bacnet {
    pub(super) async fn scan(&self, lang: Lang) -> anyhow::Result<Found> {
        let client = self.open().await?;
        let answers = self.answers(&client).await.context("Who-Is")?;
        let mut unclear = Vec::new();
        let mut instances = BTreeSet::new();
        let mut asked = Vec::new();
        for (i_am, peer) in answers {
            if instances.insert(i_am.device) {
                asked.push((i_am, peer));
                continue;
            }
            let instance = i_am.device;
            unclear.push(match lang {
                Lang::En => format!(
                    "another device {instance}, at {peer}: give one of them another instance"
                ),
                Lang::Zh => format!("{peer} 处另有一台实例号为 {instance} 的设备：请更改其中之一"),
            });
        }
        told(asked.len(), lang);
        let looked = look_at_all(&client, asked).await;
        let devices = looked.into_iter().map(|looked| self.device(looked)).collect();
        let line_keys = self.line_keys();
        Ok(Found { protocol: "bacnet", line: "building", line_keys, devices, unclear })
    }

    async fn answers(&self, client: &Arc<Client>) -> Result<Vec<(IAm, Peer)>, Failure> {
        if self.address.is_empty() {
            return client.who_is(None, self.range, self.time).await;
        }
        // All at once: each waits the whole time.
        let mut asking = JoinSet::new();
        for (address, port) in &self.address {
            let asked = Peer::ip(SocketAddrV4::new(*address, port.unwrap_or(PORT)));
            let (client, range, time) = (Arc::clone(client), self.range, self.time);
            asking.spawn(async move {
                let answers = client.who_is(Some(asked), range, time).await?;
                // Others may have something to say at the same time.
                Ok(answers.into_iter().filter(|(_, peer)| peer.via == asked.via).collect())
            });
        }
        let answers: Result<Vec<Vec<_>>, Failure> = asking.join_all().await.into_iter().collect();
        let mut all: Vec<(IAm, Peer)> = answers?.into_iter().flatten().collect();
        all.sort_by_key(|(i_am, peer)| (i_am.device, *peer));
        all.dedup_by_key(|(i_am, peer)| (i_am.device, *peer));
        Ok(all)
    }

    /// Where broadcasts go.
    fn target(&self) -> SocketAddrV4 {
        let (address, port) = self.broadcast;
        let own = if self.bind.port() == 0 { PORT } else { self.bind.port() };
        SocketAddrV4::new(address, port.unwrap_or(own))
    }

    async fn open(&self) -> anyhow::Result<Arc<Client>> {
        // The client would try again until the port is free.
        if let Err(error) = UdpSocket::bind(self.bind) {
            let bind = self.bind;
            match error.kind() {
                std::io::ErrorKind::AddrInUse => bail!(
                    "UDP {bind} is in use, perhaps by a running gateway: stop that, or take \
                     another port with --bind"
                ),
                _ => bail!("can't open UDP {bind}: {error}"),
            }
        }
        let ttl = Duration::from_secs(300);
        let foreign = self.bbmd.map(|bbmd| Registration { bbmd, ttl });
        let config = PortConfig { bind: self.bind, broadcast: self.broadcast.0, foreign };
        let client = Client::open_to(config, self.target());
        let open = async {
            while client.local_address().is_none() || self.bbmd.is_some() && !client.is_registered()
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(REGISTRATION, open).await.is_err() {
            match self.bbmd.filter(|_| client.local_address().is_some()) {
                Some(bbmd) => bail!("BBMD {bbmd} does not take us in as a foreign device"),
                None => bail!("can't open UDP {}", self.bind),
            }
        }
        Ok(client)
    }

    fn line_keys(&self) -> Keys {
        let mut keys = vec![("bacnet", text(self.bind))];
        if self.broadcast.0 != Ipv4Addr::BROADCAST {
            keys.push(("broadcast", text(self.broadcast.0)));
        }
        if let Some(bbmd) = self.bbmd {
            keys.push(("bbmd", text(bbmd)));
        }
        keys
    }

    fn device(&self, looked: Looked) -> Device {
        let Looked { found, shown } = looked;
        let instance = found.i_am.device;
        let mut device = Device {
            place: format!("device {instance}, {}", found.peer),
            name: found.name.clone(),
            model: match (&found.vendor, &found.model) {
                (Some(vendor), Some(model)) => Some(format!("{vendor}, {model}")),
                (vendor, model) => vendor.clone().or(model.clone()),
            },
            number: format!("device-{instance}"),
            keys: vec![("instance", toml::Value::Integer(i64::from(instance)))],
            ..Device::default()
        };
        self.address(found.peer, &mut device);
        match found.objects {
            Ok(objects) => {
                let points = objects.into_iter().zip(shown).map(|(o, (v, s))| point(o, v, s));
                device.points = points.collect();
            }
            Err(failure) => device.problem = Some(failure.to_string()),
        }
        device
    }

    /// A device that broadcasts reach is asked for by its instance, so that it may move.
    fn address(&self, peer: Peer, device: &mut Device) {
        let found_by_asking = self.address.is_empty()
            && peer.via.port() == self.target().port()
            && self.bind.port() == self.target().port();
        let mut keys: Keys = Vec::new();
        if let Some(remote) = &peer.remote {
            let mac: String = remote.mac().iter().map(|b| format!("{b:02x}")).collect();
            keys.push(("network", toml::Value::Integer(i64::from(remote.network))));
            keys.push(("mac", text(mac)));
        }
        keys.push(("address", text(peer.via)));
        if found_by_asking {
            let keys: Vec<String> = keys.iter().map(|(k, v)| format!("{k} = {v}")).collect();
            device.hints.push(format!("Found by its instance; there it was: {}", keys.join(", ")));
        } else {
            device.keys.extend(keys);
        }
    }
}

fn told(devices: usize, lang: Lang) {
    match lang {
        Lang::En => errln!("reading the objects of {devices} devices"),
        Lang::Zh => errln!("正在读取 {devices} 台设备的对象"),
    }
}

/// What an object shows, and the names of its states.
type Shown = (Option<Result<Json, String>>, Option<toml::Value>);

/// A device, and what its objects show.
struct Looked {
    found: FoundDevice,
    shown: Vec<Shown>,
}

/// Reads the devices in their order, those at [`AT_ONCE`] addresses at a time. What shares an
/// address sits behind one router, and perhaps on one slow wire: one after the other.
async fn look_at_all(client: &Arc<Client>, devices: Vec<(IAm, Peer)>) -> Vec<Looked> {
    let mut addresses: BTreeMap<SocketAddrV4, Vec<(usize, IAm, Peer)>> = BTreeMap::new();
    for (n, (i_am, peer)) in devices.into_iter().enumerate() {
        addresses.entry(peer.via).or_default().push((n, i_am, peer));
    }
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut reading = JoinSet::new();
    for (_, devices) in addresses {
        let (client, turns) = (Arc::clone(client), Arc::clone(&turns));
        reading.spawn(async move {
            // Nobody closes it.
            let _turn = turns.acquire().await;
            let mut looked = Vec::new();
            for (n, i_am, peer) in devices {
                looked.push((n, look(&client, i_am, peer).await));
            }
            looked
        });
    }
    let mut looked: Vec<_> = reading.join_all().await.into_iter().flatten().collect();
    looked.sort_by_key(|(n, _)| *n);
    looked.into_iter().map(|(_, looked)| looked).collect()
}

async fn look(client: &Arc<Client>, i_am: IAm, peer: Peer) -> Looked {
    let timing = Timing::default();
    let found = look_at(client, i_am, peer, &timing).await;
    let mut shown = Vec::new();
    if let Ok(objects) = &found.objects {
        let values = values(client, peer, &timing, i_am.device, objects).await;
        for (object, value) in objects.iter().zip(values) {
            let states = match object.object.kind.0 {
                13 | 14 | 19 => state_texts(client, peer, &timing, object.object).await,
                _ => None,
            };
            shown.push((value, states));
        }
    }
    Looked { found, shown }
}

/// Whether the gateway knows what the present value of such an object is.
fn is_readable(object: ObjectId) -> bool {
    matches!(object.kind.0, 0..=5 | 12..=14 | 19 | 23 | 24 | 40 | 45 | 46 | 48 | 54)
}

/// Present values, in the order of the objects.
async fn values(
    client: &Arc<Client>,
    peer: Peer,
    timing: &Timing,
    instance: u32,
    objects: &[FoundObject],
) -> Vec<Option<Result<Json, String>>> {
    let wants: Vec<_> = objects
        .iter()
        .filter(|o| is_readable(o.object))
        .map(|o| (o.object, Property::PRESENT_VALUE))
        .collect();
    let mut read = Vec::new();
    let failed = match Abilities::ask(client, peer, timing, instance).await {
        Ok(abilities) => {
            let mut batch = Batch::new(peer, *timing, abilities, None);
            batch.read(client, &wants, &mut read).await.err()
        }
        Err(failure) => Some(failure),
    };
    let failed = failed.map_or_else(|| "no answer".to_owned(), |f| f.to_string());
    let mut read = read.into_iter();
    objects
        .iter()
        .map(|o| {
            is_readable(o.object).then(|| match read.next() {
                Some(Ok(value)) => json_value(o.object, &value),
                Some(Err(failure)) => Err(failure.to_string()),
                None => Err(failed.clone()),
            })
        })
        .collect()
}

fn json_value(object: ObjectId, value: &Value) -> Result<Json, String> {
    Ok(match value {
        Value::Boolean(b) => json!(b),
        Value::Enumerated(n @ (0 | 1)) if matches!(object.kind.0, 3..=5) => json!(*n == 1),
        Value::Unsigned(u) => json!(u),
        Value::Enumerated(n) => json!(n),
        Value::Signed(i) => json!(i),
        // As many digits as it has: 45.3, not 45.29999923706055.
        Value::Real(f) if f.is_finite() => json!(f.to_string().parse::<f64>().unwrap_or(0.0)),
        Value::Double(f) if f.is_finite() => json!(f),
        Value::Text(text) => json!(text),
        _ => return Err("no value".into()),
    })
}

/// The names of a multi-state object's states, if each has one of its own.
async fn state_texts(
    client: &Client,
    peer: Peer,
    timing: &Timing,
    object: ObjectId,
) -> Option<toml::Value> {
    let all = Property { id: property::STATE_TEXT, index: None };
    let content = client.read_raw(peer, timing, object, all).await.ok()?;
    let mut reader = Reader::new(&content);
    let mut states = toml::Table::new();
    let mut names = BTreeSet::new();
    while !reader.is_empty() {
        let Ok(Value::Text(name)) = Value::read(&mut reader) else { return None };
        if name.trim().is_empty() || !names.insert(name.clone()) {
            return None;
        }
        // States count from 1.
        states.insert(names.len().to_string(), text(super::table::one_line(&name)));
    }
    (!states.is_empty()).then_some(toml::Value::Table(states))
}

fn point(
    object: FoundObject,
    value: Option<Result<Json, String>>,
    states: Option<toml::Value>,
) -> Point {
    let mut point = Point {
        key: "object",
        address: Address::Text(object.object.to_string()),
        name: object.name,
        description: object.description,
        value,
        number: object.object.to_string(),
        unread: !is_readable(object.object),
        writable: object.writable,
        ..Point::default()
    };
    // Bits and states have no unit, even where a device gives one.
    let numeric = !matches!(object.object.kind.0, 3..=5 | 13 | 14 | 19 | 40);
    match (object.unit, object.unit_name) {
        (Some(unit), _) if numeric => {
            point.unit = Some(unit.symbol().to_owned());
            point.keys.push(("unit", text(unit.symbol())));
        }
        (None, Some(name)) if numeric => {
            if name != "no-units" {
                point.hints.push(format!("The device's unit is {name}"));
            }
            point.unit = Some(name);
        }
        _ => {}
    }
    match states {
        Some(states) => point.keys.push(("states", states)),
        None if matches!(object.object.kind.0, 13 | 14 | 19) => {
            point.keys.push(("class", text("status")));
            point.hints.push("states = { 1 = \"…\", 2 = \"…\" } would name them".into());
        }
        None => {}
    }
    point
}
