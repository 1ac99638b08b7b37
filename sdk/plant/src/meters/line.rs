//! A bus of meters: bytes in, requests, answers out when they are due, and all that can be wrong
//! with them. On a pseudo-terminal or over TCP, for any protocol whose frames end in a sum and 16.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::fault::{Fault, Line};
use crate::modbus::exchange::Latency;
use crate::physics::unit_hash;
use crate::room::Room;
use crate::serve::Shared;

/// Quiet after which half a request is noise.
const SILENCE: Duration = Duration::from_millis(50);

/// What a protocol makes of the bytes received so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// Too few bytes to say.
    Incomplete,
    /// The first bytes are no request.
    Junk(usize),
    /// The first bytes are one.
    Request(usize),
}

/// One protocol's meters on a bus.
pub trait Protocol: Send + std::fmt::Debug {
    /// Looks at the bytes received so far.
    fn take(&self, inbox: &[u8]) -> Taken;

    /// Lets the meters hear a request: each that answers, with its frame.
    fn answer(&mut self, room: &mut Room, request: &[u8]) -> Vec<(u8, Vec<u8>)>;

    /// Makes a frame name another meter, with a right sum.
    fn disguise(&self, frame: &mut [u8]);
}

/// What a bus remembers between requests.
#[derive(Debug, Default)]
struct Memory {
    held: Option<Vec<u8>>,
    previous: Option<Vec<u8>>,
    count: u64,
}

/// What is to be sent, and when.
#[derive(Debug, PartialEq, Eq)]
struct Reply {
    bytes: Vec<u8>,
    after: Duration,
}

/// The protocols that share a bus. Shared by the connections of a converter, as its wire is.
pub(crate) type Bus = Mutex<Vec<Box<dyn Protocol>>>;

/// Serves until the peer leaves or `cut` changes.
pub(crate) async fn serve<S>(
    shared: &Shared,
    bus: &Bus,
    mut stream: S,
    line: Line,
    latency: Latency,
    mut cut: watch::Receiver<u64>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut inbox = Vec::with_capacity(512);
    let mut memory = Memory::default();
    loop {
        let quiet = !inbox.is_empty();
        let read = tokio::select! {
            biased;
            _ = cut.changed() => return,
            read = read_or_silence(&mut stream, &mut inbox, quiet) => read,
        };
        match read {
            Some(0) => return,
            Some(_) => {}
            None => inbox.clear(),
        }
        while !inbox.is_empty() {
            let heard = Instant::now();
            let Some(replies) = hear(shared, bus, line, latency, &mut memory, &mut inbox) else {
                break;
            };
            for reply in replies {
                sleep_until(heard + reply.after).await;
                if stream.write_all(&reply.bytes).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Bytes read, none at the end; `None` after a silence, if that ends what was begun.
async fn read_or_silence<S: AsyncRead + Unpin>(
    stream: &mut S,
    inbox: &mut Vec<u8>,
    quiet_ends: bool,
) -> Option<usize> {
    let read = stream.read_buf(inbox);
    if quiet_ends {
        timeout(SILENCE, read).await.ok().map(|read| read.unwrap_or(0))
    } else {
        Some(read.await.unwrap_or(0))
    }
}

/// Takes one request off the inbox, or some junk; `None` when more bytes are needed.
fn hear(
    shared: &Shared,
    bus: &Bus,
    line: Line,
    latency: Latency,
    memory: &mut Memory,
    inbox: &mut Vec<u8>,
) -> Option<Vec<Reply>> {
    let mut bus = bus.lock().unwrap_or_else(PoisonError::into_inner);
    let mut junk = inbox.len();
    let mut waits = false;
    for protocol in bus.iter_mut() {
        match protocol.take(inbox) {
            Taken::Incomplete => waits = true,
            Taken::Junk(count) => junk = junk.min(count),
            Taken::Request(len) => {
                let request: Vec<u8> = inbox.drain(..len).collect();
                let mut room = shared.room_at(Instant::now());
                return Some(exchange(
                    &mut room,
                    protocol.as_mut(),
                    line,
                    latency,
                    memory,
                    &request,
                ));
            }
        }
    }
    if waits {
        return None;
    }
    inbox.drain(..junk.max(1));
    Some(Vec::new())
}

/// Lets the meters answer, and the faults at their answers.
fn exchange(
    room: &mut Room,
    protocol: &mut dyn Protocol,
    line: Line,
    latency: Latency,
    memory: &mut Memory,
    request: &[u8],
) -> Vec<Reply> {
    memory.count += 1;
    let mut replies = Vec::new();
    if let Some(bytes) = memory.held.take() {
        replies.push(Reply { bytes, after: Duration::ZERO });
    }
    let seed = room.plant.seed();
    let mut after = Duration::ZERO;
    let (mut late, mut twice) = (false, false);
    let mut frames = Vec::new();
    for (meter, mut frame) in protocol.answer(room, request) {
        let faults = room.faults_for(meter, line);
        let is = |fault: &Fault| faults.contains(fault);
        if let Some(unit) = room.unit_mut(meter) {
            unit.requests += 1;
            unit.answered += u64::from(!is(&Fault::Silent));
        }
        if is(&Fault::Silent) {
            continue;
        }
        let delay: u64 =
            faults.iter().map(|f| if let Fault::Delay { ms } = f { *ms } else { 0 }).sum();
        let drawn = latency.draw(seed, meter, memory.count) + Duration::from_millis(delay);
        after = after.max(drawn);
        late |= is(&Fault::Late);
        twice |= is(&Fault::Duplicate);
        let whole = frame.clone();
        damage(&faults, protocol, &mut frame, memory, seed);
        memory.previous = Some(whole);
        frames.push(frame);
    }
    let bytes = collide(&frames);
    if bytes.is_empty() {
        return replies;
    }
    if late {
        memory.held = Some(bytes);
        return replies;
    }
    replies.push(Reply { bytes: bytes.clone(), after });
    if twice {
        replies.push(Reply { bytes, after });
    }
    replies
}

/// What the first fault that spoils a frame makes of it.
fn damage(
    faults: &[Fault],
    protocol: &dyn Protocol,
    frame: &mut Vec<u8>,
    memory: &Memory,
    seed: u64,
) {
    for fault in faults {
        match fault {
            Fault::Garbage => {
                let byte = |i| (unit_hash(seed, memory.count, i) * 256.0) as u8;
                *frame = (0..12).map(byte).collect();
            }
            Fault::BadCrc if frame.len() > 2 => {
                let at = frame.len() - 2;
                frame[at] ^= 0x5A;
            }
            Fault::Short => frame.truncate(frame.len().saturating_sub(3).max(frame.len() / 2)),
            Fault::ForeignUnit => protocol.disguise(frame),
            Fault::Previous => {
                if let Some(previous) = &memory.previous {
                    frame.clone_from(previous);
                }
            }
            _ => continue,
        }
        return;
    }
}

/// Meters that answer at once are heard as one: a 0 of any of them wins.
fn collide(frames: &[Vec<u8>]) -> Vec<u8> {
    let len = frames.iter().map(Vec::len).max().unwrap_or(0);
    let byte = |i: usize| frames.iter().filter_map(|f| f.get(i)).fold(0xFF, |all, b| all & b);
    (0..len).map(byte).collect()
}
