//! Finding what is on a line, over devices in memory; none of them is ever written to.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use wellhead_driver::Line;
use wellhead_modbus::codec::rtu;
use wellhead_modbus::scan::{Block, Found, Manners, Probe, identity, registers, units};
use wellhead_modbus::{Framing, Table};

type Asked = Arc<Mutex<Vec<(u8, Vec<u8>)>>>;

/// A line whose devices answer as `answer` says, by unit and protocol data unit; and what they
/// were asked.
fn line(
    framing: Framing,
    answer: impl Fn(u8, &[u8]) -> Option<Vec<u8>> + Send + 'static,
) -> (Line, Asked) {
    let (ours, mut theirs) = tokio::io::duplex(4096);
    let asked = Asked::default();
    let notes = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut buffer = vec![0; 512];
        // The scan asks one thing at a time, so a read is a request.
        while let Ok(n @ 1..) = theirs.read(&mut buffer).await {
            let (head, unit, pdu) = match framing {
                Framing::Tcp => (buffer[..4].to_vec(), buffer[6], buffer[7..n].to_vec()),
                Framing::Rtu => (Vec::new(), buffer[0], buffer[1..n - 2].to_vec()),
            };
            notes.lock().unwrap().push((unit, pdu.clone()));
            let Some(reply) = answer(unit, &pdu) else { continue };
            let mut frame = head;
            if framing == Framing::Tcp {
                frame.extend_from_slice(&(reply.len() as u16 + 1).to_be_bytes());
            }
            frame.push(unit);
            frame.extend_from_slice(&reply);
            if framing == Framing::Rtu {
                let crc = rtu::crc(&frame);
                frame.extend_from_slice(&crc.to_le_bytes());
            }
            theirs.write_all(&frame).await.unwrap();
        }
    });
    (Line::over(ours), asked)
}

fn refused(pdu: &[u8], code: u8) -> Option<Vec<u8>> {
    Some(vec![pdu[0] | 0x80, code])
}

/// A device with registers at some addresses, each holding its own address; at most `at_once` of
/// them in one read.
fn holds(present: impl Fn(u32) -> bool, at_once: u32, pdu: &[u8]) -> Option<Vec<u8>> {
    let word = |i: usize| u32::from(u16::from_be_bytes([pdu[i], pdu[i + 1]]));
    let (first, count) = (word(1), word(3));
    if count > at_once || !(first..first + count).all(present) {
        return refused(pdu, 2);
    }
    let mut reply = vec![pdu[0], (2 * count) as u8];
    reply.extend((first..first + count).flat_map(|a| (a as u16).to_be_bytes()));
    Some(reply)
}

fn identification(level: u8, more: Option<u8>, objects: &[(u8, &str)]) -> Vec<u8> {
    let next = more.unwrap_or(0);
    let flag = if more.is_some() { 0xFF } else { 0 };
    let mut reply = vec![43, 14, level, 0x82, flag, next, objects.len() as u8];
    for (id, text) in objects {
        reply.extend_from_slice(&[*id, text.len() as u8]);
        reply.extend_from_slice(text.as_bytes());
    }
    reply
}

fn objects(all: &[(u8, &str)]) -> BTreeMap<u8, String> {
    all.iter().map(|(id, text)| (*id, (*text).to_owned())).collect()
}

/// Functions that read: a scan may use no other.
fn only_reads(asked: &Asked) {
    let all = asked.lock().unwrap();
    assert!(!all.is_empty());
    let other = all.iter().find(|(_, pdu)| !matches!(pdu[0], 1..=4 | 43));
    assert_eq!(other, None, "a scan never writes");
}

