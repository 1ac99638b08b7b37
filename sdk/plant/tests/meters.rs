//! The heat meters on M-Bus and CJ/T 188, in bytes put together by hand.
#![expect(clippy::unwrap_used, reason = "tests")]

#[expect(dead_code, reason = "meters are not spoken to in Modbus")]
mod common;

use std::net::SocketAddr;

use common::{Wire, serve};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wellhead_plant::fault::{Fault, FaultError, Line, Scope};
use wellhead_plant::meters::sum;
use wellhead_plant::modbus::exchange::Latency;
use wellhead_plant::serve::{Options, Server};

const RESET: [u8; 5] = [0x10, 0x40, 22, 86, 0x16];
const ASK: [u8; 5] = [0x10, 0x7B, 22, 145, 0x16];
/// Of the load heat meter's frame: 6 bytes around, 3 before the header, 12 of header, records.
const FRAME_LEN: usize = 6 + 3 + 12 + 6 + 6 + 7 + 6 + 6 + 6 + 4 + 4 + 4;

async fn meters() -> (Server, Wire) {
    let mbus_tcp = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let server =
        serve(Options { mbus_tcp, rtu_latency: Latency::default(), ..Options::tcp() }).await;
    let wire = Wire(TcpStream::connect(server.mbus_tcp().unwrap()).await.unwrap());
    (server, wire)
}

async fn ask(wire: &mut Wire, request: &[u8], len: usize) -> Vec<u8> {
    wire.0.write_all(request).await.unwrap();
    wire.hear(len).await
}

/// The number behind a code of data and value.
fn number(frame: &[u8], code: [u8; 2], len: usize) -> i64 {
    let at = frame[21..].windows(2).position(|w| w == code).unwrap() + 23;
    let bytes = &frame[at..at + len];
    let bits = bytes.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
    ((bits << (64 - 8 * len)) as i64) >> (64 - 8 * len)
}

#[tokio::test]
async fn a_heat_meter_tells_on_m_bus_what_it_tells_on_modbus() {
    let (server, mut wire) = meters().await;
    assert_eq!(ask(&mut wire, &RESET, 1).await, [0xE5]);
    let frame = ask(&mut wire, &ASK, FRAME_LEN).await;
    assert_eq!((frame[4], frame[5], frame[6]), (0x08, 22, 0x72));
    assert_eq!(frame[7..15], [0x11, 0x22, 0x00, 0x41, 0x10, 0x5D, 0x32, 0x0D]);
    assert_eq!(sum(&frame[4..frame.len() - 2]), frame[frame.len() - 2]);
    let room = server.room();
    let shown = |point| room.reading(22, point).unwrap();
    for (code, len, value) in [
        ([0x04, 0x2B], 4, shown("power") * 1e3),
        ([0x04, 0x3B], 4, shown("flow") * 1e3),
        ([0x02, 0x59], 2, shown("supply_temperature") * 100.0),
        ([0x02, 0x5D], 2, shown("return_temperature") * 100.0),
    ] {
        assert_eq!(number(&frame, code, len), value.round() as i64, "{code:02X?}");
    }
    assert!(shown("flow") > 1.0, "the plant is at work");
}

#[tokio::test]
async fn the_first_meter_needs_two_telegrams_and_repeats_the_one_that_was_lost() {
    let (_server, mut wire) = meters().await;
    let to = |control: u8| [0x10, control, 21, sum(&[control, 21]), 0x16];
    ask(&mut wire, &to(0x40), 1).await;
    let first = ask(&mut wire, &to(0x7B), FRAME_LEN + 1).await;
    assert_eq!(first[FRAME_LEN - 2], 0x1F, "more follows");
    assert_eq!(
        ask(&mut wire, &to(0x7B), FRAME_LEN + 1).await,
        first,
        "the same bit, the same data"
    );
    let second_len = 6 + 3 + 12 + 6 + 6 + 5 + 6;
    let second = ask(&mut wire, &to(0x5B), second_len).await;
    assert_eq!(second[second_len - 8..second_len - 2], *b"\x0FHM150");
    assert_eq!(
        ask(&mut wire, &to(0x7B), FRAME_LEN + 1).await[4..14],
        first[4..14],
        "from the front"
    );
}

