//! One request and what is sent back for it, with everything that is wrong at that moment.

use std::time::Duration;

use super::frame::{self, Header};
use super::pdu;
use crate::fault::{Fault, Line};
use crate::physics::unit_hash;
use crate::room::Room;

/// Bytes to send, and what sending them means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The frame, or what became of it.
    pub bytes: Vec<u8>,
    /// How long to wait before sending.
    pub after: Duration,
    /// Unit and poll count to enter in the ledger once sent.
    pub poll: Option<(u8, u32)>,
}

/// What a connection remembers between requests.
#[derive(Debug, Default)]
pub struct Memory {
    held: Option<Vec<u8>>,
    previous: Option<Vec<u8>>,
    count: u64,
}

/// Least and greatest response time, ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latency {
    /// Least.
    pub min_ms: u64,
    /// Greatest.
    pub max_ms: u64,
}

impl Latency {
    pub(crate) fn draw(self, seed: u64, unit: u8, count: u64) -> Duration {
        let span = self.max_ms.saturating_sub(self.min_ms) as f64;
        let extra = span * unit_hash(seed, u64::from(unit) << 32, count);
        Duration::from_micros(self.min_ms * 1000 + (extra * 1000.0) as u64)
    }
}

fn frame_for(line: Line, header: Header, pdu: &[u8]) -> Vec<u8> {
    match line {
        Line::Tcp => frame::frame_tcp(header, pdu),
        _ => frame::frame_rtu(header, pdu),
    }
}

/// Handles a request: asks the room, lets the faults at the answer, and says what to send.
pub fn exchange(
    room: &mut Room,
    memory: &mut Memory,
    line: Line,
    latency: Latency,
    header: Header,
    request: &[u8],
) -> Vec<Reply> {
    memory.count += 1;
    if let Some(unit) = room.unit_mut(header.unit) {
        unit.requests += 1;
    }
    let faults = room.faults_for(header.unit, line);
    let is = |fault: &Fault| faults.contains(fault);
    let mut replies = Vec::new();
    if let Some(bytes) = memory.held.take() {
        replies.push(Reply { bytes, after: Duration::ZERO, poll: None });
    }
    if is(&Fault::Silent) {
        return replies;
    }
    let function = request.first().copied().unwrap_or(0);
    let refused = faults.iter().find_map(|fault| match fault {
        Fault::Exception { code } => Some(pdu::exception(function, *code)),
        Fault::IllegalAddress { from, to } => {
            let (_, first, count) = pdu::addresses(request)?;
            let last = u32::from(first) + u32::from(count.max(1)) - 1;
            (first <= *to && u32::from(*from) <= last).then(|| pdu::exception(function, 2))
        }
        _ => None,
    });
    let answer = match refused {
        Some(pdu) => Some(pdu::Answer { pdu, poll: None }),
        None => room.answer(header.unit, line, request),
    };
    let Some(answer) = answer else { return replies };

    let spoilt = damage(&faults, line, header, &answer.pdu, memory, room.plant.seed());
    memory.previous = Some(answer.pdu.clone());
    let delay: u64 = faults.iter().map(|f| if let Fault::Delay { ms } = f { *ms } else { 0 }).sum();
    let after =
        latency.draw(room.plant.seed(), header.unit, memory.count) + Duration::from_millis(delay);
    if let Some(bytes) = spoilt {
        replies.push(Reply { bytes, after, poll: None });
        return replies;
    }
    let bytes = frame_for(line, header, &answer.pdu);
    if is(&Fault::Late) {
        memory.held = Some(bytes);
        return replies;
    }
    if let Some(unit) = room.unit_mut(header.unit) {
        unit.answered += 1;
        unit.exceptions += u64::from(answer.pdu[0] & 0x80 != 0);
        if let Some(poll) = answer.poll {
            unit.take_poll(poll);
        }
    }
    let poll = answer.poll.map(|poll| (header.unit, poll));
    replies.push(Reply { bytes: bytes.clone(), after, poll });
    if is(&Fault::Duplicate) {
        replies.push(Reply { bytes, after, poll: None });
    }
    replies
}

