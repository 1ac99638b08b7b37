//! Many cheap devices in one process: the other side of a load test.
//!
//! Each has its own port and counts what it answers. Registers, least significant word first:
//! 0–1 answered requests, this one included; 2–5 wall clock in ms since 1970; register n from 6 on
//! shows count + n modulo 65536. Functions 3 and 4 answer alike, for every unit id.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::devices::map::Exception;
use crate::modbus::frame::{self, Parsed};
use crate::modbus::pdu;
use crate::serve::{ServeError, bind, wall_ms};

/// The first register that only follows the count.
const FILLERS_FROM: u16 = 6;

/// A running fleet. Dropping it closes everything.
#[derive(Debug)]
pub struct Fleet {
    addresses: Vec<SocketAddr>,
    answered: Arc<AtomicU64>,
    tasks: JoinSet<()>,
}

impl Fleet {
    /// Opens a port for each device: consecutive ones from `base_port`, or free ones for 0.
    ///
    /// # Errors
    /// When a port cannot be had; none is left open then.
    pub async fn start(
        host: IpAddr,
        base_port: u16,
        devices: u16,
        registers: u16,
    ) -> Result<Self, ServeError> {
        let answered = Arc::new(AtomicU64::new(0));
        let mut addresses = Vec::with_capacity(usize::from(devices));
        let mut tasks = JoinSet::new();
        for device in 0..devices {
            let port = if base_port == 0 { 0 } else { base_port.saturating_add(device) };
            let (listener, bound) = bind("a fleet device", SocketAddr::new(host, port)).await?;
            addresses.push(bound);
            tasks.spawn(serve_device(listener, registers, answered.clone()));
        }
        Ok(Self { addresses, answered, tasks })
    }

    /// Where the devices are.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Requests answered by all of them.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Closes every port and connection.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn serve_device(listener: TcpListener, registers: u16, answered: Arc<AtomicU64>) {
    let count = Arc::new(AtomicU32::new(0));
    let mut masters = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while masters.try_join_next().is_some() {}
        masters.spawn(serve_master(stream, registers, count.clone(), answered.clone()));
    }
}

async fn serve_master(
    mut stream: TcpStream,
    registers: u16,
    count: Arc<AtomicU32>,
    answered: Arc<AtomicU64>,
) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut inbox = Vec::with_capacity(64);
    while stream.read_buf(&mut inbox).await.is_ok_and(|read| read > 0) {
        loop {
            match frame::parse_tcp(&inbox) {
                Parsed::Incomplete => break,
                Parsed::Junk(_) => return,
                Parsed::Request(header, request, taken) => {
                    inbox.drain(..taken);
                    let reply = answer(&request, registers, &count);
                    if stream.write_all(&frame::frame_tcp(header, &reply)).await.is_err() {
                        return;
                    }
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

fn answer(request: &[u8], registers: u16, count: &AtomicU32) -> Vec<u8> {
    let function = request.first().copied().unwrap_or(0);
    let refuse = |exception: Exception| pdu::exception(function, exception as u8);
    let [3 | 4, a, b, c, d] = *request else { return refuse(Exception::IllegalFunction) };
    let (first, wanted) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    if !(1..=125).contains(&wanted) {
        return refuse(Exception::IllegalDataValue);
    }
    if u32::from(first) + u32::from(wanted) > u32::from(registers) {
        return refuse(Exception::IllegalDataAddress);
    }
    let count = count.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
    let now = wall_ms();
    let mut out = Vec::with_capacity(2 + 2 * usize::from(wanted));
    out.extend([function, (wanted * 2) as u8]);
    for register in first..first + wanted {
        let word = match register {
            0 | 1 => (count >> (16 * register)) as u16,
            2..FILLERS_FROM => (now >> (16 * (register - 2))) as u16,
            _ => (count as u16).wrapping_add(register),
        };
        out.extend(word.to_be_bytes());
    }
    out
}
