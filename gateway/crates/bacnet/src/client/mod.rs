//! The client's side of one BACnet port: one socket for all devices, many requests at a time.
//!
//! A task owns the socket and hands each reply to the request that it answers. A request waits for
//! its turn at its device, is repeated as often as the device's [`Timing`] says, and ends in an
//! answer or a [`Failure`]; nothing is ever taken for an answer that is not (see `transactions`).

mod directory;
mod failure;
mod find;
mod incoming;
mod port;
mod segments;
mod services;
#[cfg(test)]
mod tests;
mod told;
mod transactions;

pub use directory::Known;
pub use failure::Failure;
pub use services::Told as CovTold;
pub use told::Counts;

use crate::wire::service::{IAm, IHave};
use crate::wire::{Apdu, Content, DATAGRAM_MAX, Frame, Packet, Remote};
use crate::{PortConfig, Timing};
use directory::Directory;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddrV4;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::net::UdpSocket;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};
use told::Told;
use transactions::{FIRST_SILENCE, Quiet, Transactions};
use wellhead_driver::Notice;

/// The longest APDU that we take, in bytes.
pub const MAX_APDU: u16 = 1476;
/// The code for "more than 64 segments".
const MAX_SEGMENTS: u8 = 7;

/// Where a device is on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Peer {
    /// Its UDP address, or its router's.
    pub via: SocketAddrV4,
    /// Its address behind that router.
    pub remote: Option<Remote>,
}

impl Peer {
    /// A device on this network.
    pub fn ip(address: SocketAddrV4) -> Self {
        Self { via: address, remote: None }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.remote {
            None => write!(f, "{}", self.via),
            Some(remote) => write!(f, "{remote} behind {}", self.via),
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What somebody said unasked, or to all.
#[derive(Debug, Clone)]
enum Heard {
    IAm(IAm, Peer),
    IHave(IHave, Peer),
    Router(u16, SocketAddrV4),
}

/// A driver that waits for notifications.
#[derive(Debug)]
struct Subscriber {
    device: u32,
    peer: Peer,
    to: mpsc::Sender<CovTold>,
}

#[derive(Debug, Default)]
struct State {
    socket: Option<Arc<UdpSocket>>,
    /// Why there is none.
    trouble: Option<String>,
    transactions: Transactions,
    directory: Directory,
    listeners: Vec<mpsc::Sender<Heard>>,
    /// By process identifier.
    subscribers: HashMap<u32, Subscriber>,
    told: Told,
    /// Where the BBMD's answer to a registration goes.
    registering: Option<oneshot::Sender<u16>>,
    /// Registered at the BBMD.
    registered: bool,
}

/// One BACnet port and all requests on it. Its tasks end when the last holder lets go.
#[derive(Debug)]
pub struct Client {
    config: PortConfig,
    broadcast: SocketAddrV4,
    state: Mutex<State>,
    /// The BBMD refused a broadcast: it has forgotten us.
    forgotten: Arc<Notify>,
    tasks: OnceLock<Vec<AbortHandle>>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.tasks.get().into_iter().flatten().for_each(AbortHandle::abort);
    }
}

/// A request on its way; gone, it leaves nothing behind.
struct OnItsWay<'a> {
    client: &'a Client,
    peer: Peer,
    invoke: u8,
    clean: bool,
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        self.client.state().transactions.end(self.peer, self.invoke, self.clean, now);
    }
}

impl Client {
    /// Opens a port. It never fails: a socket that can't be opened is tried again, and requests
    /// are told why there is none meanwhile. Must be called within a tokio runtime.
    pub fn open(config: PortConfig) -> Arc<Self> {
        let broadcast = SocketAddrV4::new(config.broadcast, config.bind.port());
        Self::open_to(config, broadcast)
    }

