//! The gateway as a BACnet device: chosen points are objects that other systems read, subscribe to
//! and, where the site allows it, command.
//!
//! Whoever starts it gives the objects and hands in what their points show ([`Server::update`]);
//! it gives back [`Command`]s, which wait for an answer. It decides over no output: what stands in
//! the sixteen slots is asked of [`Slots`] each time, so that Priority_Array shows the truth.
//! Present_Value is what the machine shows, also of an output.
//!
//! Executed: Who-Is, Who-Has, ReadProperty, ReadPropertyMultiple, WriteProperty of Present_Value
//! (priorities 3 to 16), SubscribeCOV and SubscribeCOVProperty, confirmed or not. Answers are
//! segmented, requests are not. It is no BBMD and no router, registers with none, and has no alarms, schedules
//! or trends. [`Core`] does all of it without a socket; time is handed in.

mod core;
mod cov;
mod device;
mod object;
mod segments;
#[cfg(test)]
mod tests;

pub use self::core::{Core, Waiting, Write};
pub use object::{Holds, Live, ObjectSpec};

use crate::wire::{DATAGRAM_MAX, Remote, Value, tag};
use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use wellhead_model::{Quality, Value as PointValue};

/// Commands that may wait for whoever takes them.
const COMMANDS: usize = 64;
/// How long a command's answer is waited for.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// Where BACnet/IP listens.
const PORT: u16 = 47_808;
/// How long the socket rests after it could not read.
const REST: Duration = Duration::from_millis(100);

/// The device as it shows itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Device instance, 0 to 4194302, unique on the whole internetwork.
    pub instance: u32,
    /// Object_Name of the device, unique likewise.
    pub name: String,
    /// Description.
    pub description: String,
}

/// In which characters names are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    /// UTF-8, what everything since 2008 reads.
    #[default]
    Utf8,
    /// UCS-2, for older workstations, which would show anything but ASCII as noise.
    Ucs2,
}

impl Charset {
    fn text(self, text: &str) -> Value {
        const UCS_2: u8 = 4;
        match self {
            Charset::Utf8 => Value::Text(text.to_owned()),
            Charset::Ucs2 => {
                let units = text.encode_utf16().flat_map(u16::to_be_bytes);
                let content: Vec<u8> = std::iter::once(UCS_2).chain(units).collect();
                let mut bytes = Vec::with_capacity(content.len() + 4);
                tag::application(&mut bytes, 7, &content);
                Value::Other(bytes)
            }
        }
    }
}

/// What a server is started with.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerConfig {
    /// Address and port.
    pub bind: SocketAddrV4,
    /// Where it announces itself.
    pub broadcast: Ipv4Addr,
    /// The device.
    pub device: DeviceInfo,
    /// How its texts are sent.
    pub charset: Charset,
    /// Its objects; an index elsewhere is a place in this list. No two may have one identifier or
    /// one name: see [`clash`].
    pub objects: Vec<ObjectSpec>,
}

/// Two objects, by their places, that have the same identifier or name.
#[must_use]
pub fn clash(objects: &[ObjectSpec]) -> Option<(usize, usize)> {
    let same = |a: &ObjectSpec, b: &ObjectSpec| a.id() == b.id() || a.name == b.name;
    let before = |(at, b): (usize, &ObjectSpec)| {
        objects.iter().take(at).position(|a| same(a, b)).map(|first| (first, at))
    };
    objects.iter().enumerate().find_map(before)
}

/// Who knows what stands in the slots of an output.
pub trait Slots: Send + Sync {
    /// The values in slots 1 to 16 of the object at a place.
    fn slots(&self, index: usize) -> [Option<PointValue>; 16];
}

/// A wish to command an object.
#[derive(Debug)]
pub struct Command {
    /// The object's place.
    pub index: usize,
    /// The value; `None` relinquishes.
    pub value: Option<PointValue>,
    /// 3 to 16.
    pub priority: u8,
    /// Where it came from.
    pub from: SocketAddrV4,
    /// Takes the answer.
    pub reply: oneshot::Sender<Result<(), CommandRefused>>,
}

/// Why a command is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandRefused {
    /// Nobody may write this, or not at this priority.
    Denied,
    /// The value is none that the output takes.
    OutOfRange,
    /// Not now.
    Busy,
    /// It went wrong.
    Failed,
}

/// Who talks to us: a UDP address, and behind a router an address on its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Peer {
    address: SocketAddrV4,
    remote: Option<Remote>,
}

impl Peer {
    /// Writes a BACnetAddress.
    fn write(&self, out: &mut Vec<u8>) {
        let [high, low] = self.address.port().to_be_bytes();
        let [a, b, c, d] = self.address.ip().octets();
        let own = [a, b, c, d, high, low];
        let (network, mac) = match &self.remote {
            Some(remote) => (remote.network, remote.mac()),
            None => (0, &own[..]),
        };
        Value::Unsigned(u64::from(network)).write(out);
        Value::Octets(mac.to_vec()).write(out);
    }
}

