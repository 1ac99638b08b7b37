//! The devices: a Modbus TCP server with one loopback port per device, all on one thread.
//!
//! Holding (or input) registers 0..=3 hold the wall clock in µs at the moment of answering, 4..=5
//! the number of this answer, and each other register a value that changes with every answer, so
//! that no deadband can hide one. Words are big-endian, highest first.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::clock::wall_us;

/// First register of the answer's number.
const COUNT_AT: u16 = 4;
/// Longest read the protocol allows.
const REGISTERS_MAX: u16 = 125;
const MBAP_LEN: usize = 7;

/// A running fleet; it ends when dropped.
#[derive(Debug)]
pub struct Fleet {
    /// Loopback port of each device.
    pub ports: Vec<u16>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    answered: Vec<AtomicU32>,
    silent: AtomicBool,
    ending: AtomicBool,
}

impl Fleet {
    /// Listens on `devices` free ports; each device has `registers` registers from address 0.
    ///
    /// # Errors
    /// When a socket cannot be had, for want of file descriptors for instance.
    pub fn start(devices: usize, registers: u16) -> Result<Self> {
        let poll = Poll::new()?;
        let mut listeners = Vec::with_capacity(devices);
        let mut ports = Vec::with_capacity(devices);
        for index in 0..devices {
            let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
                .with_context(|| format!("listen for device {index} of {devices}"))?;
            poll.registry().register(&mut listener, Token(index), Interest::READABLE)?;
            ports.push(listener.local_addr()?.port());
            listeners.push(listener);
        }
        let shared = Arc::new(Shared {
            answered: (0..devices).map(|_| AtomicU32::new(0)).collect(),
            silent: AtomicBool::new(false),
            ending: AtomicBool::new(false),
        });
        let server =
            Server { poll, listeners, masters: Vec::new(), registers, shared: shared.clone() };
        let thread =
            std::thread::Builder::new().name("fleet".into()).spawn(move || server.run())?;
        Ok(Self { ports, shared, thread: Some(thread) })
    }

    /// How often each device has answered a read of its number.
    #[must_use]
    pub fn answered(&self) -> Vec<u32> {
        self.shared.answered.iter().map(|n| n.load(Ordering::Acquire)).collect()
    }

    /// From now on no device answers, so that what was answered can be counted to the end.
    pub fn silence(&self) {
        self.shared.silent.store(true, Ordering::Release);
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Server {
    poll: Poll,
    listeners: Vec<TcpListener>,
    masters: Vec<Option<Master>>,
    registers: u16,
    shared: Arc<Shared>,
}

/// One connection of a master to one device.
struct Master {
    stream: TcpStream,
    device: usize,
    /// Bytes of a request not yet whole.
    pending: Vec<u8>,
}

impl Server {
    fn run(mut self) {
        let mut events = Events::with_capacity(256);
        while !self.shared.ending.load(Ordering::Acquire) {
            // The time-out only bounds how late the end is noticed.
            match self.poll.poll(&mut events, Some(Duration::from_millis(200))) {
                Err(error) if error.kind() != ErrorKind::Interrupted => {
                    eprintln!("fleet: {error}");
                    return;
                }
                _ => {}
            }
            for event in &events {
                let Token(token) = event.token();
                if token < self.listeners.len() {
                    self.accept(token);
                } else {
                    self.serve(token - self.listeners.len(), event.is_read_closed());
                }
            }
        }
    }

    fn accept(&mut self, device: usize) {
        while let Ok((mut stream, _)) = self.listeners[device].accept() {
            let slot = self.masters.iter().position(Option::is_none).unwrap_or(self.masters.len());
            let token = Token(self.listeners.len() + slot);
            let registered = self.poll.registry().register(&mut stream, token, Interest::READABLE);
            if let Err(error) = stream.set_nodelay(true).and(registered) {
                eprintln!("fleet: device {device} refuses a connection: {error}");
                continue;
            }
            let master = Some(Master { stream, device, pending: Vec::new() });
            match self.masters.get_mut(slot) {
                Some(free) => *free = master,
                None => self.masters.push(master),
            }
        }
    }

    /// `last`: the master has closed its side, so no event will come after these bytes.
    fn serve(&mut self, slot: usize, last: bool) {
        let Some(Some(master)) = self.masters.get_mut(slot) else { return };
        if !master.exchange(self.registers, &self.shared) || last {
            self.masters[slot] = None;
        }
    }
}

impl Master {
    /// Answers all whole requests; `false` when the connection is over.
    fn exchange(&mut self, registers: u16, shared: &Shared) -> bool {
        let mut chunk = [0_u8; 512];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return false,
                Ok(n) => {
                    self.pending.extend_from_slice(&chunk[..n]);
                    if !self.answer_pending(registers, shared) {
                        return false;
                    }
                    // A short read has emptied the socket: the next arrival is a new event.
                    if n < chunk.len() {
                        return true;
                    }
                }
                Err(error) => {
                    return matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted);
                }
            }
        }
    }

    fn answer_pending(&mut self, registers: u16, shared: &Shared) -> bool {
        while let Some(header) = self.pending.first_chunk::<6>() {
            let end = 6 + usize::from(u16::from_be_bytes([header[4], header[5]]));
            if !(MBAP_LEN + 1..=260).contains(&end) {
                return false;
            }
            if self.pending.len() < end {
                return true;
            }
            let answered = &shared.answered[self.device];
            let number = answered.load(Ordering::Acquire).wrapping_add(1);
            let reply = answer(&self.pending[..end], registers, wall_us(), number);
            self.pending.drain(..end);
            if shared.silent.load(Ordering::Acquire) {
                continue;
            }
            // A reply is 259 bytes at most, so a full socket means a master that stopped reading.
            if self.stream.write_all(&reply.bytes).is_err() {
                return false;
            }
            if reply.numbered {
                answered.store(number, Ordering::Release);
            }
        }
        true
    }
}