    /// Like [`Client::open`], where devices listen for broadcasts at another port than ours.
    pub fn open_to(config: PortConfig, broadcast: SocketAddrV4) -> Arc<Self> {
        let client = Arc::new(Self {
            config,
            broadcast,
            state: Mutex::default(),
            forgotten: Arc::default(),
            tasks: OnceLock::new(),
        });
        let mut tasks = vec![tokio::spawn(port::receive(Arc::downgrade(&client))).abort_handle()];
        if let Some(registration) = client.config.foreign.clone() {
            let register = port::register(Arc::downgrade(&client), registration);
            tasks.push(tokio::spawn(register).abort_handle());
        }
        // Nobody else can have set them.
        let _ = client.tasks.set(tasks);
        client
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves nothing half done here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the port has seen.
    pub fn counts(&self) -> Counts {
        self.state().told.counts
    }

    /// The address that the socket is bound to, once it is.
    pub fn local_address(&self) -> Option<std::net::SocketAddr> {
        self.state().socket.as_ref()?.local_addr().ok()
    }

    /// Whether the BBMD has confirmed the registration as a foreign device.
    pub fn is_registered(&self) -> bool {
        self.state().registered
    }

    /// Hands over what operators should hear of a device, or of the port.
    pub fn take_notices(&self, device: u32, out: &mut Vec<Notice>) {
        self.state().told.take(device, out);
    }

    /// Listens to what devices say to all from now on.
    fn listen(&self) -> mpsc::Receiver<Heard> {
        /// More than a large network says at once; beyond, listeners miss some.
        const HEARD_MAX: usize = 4096;
        let (to, heard) = mpsc::channel(HEARD_MAX);
        let mut state = self.state();
        state.listeners.retain(|l| !l.is_closed());
        state.listeners.push(to);
        heard
    }

    async fn send(&self, to: SocketAddrV4, frame: Frame<'_>) -> Result<(), Failure> {
        let socket = {
            let state = self.state();
            let why = || state.trouble.clone().unwrap_or_else(|| "the port is not open yet".into());
            state.socket.clone().ok_or_else(|| Failure::Unreachable(why()))?
        };
        let mut datagram = Vec::with_capacity(DATAGRAM_MAX);
        frame.encode(&mut datagram);
        match socket.send_to(&datagram, to).await {
            Ok(_) => Ok(()),
            Err(e) => Err(Failure::Unreachable(format!("can't send to {to}: {e}"))),
        }
    }

    async fn send_apdu(
        &self,
        to: Peer,
        expects_reply: bool,
        apdu: &Apdu<'_>,
    ) -> Result<(), Failure> {
        let (mut bytes, mut npdu) = (Vec::new(), Vec::new());
        apdu.encode(&mut bytes);
        Packet::apdu(to.remote, expects_reply, &bytes).encode(&mut npdu);
        self.send(to.via, Frame::Unicast(&npdu)).await
    }

    /// Sends to all: of this network and those behind its routers, or by way of the BBMD.
    async fn broadcast(&self, content: Content<'_>, everywhere: bool) -> Result<(), Failure> {
        let all = Remote::new(crate::wire::ALL_NETWORKS, &[]).ok();
        let to = all.filter(|_| everywhere);
        let mut npdu = Vec::new();
        Packet { to, from: None, expects_reply: false, content }.encode(&mut npdu);
        match &self.config.foreign {
            Some(foreign) => self.send(foreign.bbmd, Frame::Distribute(&npdu)).await,
            None => self.send(self.broadcast, Frame::Broadcast(&npdu)).await,
        }
    }

    /// Asks a device for a service and returns the parameters of its result.
    pub async fn request(
        &self,
        peer: Peer,
        timing: &Timing,
        service: u8,
        data: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let turns = self.state().transactions.turns(peer, timing.in_flight_max);
        let nobody = Failure::NoReply(timing.response_timeout);
        let Ok(_turn) = turns.acquire().await else { return Err(nobody) };
        let (invoke, mut answer) = self.state().transactions.begin(peer, service, Instant::now());
        let mut on_its_way = OnItsWay { client: self, peer, invoke, clean: false };
        let request = Apdu::Confirmed {
            invoke,
            service,
            accepts_segments: true,
            max_segments: MAX_SEGMENTS,
            max_apdu: MAX_APDU,
            segment: None,
            data,
        };
        for attempt in 0..=timing.retries {
            self.send_apdu(peer, true, &request).await?;
            let deadline = Instant::now() + timing.response_timeout;
            // Nothing tells that segments have begun but looking.
            let mut look = deadline.min(Instant::now() + FIRST_SILENCE);
            loop {
                if let Ok(answered) = timeout_at(look, &mut answer).await {
                    on_its_way.clean = attempt == 0;
                    return answered.unwrap_or(Err(nobody));
                }
                let now = Instant::now();
                let quiet = self.state().transactions.quiet(peer, invoke, now);
                match quiet {
                    Quiet::Silent if now >= deadline => break,
                    Quiet::Silent => look = deadline.min(now + FIRST_SILENCE),
                    Quiet::Until(later) => look = later,
                    Quiet::Again(acknowledgement, later) => {
                        self.send_apdu(peer, false, &acknowledgement).await?;
                        look = later;
                    }
                    Quiet::Stopped(abort) => {
                        self.send_apdu(peer, false, &abort).await?;
                        return Err(Failure::BadReply("a segmented reply that stopped half way"));
                    }
                }
            }
        }
        Err(nobody)
    }
}
