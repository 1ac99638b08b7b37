//! The electricity meters on DL/T 645, in bytes put together by hand.
#![expect(clippy::unwrap_used, reason = "tests")]

#[expect(dead_code, reason = "shared with other tests")]
mod common;

use std::fs::File;
use std::io::{Read, Write};

use common::serve;
use wellhead_plant::fault::{Fault, FaultError, Line, Scope};
use wellhead_plant::meters::dlt645::TRANSFORMERS;
use wellhead_plant::modbus::exchange::Latency;
use wellhead_plant::serve::{Options, Server};

async fn meters(dir: &std::path::Path) -> (Server, File) {
    let dlt645 = Some(dir.join("meters"));
    let rtu_latency = Latency::default();
    let server = serve(Options { dlt645, rtu_latency, ..Options::tcp() }).await;
    let end = File::options().read(true).write(true).open(server.dlt645().unwrap()).unwrap();
    (server, end)
}

/// To the meter of unit 31, 2606000000 31, or with `AA` to any; data without the offset.
fn frame(address: [u8; 6], control: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x68];
    bytes.extend(address);
    bytes.extend([0x68, control, data.len() as u8]);
    bytes.extend(data.iter().map(|b| b.wrapping_add(0x33)));
    bytes.push(bytes.iter().fold(0u8, |sum, b| sum.wrapping_add(*b)));
    bytes.push(0x16);
    bytes
}

const METER: [u8; 6] = [0x31, 0x00, 0x00, 0x00, 0x06, 0x26];

/// Asks, and hears so many bytes.
async fn ask(end: &File, request: &[u8], len: usize) -> Vec<u8> {
    let (mut end, request) = (end.try_clone().unwrap(), request.to_vec());
    let heard = tokio::task::spawn_blocking(move || {
        end.write_all(&request).unwrap();
        let mut heard = vec![0; len];
        end.read_exact(&mut heard).unwrap();
        heard
    });
    tokio::time::timeout(common::PATIENCE, heard).await.unwrap().unwrap()
}

/// A reply's digits as a number, low byte first.
fn digits(bytes: &[u8]) -> f64 {
    let two = |byte: &u8| byte.wrapping_sub(0x33);
    bytes.iter().rev().map(two).fold(0.0, |n, b| {
        assert!(b >> 4 <= 9 && b & 0xF <= 9, "{bytes:x?}");
        n * 100.0 + f64::from((b >> 4) * 10 + (b & 0xF))
    })
}

#[tokio::test]
async fn an_electricity_meter_tells_what_it_tells_on_modbus() {
    let dir = tempfile::tempdir().unwrap();
    let (server, end) = meters(dir.path()).await;
    let reading = |point| server.room().reading(31, point).unwrap();
    for (id, bytes, scale, point) in [
        ([0, 0, 1, 0], 4, 0.1 / TRANSFORMERS, "energy"),
        ([0, 1, 1, 2], 2, 10.0, "voltage_l1"),
        ([0, 2, 2, 2], 3, 1e3 / TRANSFORMERS, "current"),
        ([0, 0, 3, 2], 3, 1e4 / TRANSFORMERS, "power"),
        ([0, 0, 6, 2], 2, 1e3, "power_factor"),
        ([2, 0, 0x80, 2], 2, 100.0, "frequency"),
    ] {
        let heard = ask(&end, &frame(METER, 0x11, &id), 16 + bytes).await;
        let value = &heard[14..14 + bytes];
        let plain: Vec<u8> =
            id.iter().copied().chain(value.iter().map(|b| b.wrapping_sub(0x33))).collect();
        assert_eq!(heard, frame(METER, 0x91, &plain), "{point}");
        let expected = reading(point) * scale;
        assert!(expected > 0.0, "{point} at work");
        assert!((digits(value) - expected).abs() <= 1.0, "{point}: {} {expected}", digits(value));
    }
    let block = ask(&end, &frame(METER, 0x11, &[0, 0xFF, 1, 2]), 16 + 6).await;
    assert!((digits(&block[18..20]) / 10.0 - reading("voltage_l3")).abs() < 0.06);
}

#[tokio::test]
async fn what_a_meter_has_not_it_refuses_and_whom_nobody_is_nobody_answers() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, end) = meters(dir.path()).await;
    let refused = frame(METER, 0xD1, &[2]);
    assert_eq!(ask(&end, &frame(METER, 0x11, &[9, 9, 9, 9]), refused.len()).await, refused);
    // Asked for nobody and for a wrong sum, then for somebody: one answer comes.
    let mut bad = frame(METER, 0x11, &[0, 0, 1, 0]);
    bad[14] ^= 1;
    let nobody = frame([0x99, 0, 0, 0, 0, 0], 0x11, &[0, 0, 1, 0]);
    let wake = [0xFE; 4];
    let address = frame([0x33, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA], 0x13, &[]);
    let mut own = METER;
    own[0] = 0x33;
    let expected = frame(own, 0x93, &own);
    let all = [&bad[..], &nobody, &wake, &address].concat();
    assert_eq!(ask(&end, &all, expected.len()).await, expected);
}

#[tokio::test]
async fn electricity_meters_misbehave_on_command() {
    let dir = tempfile::tempdir().unwrap();
    let (server, end) = meters(dir.path()).await;
    let request = frame(METER, 0x11, &[0, 0, 2, 0]);
    let whole = frame(METER, 0x91, &[0, 0, 2, 0, 0, 0, 0, 0]);
    assert_eq!(ask(&end, &request, whole.len()).await, whole);
    server.inject(Scope::unit(31), Fault::BadCrc, None).unwrap();
    let spoilt = ask(&end, &request, whole.len()).await;
    assert!(spoilt[..18] == whole[..18] && spoilt[18] != whole[18], "{spoilt:x?}");
    server.clear(None);
    server.inject(Scope::unit(31), Fault::Garbage, None).unwrap();
    assert_ne!(ask(&end, &request, 12).await, whole[..12]);
    server.clear(None);
    // A silent meter leaves the line to its neighbour.
    server.inject(Scope::unit(31), Fault::Silent, None).unwrap();
    let mut neighbour = METER;
    neighbour[0] = 0x32;
    let both = [request, frame(neighbour, 0x11, &[0, 0, 2, 0])].concat();
    let expected = frame(neighbour, 0x91, &[0, 0, 2, 0, 0, 0, 0, 0]);
    assert_eq!(ask(&end, &both, expected.len()).await, expected);
    server.clear(None);
    let point = "power".to_owned();
    server.inject(Scope::unit(31), Fault::Sentinel { point }, None).unwrap();
    let broken = ask(&end, &frame(METER, 0x11, &[0, 0, 3, 2]), 19).await;
    assert_eq!(broken, frame(METER, 0x91, &[0, 0, 3, 2, 0xFF, 0xFF, 0xFF]));
    let modbus = Fault::Exception { code: 2 };
    let refused = server.inject(Scope::line(Line::Dlt645), modbus, None);
    assert!(matches!(refused, Err(FaultError::OnlyModbus)), "{refused:?}");
    let refused = server.inject(Scope::line(Line::Dlt645), Fault::Cut, None);
    assert!(matches!(refused, Err(FaultError::NeedsConnections(_))), "{refused:?}");
}