struct Reply {
    bytes: Vec<u8>,
    /// It carries the answer's number, and so uses that number up.
    numbered: bool,
}

/// The reply to one whole request frame.
fn answer(request: &[u8], registers: u16, clock_us: u64, number: u32) -> Reply {
    let function = request[MBAP_LEN];
    let exception = |code| reply(request, function | 0x80, &[code], false);
    let &[address_high, address_low, count_high, count_low] = &request[MBAP_LEN + 1..] else {
        return exception(if matches!(function, 3 | 4) { 3 } else { 1 });
    };
    let first = u16::from_be_bytes([address_high, address_low]);
    let count = u16::from_be_bytes([count_high, count_low]);
    match function {
        3 | 4 if count == 0 || count > REGISTERS_MAX => exception(3),
        3 | 4 if u32::from(first) + u32::from(count) > u32::from(registers) => exception(2),
        3 | 4 => {
            let mut body = Vec::with_capacity(1 + 2 * usize::from(count));
            body.push((2 * count) as u8);
            for address in first..first + count {
                body.extend(register(address, clock_us, number).to_be_bytes());
            }
            let numbered = first <= COUNT_AT && first + count >= COUNT_AT + 2;
            reply(request, function, &body, numbered)
        }
        _ => exception(1),
    }
}

fn reply(request: &[u8], function: u8, body: &[u8], numbered: bool) -> Reply {
    let mut bytes = Vec::with_capacity(MBAP_LEN + 1 + body.len());
    bytes.extend(&request[..4]);
    bytes.extend((body.len() as u16 + 2).to_be_bytes());
    bytes.push(request[6]);
    bytes.push(function);
    bytes.extend(body);
    Reply { bytes, numbered }
}

fn register(address: u16, clock_us: u64, number: u32) -> u16 {
    match address {
        0..=3 => (clock_us >> (16 * (3 - address))) as u16,
        4 => (number >> 16) as u16,
        5 => number as u16,
        _ => (number as u16).wrapping_add(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(function: u8, first: u16, count: u16) -> Vec<u8> {
        let mut frame = vec![0x12, 0x34, 0, 0, 0, 6, 9, function];
        frame.extend(first.to_be_bytes());
        frame.extend(count.to_be_bytes());
        frame
    }

    #[test]
    fn reply_carries_clock_then_number_then_changing_values() {
        let reply = answer(&request(3, 0, 7), 100, 0x0001_0002_0003_0004, 0x0005_0006);
        let mut expected = vec![0x12, 0x34, 0, 0, 0, 17, 9, 3, 14];
        expected.extend([0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 12]);
        assert_eq!(reply.bytes, expected);
        assert!(reply.numbered);
    }

    #[test]
    fn only_a_read_of_the_whole_number_uses_it_up() {
        let numbered = |first, count| answer(&request(4, first, count), 100, 0, 1).numbered;
        assert!(numbered(4, 2) && numbered(0, 100));
        assert!(!numbered(0, 5) && !numbered(5, 1) && !numbered(6, 94) && !numbered(99, 2));
    }

    #[test]
    fn bad_requests_get_the_exception_the_protocol_names() {
        let exception = |frame: &[u8]| answer(frame, 30, 0, 1).bytes[7..].to_vec();
        assert_eq!(exception(&request(6, 0, 1)), [0x86, 1]);
        assert_eq!(exception(&request(3, 29, 2)), [0x83, 2]);
        assert_eq!(exception(&request(3, 0, 126)), [0x83, 3]);
        assert_eq!(exception(&request(3, 0, 2)[..9]), [0x83, 3]);
    }

    #[test]
    fn silent_fleet_neither_answers_nor_counts() {
        use std::net::{Shutdown, TcpStream};
        let fleet = Fleet::start(2, 30).unwrap();
        let mut master = TcpStream::connect(("127.0.0.1", fleet.ports[1])).unwrap();
        // Against hanging, nothing is timed.
        master.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        master.write_all(&request(3, 0, 30)).unwrap();
        let mut reply = [0; 69];
        master.read_exact(&mut reply).unwrap();
        assert_eq!(reply[17..21], [0, 0, 0, 1]);
        fleet.silence();
        master.write_all(&request(3, 0, 30)).unwrap();
        master.shutdown(Shutdown::Write).unwrap();
        let mut after = Vec::new();
        master.read_to_end(&mut after).unwrap();
        assert!(after.is_empty(), "{after:?}");
        assert_eq!(fleet.answered(), [0, 1]);
    }
}