/// The frame after the first fault that spoils it; `None` when it is left whole.
fn damage(
    faults: &[Fault],
    line: Line,
    header: Header,
    pdu: &[u8],
    memory: &Memory,
    seed: u64,
) -> Option<Vec<u8>> {
    let whole = |header| frame_for(line, header, pdu);
    faults.iter().find_map(|fault| match fault {
        Fault::Garbage => {
            let byte = |i| (unit_hash(seed, memory.count, i) * 256.0) as u8;
            Some((0..12).map(byte).collect())
        }
        Fault::BadCrc => {
            let mut bytes = whole(header);
            let at = if line == Line::Tcp { 3 } else { bytes.len() - 1 };
            bytes[at] ^= 0x5A;
            Some(bytes)
        }
        Fault::Short => {
            let mut bytes = whole(header);
            bytes.truncate(bytes.len() - 3);
            Some(bytes)
        }
        Fault::ForeignUnit => Some(whole(Header { unit: header.unit ^ 0x40, ..header })),
        Fault::ForeignTransaction if line == Line::Tcp => {
            let transaction = header.transaction.wrapping_sub(1);
            Some(whole(Header { transaction, ..header }))
        }
        Fault::Previous => {
            let previous = memory.previous.as_deref().unwrap_or(pdu);
            Some(frame_for(line, header, previous))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Scope;
    use crate::plant::{Config, Plant};
    use tokio::time::Instant;

    const READ: &[u8] = &[3, 0, 0, 0, 2];
    const UNIT: Header = Header { unit: 1, transaction: 7 };

    fn room() -> Room {
        Room::new(Plant::new(Config::default(), 1))
    }

    fn ask(room: &mut Room, memory: &mut Memory, line: Line) -> Vec<Reply> {
        exchange(room, memory, line, Latency::default(), UNIT, READ)
    }

    #[test]
    fn delay_puts_the_answer_off_by_its_time() {
        let mut room = room();
        room.inject(Scope::unit(1), Fault::Delay { ms: 1500 }, None).unwrap();
        let replies = ask(&mut room, &mut Memory::default(), Line::Tcp);
        assert_eq!(replies[0].after, Duration::from_millis(1500));
    }

    #[test]
    fn response_time_stays_within_its_limits_and_follows_the_seed() {
        let latency = Latency { min_ms: 20, max_ms: 80 };
        let times = |seed| (0..100).map(move |n| latency.draw(seed, 1, n));
        assert!(times(1).all(|t| (20..=80).contains(&t.as_millis())));
        assert!(times(1).eq(times(1)) && !times(1).eq(times(2)));
        let spread = times(1).max().unwrap() - times(1).min().unwrap();
        assert!(spread > Duration::from_millis(40), "{spread:?}");
    }

    #[test]
    fn fault_on_a_line_leaves_the_other_lines_alone() {
        let mut room = room();
        room.inject(Scope::line(Line::Rtu), Fault::Silent, None).unwrap();
        let mut memory = Memory::default();
        assert!(ask(&mut room, &mut memory, Line::Rtu).is_empty());
        assert_eq!(ask(&mut room, &mut memory, Line::Tcp).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn fault_for_a_time_ends_by_itself() {
        let mut room = room();
        let until = Instant::now() + Duration::from_secs(10);
        room.inject(Scope::unit(1), Fault::Silent, Some(until)).unwrap();
        let point = "cop".to_owned();
        room.inject(Scope::unit(1), Fault::Scale { point, factor: 10.0 }, Some(until)).unwrap();
        let mut memory = Memory::default();
        room.expire(until - Duration::from_millis(1));
        assert!(ask(&mut room, &mut memory, Line::Tcp).is_empty());
        assert_eq!(room.active_faults().count(), 2);
        room.expire(until);
        assert_eq!(ask(&mut room, &mut memory, Line::Tcp).len(), 1);
        assert_eq!(room.active_faults().count(), 0);
    }

    #[test]
    fn fault_counts_the_requests_that_met_it() {
        let mut room = room();
        room.inject(Scope { unit: Some(1), line: Some(Line::Rtu) }, Fault::Silent, None).unwrap();
        let mut memory = Memory::default();
        for line in [Line::Rtu, Line::Tcp, Line::Rtu] {
            ask(&mut room, &mut memory, line);
        }
        assert_eq!(room.active_faults().map(|active| active.met).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn bad_crc_on_rtu_fails_the_check() {
        let mut room = room();
        room.inject(Scope::default(), Fault::BadCrc, None).unwrap();
        let bytes = ask(&mut room, &mut Memory::default(), Line::Rtu).remove(0).bytes;
        let (body, sum) = bytes.split_at(bytes.len() - 2);
        assert_ne!(frame::crc(body).to_le_bytes(), sum);
        assert_eq!(bytes[..3], [1, 3, 4]);
    }
}
