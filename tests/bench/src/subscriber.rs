//! The subscriber: one thread on one socket, stamping each arrival right after the read.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::clock::wall_us;
use crate::mqtt::{self, Packet};
use crate::payload;
use crate::tally::Tally;

/// How long a read may block before the thread looks whether it should end.
const GLANCE: Duration = Duration::from_millis(200);
/// Pause before the next try when the broker is away.
const RECONNECT_PAUSE: Duration = Duration::from_millis(20);
const SUBSCRIBED_WITHIN: Duration = Duration::from_secs(10);

/// A running subscriber; it ends when dropped.
#[derive(Debug)]
pub struct Subscriber {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    port: u16,
    filter: String,
    tally: Mutex<Tally>,
    ending: AtomicBool,
}

impl Subscriber {
    /// Subscribes to `filter` at QoS 1 and returns once the broker has granted it.
    ///
    /// The session is kept by the broker, so nothing is missed while it restarts.
    ///
    /// # Errors
    /// When the broker does not grant the subscription.
    pub fn start(port: u16, filter: &str, devices: usize) -> Result<Self> {
        let shared = Arc::new(Shared {
            port,
            filter: filter.to_owned(),
            tally: Mutex::new(Tally::new(devices)),
            ending: AtomicBool::new(false),
        });
        let (subscribed, granted): (Sender<()>, Receiver<()>) = channel();
        let of_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name("subscriber".into())
            .spawn(move || of_thread.run(&subscribed))?;
        granted.recv_timeout(SUBSCRIBED_WITHIN).context("the broker grants no subscription")?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What has arrived so far. Held only briefly: arrivals wait meanwhile.
    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        self.shared.tally()
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, subscribed: &Sender<()>) {
        while !self.ending.load(Ordering::Acquire) {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port))
                && let Err(error) = self.listen(stream, subscribed)
                && !self.ending.load(Ordering::Acquire)
            {
                eprintln!("subscriber: {error:#}; connecting again");
            }
            std::thread::sleep(RECONNECT_PAUSE);
        }
    }

    /// Reads until the connection or the benchmark ends.
    fn listen(&self, mut stream: TcpStream, subscribed: &Sender<()>) -> Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(GLANCE))?;
        stream.write_all(&mqtt::connect("bench-subscriber", false))?;
        stream.write_all(&mqtt::subscribe(&self.filter))?;
        let mut buffer = vec![0; 1 << 18];
        let mut held = 0;
        let mut acks = Vec::new();
        while !self.ending.load(Ordering::Acquire) {
            if held == buffer.len() {
                buffer.resize(2 * held, 0);
            }
            match stream.read(&mut buffer[held..]) {
                Ok(0) => anyhow::bail!("the broker closed the connection"),
                Ok(n) => held += n,
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    continue;
                }
                Err(error) => return Err(error.into()),
            }
            let at_us = wall_us();
            let taken = self.take(&buffer[..held], at_us, &mut acks, subscribed)?;
            buffer.copy_within(taken..held, 0);
            held -= taken;
            stream.write_all(&acks)?;
            acks.clear();
        }
        Ok(())
    }

    /// Takes all whole packets; returns how many bytes they were.
    fn take(
        &self,
        input: &[u8],
        at_us: u64,
        acks: &mut Vec<u8>,
        subscribed: &Sender<()>,
    ) -> Result<usize> {
        let mut tally = self.tally();
        let mut taken = 0;
        while let Some((packet, len)) = mqtt::next(&input[taken..])? {
            taken += len;
            match packet {
                Packet::ConnAck(code) => ensure!(code == 0, "connection refused, code {code}"),
                Packet::SubAck(code) => {
                    ensure!(code == 1, "subscription answered with {code} instead of QoS 1");
                    // Nobody waits any more after the first time.
                    let _ = subscribed.send(());
                }
                Packet::Publish { topic, id, dup, payload } => {
                    acks.extend(id.map(mqtt::puback).into_iter().flatten());
                    match (payload::device(topic), payload::read(topic, payload)) {
                        (Some(device), Ok(message)) => tally.take(device, &message, at_us, dup),
                        (_, result) => {
                            if tally.unreadable == 0 {
                                eprintln!("subscriber: {topic} unreadable: {:#?}", result.err());
                            }
                            tally.unreadable += 1;
                        }
                    }
                }
                Packet::Other => {}
            }
        }
        Ok(taken)
    }
}