#[tokio::test]
async fn meters_are_selected_by_number_with_wildcards_and_collide() {
    let (_server, mut wire) = meters().await;
    let select = |digits: [u8; 4]| {
        let mut frame = vec![0x68, 11, 11, 0x68, 0x53, 0xFD, 0x52];
        frame.extend(digits);
        frame.extend([0xFF; 4]);
        frame.extend([sum(&frame[4..]), 0x16]);
        frame
    };
    let selected = [0x10, 0x7B, 0xFD, 0x78, 0x16];
    assert_eq!(ask(&mut wire, &select([0x11, 0x22, 0x00, 0x41]), 1).await, [0xE5]);
    assert_eq!(ask(&mut wire, &selected, FRAME_LEN).await[5], 22);
    wire.0.write_all(&select([0x99, 0x22, 0x00, 0x41])).await.unwrap();
    assert!(wire.hears_nothing().await);
    assert_eq!(ask(&mut wire, &select([0xFF, 0xFF, 0xFF, 0x4F]), 1).await, [0xE5]);
    let both = ask(&mut wire, &selected, FRAME_LEN + 1).await;
    assert_ne!(sum(&both[4..FRAME_LEN - 2]), both[FRAME_LEN - 2], "a collision that checks");
}

#[tokio::test]
async fn a_bus_of_meters_misbehaves_on_command() {
    let (server, mut wire) = meters().await;
    let whole = ask(&mut wire, &ASK, FRAME_LEN).await;
    let scope = Scope { unit: Some(22), line: Some(Line::MbusTcp) };
    let spoilt = async |fault: Fault, wire: &mut Wire, len: usize| {
        let id = server.inject(scope, fault, None).unwrap();
        let bytes = ask(wire, &ASK, len).await;
        server.clear(Some(id));
        bytes
    };
    let checks = |frame: &[u8]| sum(&frame[4..frame.len() - 2]) == frame[frame.len() - 2];
    let crc = spoilt(Fault::BadCrc, &mut wire, FRAME_LEN).await;
    assert!(!checks(&crc));
    assert_eq!(spoilt(Fault::Short, &mut wire, FRAME_LEN - 3).await, whole[..FRAME_LEN - 3]);
    let foreign = spoilt(Fault::ForeignUnit, &mut wire, FRAME_LEN).await;
    assert!(checks(&foreign) && foreign[5] != 22);
    assert_ne!(spoilt(Fault::Garbage, &mut wire, 12).await[0], 0x68);
    let twice = spoilt(Fault::Duplicate, &mut wire, 2 * FRAME_LEN).await;
    assert_eq!(twice[..FRAME_LEN], twice[FRAME_LEN..]);
    server.inject(scope, Fault::Silent, None).unwrap();
    wire.0.write_all(&ASK).await.unwrap();
    assert!(wire.hears_nothing().await);
    server.clear(None);
    let point = "supply_temperature".to_owned();
    server.inject(Scope::unit(22), Fault::Sentinel { point }, None).unwrap();
    let broken = ask(&mut wire, &ASK, FRAME_LEN).await;
    assert_eq!(number(&broken, [0x02, 0x59], 2), i64::from(i16::MIN));
    assert_eq!(broken[16], 0x10, "temporary error");
    let only = server.inject(Scope::line(Line::Mbus), Fault::Exception { code: 6 }, None);
    assert_eq!(only, Err(FaultError::OnlyModbus));
}

#[tokio::test]
async fn a_heat_meter_speaks_cjt_188_on_the_same_wire() {
    let (server, mut wire) = meters().await;
    let mut request = vec![0xFE, 0xFE, 0x68, 0x20, 0x11, 0x22, 0x00, 0x41, 0x00, 0x33, 0x78];
    request.extend([0x01, 3, 0x1F, 0x90, 7]);
    request.extend([sum(&request[2..]), 0x16]);
    let frame = ask(&mut wire, &request, 11 + 46 + 2).await;
    assert_eq!(frame[9..14], [0x81, 46, 0x1F, 0x90, 7]);
    let bcd = |at: usize, len: usize| {
        frame[at..at + len]
            .iter()
            .rev()
            .fold(0, |n, b| n * 100 + u64::from(b >> 4) * 10 + u64::from(b & 0xF))
    };
    let room = server.room();
    let supply = room.reading(22, "supply_temperature").unwrap();
    assert_eq!(bcd(14 + 25, 3), (supply * 100.0).round() as u64);
    let energy = room.reading(22, "energy").unwrap();
    assert_eq!((bcd(14 + 5, 4), frame[14 + 9]), ((energy / 10.0).floor() as u64, 0x08));
    assert_eq!(bcd(14 + 34 + 5, 2), 2026);
}