/// What has been handed in and not yet been shown.
struct Shared {
    changed: Mutex<Changed>,
    wake: Notify,
}

struct Changed {
    live: Vec<Live>,
    places: HashSet<usize>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Changed> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running device. Dropping it ends it.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddrV4,
    task: JoinHandle<()>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The port cannot be had.
    #[error("BACnet can't be served on {address}: {error}")]
    Bind {
        /// Where.
        address: SocketAddrV4,
        /// Why.
        error: std::io::Error,
    },
    /// Two objects are one.
    #[error("two BACnet objects are `{0}`")]
    Clash(String),
}

impl Server {
    /// Opens the port, announces the device and serves. Commands come out of the receiver.
    ///
    /// # Errors
    /// If the port can't be had, or two objects have one identifier or name.
    pub async fn start(
        config: ServerConfig,
        slots: Arc<dyn Slots>,
    ) -> Result<(Self, mpsc::Receiver<Command>), ServerError> {
        let ServerConfig { bind, broadcast, device, charset, objects } = config;
        if let Some(spec) = clash(&objects).and_then(|(_, at)| objects.get(at)) {
            return Err(ServerError::Clash(format!("{} {}", spec.id(), spec.name)));
        }
        let failed = |error| ServerError::Bind { address: bind, error };
        let socket = UdpSocket::bind(bind).await.map_err(failed)?;
        socket.set_broadcast(true).map_err(failed)?;
        let address = match socket.local_addr().map_err(failed)? {
            SocketAddr::V4(address) => address,
            SocketAddr::V6(_) => bind,
        };
        let live = vec![Live::UNREAD; objects.len()];
        let changed = Mutex::new(Changed { live, places: HashSet::new() });
        let shared = Arc::new(Shared { changed, wake: Notify::new() });
        let (sender, commands) = mpsc::channel(COMMANDS);
        let mut core = Core::new(device, charset, objects, slots);
        core.announce(SocketAddrV4::new(broadcast, PORT));
        let serving = Serving {
            core,
            socket,
            shared: Arc::clone(&shared),
            commands: sender,
            judging: JoinSet::new(),
        };
        let task = tokio::spawn(serving.run());
        Ok((Self { shared, address, task }, commands))
    }

    /// Where it is served; of port 0 the one that was taken.
    pub fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// Hands in what a point shows. Never waits; only the latest counts.
    pub fn update(&self, index: usize, value: Option<&PointValue>, quality: Quality) {
        let mut changed = self.shared.lock();
        let Some(live) = changed.live.get_mut(index) else { return };
        live.quality = quality;
        live.value = value.cloned().or(live.value.take());
        changed.places.insert(index);
        drop(changed);
        self.shared.wake.notify_one();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The task.
struct Serving {
    core: Core,
    socket: UdpSocket,
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    judging: JoinSet<(Waiting, Result<(), CommandRefused>)>,
}

impl Serving {
    async fn run(mut self) {
        let mut buffer = vec![0; DATAGRAM_MAX];
        loop {
            let next = self.core.tick(Instant::now());
            self.flush().await;
            let timer = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => match received {
                    Ok((length, SocketAddr::V4(from))) => {
                        self.core.receive(from, &buffer[..length], Instant::now());
                    }
                    Ok(_) => {}
                    Err(error) => {
                        // Such as a client that has closed its port.
                        tracing::debug!(%error, "BACnet socket");
                        tokio::time::sleep(REST).await;
                    }
                },
                () = self.shared.wake.notified() => self.take_updates(),
                Some(judged) = self.judging.join_next() => {
                    if let Ok((waiting, result)) = judged {
                        self.core.judged(waiting, result);
                    }
                }
                () = timer => {}
            }
            self.hand_over();
        }
    }

    fn take_updates(&mut self) {
        let mut changed = self.shared.lock();
        let Changed { live, places } = &mut *changed;
        for place in places.drain() {
            if let Some(live) = live.get(place) {
                self.core.update(place, live.clone());
            }
        }
    }

    /// Hands writes to whoever judges them.
    fn hand_over(&mut self) {
        for (waiting, write) in std::mem::take(&mut self.core.writes) {
            let (reply, answer) = oneshot::channel();
            let command = Command {
                index: write.index,
                value: write.value,
                priority: write.priority,
                from: waiting.peer.address,
                reply,
            };
            if self.commands.try_send(command).is_err() {
                self.core.judged(waiting, Err(CommandRefused::Busy));
                continue;
            }
            self.judging.spawn(async move {
                let result = match tokio::time::timeout(COMMAND_TIMEOUT, answer).await {
                    Ok(Ok(result)) => result,
                    _ => Err(CommandRefused::Failed),
                };
                (waiting, result)
            });
        }
    }

    async fn flush(&mut self) {
        for (to, datagram) in self.core.out.drain(..) {
            if let Err(error) = self.socket.send_to(&datagram, to).await {
                tracing::debug!(%to, %error, "BACnet answer could not be sent");
            }
        }
    }
}
