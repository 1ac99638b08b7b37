//! The link under a controller: BACnet/IP frames on a UDP socket of the plant's own, where it can
//! be made to misbehave.
//!
//! Loopback has no broadcast, and every controller has a port of its own. So what a controller
//! broadcasts goes to those who have spoken to it lately, as a broadcast frame.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bacnet_transport::port::{ReceivedNpdu, TransportPort};
use bacnet_types::MacAddr;
use bacnet_types::error::Error;
use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::fault::Fault;
use crate::physics::unit_hash;
use crate::serve::Shared;

/// BACnet/IP (annex J): the type of every frame, and the functions met here.
const BVLL: u8 = 0x81;
const FORWARDED: u8 = 0x04;
const UNICAST: u8 = 0x0A;
const BROADCAST: u8 = 0x0B;
/// Frames that wait for the controller.
const QUEUE: usize = 256;
/// Who is remembered for broadcasts.
const PEERS_MAX: usize = 16;
/// The longest frame of BACnet/IP with room to spare.
const FRAME_MAX: usize = 2048;

/// A controller's link.
#[derive(Debug)]
pub(super) struct Port {
    shared: Arc<Shared>,
    unit: u8,
    socket: Arc<UdpSocket>,
    mac: [u8; 6],
    peers: Arc<Mutex<VecDeque<SocketAddrV4>>>,
    hearing: Option<JoinHandle<()>>,
}

impl Port {
    pub(super) fn new(shared: Arc<Shared>, unit: u8, socket: UdpSocket, own: SocketAddrV4) -> Self {
        let peers = Arc::default();
        Self { shared, unit, socket: Arc::new(socket), mac: mac(own), peers, hearing: None }
    }

    /// Sends a frame as the faults at work let it.
    async fn send(&self, function: u8, npdu: &[u8], to: SocketAddrV4) -> Result<(), Error> {
        let faults = self.shared.room_at(Instant::now()).faults_of_controller(self.unit);
        if faults.contains(&Fault::Silent) {
            return Ok(());
        }
        let mut frame = vec![BVLL, function];
        frame.extend(u16::try_from(npdu.len() + 4).unwrap_or(u16::MAX).to_be_bytes());
        frame.extend(npdu);
        let mut times = 1;
        let mut delay = Duration::ZERO;
        for fault in faults {
            match fault {
                Fault::Delay { ms } => delay += Duration::from_millis(ms),
                Fault::Duplicate => times = 2,
                Fault::Short => frame.truncate(frame.len() / 2),
                Fault::Garbage => {
                    let noise = |(i, byte): (usize, &mut u8)| {
                        *byte = (unit_hash(frame_seed(npdu), 0, i as u64) * 256.0) as u8;
                    };
                    frame.iter_mut().skip(4).enumerate().for_each(noise);
                }
                _ => {}
            }
        }
        let socket = self.socket.clone();
        let leave = async move {
            sleep(delay).await;
            for _ in 0..times {
                socket.send_to(&frame, to).await?;
            }
            Ok::<_, std::io::Error>(())
        };
        if delay.is_zero() {
            return leave.await.map_err(Error::Transport);
        }
        // What is late must not hold up the controller.
        tokio::spawn(leave);
        Ok(())
    }

    fn peers(&self) -> Vec<SocketAddrV4> {
        let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.iter().copied().collect()
    }
}

fn frame_seed(npdu: &[u8]) -> u64 {
    npdu.iter().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

fn mac(address: SocketAddrV4) -> [u8; 6] {
    let [a, b, c, d] = address.ip().octets();
    let [high, low] = address.port().to_be_bytes();
    [a, b, c, d, high, low]
}

fn address(mac: &[u8]) -> Option<SocketAddrV4> {
    let [a, b, c, d, high, low] = *mac else { return None };
    Some(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])))
}

/// The NPDU in a frame, whom it is from, and whether it was a broadcast.
fn unwrap(frame: &[u8], from: SocketAddrV4) -> Option<(&[u8], [u8; 6], bool)> {
    let [BVLL, function, high, low, rest @ ..] = frame else { return None };
    if usize::from(u16::from_be_bytes([*high, *low])) != frame.len() {
        return None;
    }
    match *function {
        UNICAST | BROADCAST => Some((rest, mac(from), *function == BROADCAST)),
        FORWARDED => {
            let (origin, npdu) = rest.split_first_chunk::<6>()?;
            Some((npdu, *origin, true))
        }
        _ => None,
    }
}

async fn hear(
    socket: Arc<UdpSocket>,
    peers: Arc<Mutex<VecDeque<SocketAddrV4>>>,
    queue: mpsc::Sender<ReceivedNpdu>,
) {
    let mut buffer = vec![0; FRAME_MAX];
    loop {
        // An error here is what an earlier answer met: a peer that has closed its port.
        let Ok((length, SocketAddr::V4(from))) = socket.recv_from(&mut buffer).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let Some((npdu, source, group)) = unwrap(&buffer[..length], from) else { continue };
        {
            let mut peers = peers.lock().unwrap_or_else(PoisonError::into_inner);
            peers.retain(|peer| *peer != from);
            peers.push_front(from);
            peers.truncate(PEERS_MAX);
        }
        let npdu = Bytes::copy_from_slice(npdu);
        let source = MacAddr::from_slice(&source);
        let received = ReceivedNpdu::unverified(npdu, source, group, Vec::new(), None);
        if queue.send(received).await.is_err() {
            return;
        }
    }
}

impl TransportPort for Port {
    async fn start(&mut self) -> Result<mpsc::Receiver<ReceivedNpdu>, Error> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let hearing = hear(self.socket.clone(), self.peers.clone(), sender);
        self.hearing = Some(tokio::spawn(hearing));
        Ok(receiver)
    }

    async fn stop(&mut self) -> Result<(), Error> {
        self.abort();
        Ok(())
    }

    fn abort(&mut self) {
        if let Some(hearing) = self.hearing.take() {
            hearing.abort();
        }
    }

    async fn send_unicast(&self, npdu: &[u8], to: &[u8]) -> Result<(), Error> {
        match address(to) {
            Some(to) => self.send(UNICAST, npdu, to).await,
            None => Err(Error::Encoding(format!("{to:02x?} is no BACnet/IP address"))),
        }
    }

    async fn send_broadcast(&self, npdu: &[u8]) -> Result<(), Error> {
        for peer in self.peers() {
            self.send(BROADCAST, npdu, peer).await?;
        }
        Ok(())
    }

    fn local_mac(&self) -> &[u8] {
        &self.mac
    }

    fn local_receive_apdu_capacity(&self) -> u16 {
        1476
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.abort();
    }
}