#[tokio::test(start_paused = true)]
async fn units_of_a_serial_line_are_found_with_what_they_say_they_are() {
    let (mut line, asked) = line(Framing::Rtu, |unit, pdu| match (unit, pdu[0]) {
        (3, 43) => Some(identification(2, None, &[(0, "Eastron"), (1, "SDM630")])),
        (3, _) => holds(|a| a < 10, 10, pdu),
        // It has no register 0 and does not know function 43.
        (17, 43) => refused(pdu, 1),
        (17, _) => refused(pdu, 2),
        _ => None,
    });
    let mut told = Vec::new();
    let manners = Manners::gentle(Framing::Rtu);
    let found = units(&mut line, &manners, 1..=20, |f| told.push(f.unit)).await.unwrap();
    let one = |unit, identity| Found { unit, every_unit: false, identity };
    let expected = [one(3, objects(&[(0, "Eastron"), (1, "SDM630")])), one(17, BTreeMap::new())];
    assert_eq!(found, expected);
    assert_eq!(told, [3, 17]);
    only_reads(&asked);
}

#[tokio::test(start_paused = true)]
async fn a_scan_keeps_the_manners_it_was_given() {
    let (mut line, asked) = line(Framing::Rtu, |_, _| None);
    let manners = Manners {
        response_timeout: Duration::from_millis(300),
        pause: Duration::from_millis(40),
        ..Manners::gentle(Framing::Rtu)
    };
    let start = Instant::now();
    registers(&mut line, &manners, 1, &probe(0, 999)).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 3);
    // The pause, then each question's time; and a next one only when its answer can't come late,
    // which is pause enough.
    let (waits, late) = (40 + 3 * 300, 2 * 300);
    assert_eq!(start.elapsed().as_millis(), waits + late);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_goes_down_ends_every_search() {
    let manners = Manners::gentle(Framing::Rtu);
    let down = || Line::over(tokio::io::duplex(64).0);
    assert!(units(&mut down(), &manners, 1..=20, |_| {}).await.is_err());
    assert!(identity(&mut down(), &manners, 1).await.is_err());
    assert!(registers(&mut down(), &manners, 1, &probe(0, 999)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_device_that_does_not_answer_the_question_who_it_is_is_nobody() {
    let (mut line, _) = line(Framing::Rtu, |_, _| None);
    let manners = Manners::gentle(Framing::Rtu);
    assert_eq!(identity(&mut line, &manners, 1).await.unwrap(), BTreeMap::new());
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_says_nobody_is_there_is_believed() {
    let (mut line, asked) = line(Framing::Tcp, |unit, pdu| match unit {
        5 if pdu[0] == 43 => refused(pdu, 1),
        5 => holds(|_| true, 125, pdu),
        6 => refused(pdu, 10),
        _ => refused(pdu, 11),
    });
    let manners = Manners::gentle(Framing::Tcp);
    let found = units(&mut line, &manners, 1..=247, |_| {}).await.unwrap();
    assert_eq!(found.iter().map(|f| f.unit).collect::<Vec<_>>(), [5]);
    only_reads(&asked);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_answers_for_every_unit_is_one_device() {
    let (mut line, asked) = line(Framing::Tcp, |_, pdu| refused(pdu, 2));
    let manners = Manners::gentle(Framing::Tcp);
    let found = units(&mut line, &manners, 1..=247, |_| {}).await.unwrap();
    assert_eq!(found, [Found { unit: 255, every_unit: true, identity: BTreeMap::new() }]);
    assert!(asked.lock().unwrap().len() < 8, "and it was hardly troubled");
}

#[tokio::test(start_paused = true)]
async fn an_identification_in_several_replies_is_put_together() {
    let (mut line, _) = line(Framing::Tcp, |_, pdu| {
        Some(match pdu[3] {
            0 => identification(2, Some(2), &[(0, "Vendor"), (1, "Product")]),
            _ => identification(2, None, &[(2, "V1.2 "), (4, "热泵")]),
        })
    });
    let manners = Manners::gentle(Framing::Tcp);
    let all = [(0, "Vendor"), (1, "Product"), (2, "V1.2"), (4, "热泵")];
    assert_eq!(identity(&mut line, &manners, 1).await.unwrap(), objects(&all));
}

#[tokio::test(start_paused = true)]
async fn an_identification_that_never_ends_is_left() {
    let (mut line, asked) =
        line(Framing::Tcp, |_, pdu| Some(identification(pdu[2], Some(pdu[3]), &[(0, "again")])));
    let manners = Manners::gentle(Framing::Tcp);
    let found = identity(&mut line, &manners, 1).await.unwrap();
    assert_eq!(found, objects(&[(0, "again")]));
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_knows_basic_identification_only_is_asked_for_that() {
    let (mut line, _) = line(Framing::Rtu, |_, pdu| match pdu[2] {
        1 => Some(identification(1, None, &[(0, "Vendor")])),
        _ => refused(pdu, 3),
    });
    let manners = Manners::gentle(Framing::Rtu);
    assert_eq!(identity(&mut line, &manners, 1).await.unwrap(), objects(&[(0, "Vendor")]));
}

fn probe(first: u16, last: u16) -> Probe {
    Probe { table: Table::Holding, first, last, at_once: 64, questions_max: 1000 }
}

fn block(address: u16, count: u16) -> Block {
    Block { address, words: (address..=address + (count - 1)).collect() }
}

#[tokio::test(start_paused = true)]
async fn a_probe_finds_every_register_and_no_other() {
    let present = |a: u32| (3..40).contains(&a) || a == 77 || (190..=200).contains(&a);
    let (mut line, asked) = line(Framing::Tcp, move |_, pdu| holds(present, 16, pdu));
    let manners = Manners::gentle(Framing::Tcp);
    let found = registers(&mut line, &manners, 1, &probe(0, 255)).await.unwrap();
    assert_eq!(found.blocks, [block(3, 37), block(77, 1), block(190, 11)]);
    assert!(found.unknown.is_empty());
    only_reads(&asked);
}

#[tokio::test(start_paused = true)]
async fn a_probe_reaches_the_last_address_and_goes_no_further() {
    let (mut line, _) = line(Framing::Tcp, |_, pdu| holds(|a| a >= 65_500, 125, pdu));
    let manners = Manners::gentle(Framing::Tcp);
    let found = registers(&mut line, &manners, 1, &probe(65_400, 65_535)).await.unwrap();
    assert_eq!(found.blocks, [block(65_500, 36)]);
}

#[tokio::test(start_paused = true)]
async fn a_probe_ends_with_its_questions_and_says_what_it_does_not_know() {
    let (mut line, asked) = line(Framing::Tcp, |_, pdu| refused(pdu, 2));
    let manners = Manners::gentle(Framing::Tcp);
    let few = Probe { questions_max: 10, ..probe(0, 999) };
    let found = registers(&mut line, &manners, 1, &few).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 10);
    assert_eq!(found.unknown.len(), 1);
    assert_eq!(*found.unknown[0].end(), 999);
}

#[tokio::test(start_paused = true)]
async fn each_range_that_stays_unknown_is_told_by_itself() {
    let (mut line, _) = line(Framing::Tcp, |_, pdu| match pdu[1] {
        1 => holds(|_| true, 125, pdu),
        _ => refused(pdu, 4),
    });
    let manners = Manners::gentle(Framing::Tcp);
    let found = registers(&mut line, &manners, 1, &probe(0, 767)).await.unwrap();
    assert_eq!(found.blocks, [block(256, 256)]);
    assert_eq!(found.unknown, [0..=255, 512..=767]);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_does_not_answer_is_soon_let_alone() {
    let (mut line, asked) = line(Framing::Rtu, |_, _| None);
    let manners = Manners::gentle(Framing::Rtu);
    let found = registers(&mut line, &manners, 1, &probe(0, 999)).await.unwrap();
    assert_eq!(found.unknown, [0..=999]);
    assert_eq!(asked.lock().unwrap().len(), 3);
}
