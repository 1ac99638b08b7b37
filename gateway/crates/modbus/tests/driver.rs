//! What the driver asks for, to the byte, and what it makes of the answers.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use common::{TIMEOUT, device, driver, numbers, point, write};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use wellhead_driver::{Driver, Line, Readback, Write};
use wellhead_modbus::{Encoding, Framing, PointSpec, Table, WriteFunction};
use wellhead_model::{PointIndex, Value};

/// Takes one Modbus TCP request and answers it with this protocol data unit; a write with the
/// beginning of the request. Returns the request's own.
async fn serve(peer: &mut DuplexStream, reply: Option<&[u8]>) -> Vec<u8> {
    let mut header = [0; 7];
    receive(peer, &mut header).await;
    let mut pdu = vec![0; usize::from(header[5]) - 1];
    receive(peer, &mut pdu).await;
    let reply = reply.unwrap_or(if pdu[0] == 22 { &pdu } else { &pdu[..5] });
    header[5] = reply.len() as u8 + 1;
    peer.write_all(&[&header, reply].concat()).await.unwrap();
    pdu
}

/// Fails, rather than wait for ever, if less comes.
async fn receive(peer: &mut DuplexStream, bytes: &mut [u8]) {
    tokio::time::timeout(100 * TIMEOUT, peer.read_exact(bytes)).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_bit_of_a_reply_goes_to_its_own_point() {
    let at = [9, 10, 16, 17, 20, 25];
    for (table, function) in [(Table::Coil, 1), (Table::Discrete, 2)] {
        let points = (0..).zip(at).map(|(i, a)| point(i, table, a, Encoding::Bit(None)));
        let mut spec = device(Framing::Tcp, points.collect());
        spec.grouping.gap_max = 8;
        let (ours, mut peer) = tokio::io::duplex(4096);
        let (mut line, mut hp) = (Line::over(ours), driver(spec));
        for on in at {
            // 17 bits from 9, all but one of them 0; the bits behind them are 1.
            let mut data = [0, 0, 0xFE];
            data[usize::from(on - 9) / 8] |= 1 << ((on - 9) % 8);
            let reply = [&[function, 3][..], &data].concat();
            let (read, asked) =
                tokio::join!(numbers(&mut hp, &mut line), serve(&mut peer, Some(&reply)));
            assert_eq!(asked, [function, 0, 9, 0, 17]);
            assert_eq!(read, at.map(|a| i64::from(a == on)), "{table:?} {on}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_point_is_written_with_its_function() {
    let multiple = |p: PointSpec| PointSpec { write: WriteFunction::Multiple, ..p };
    let cases: [(PointSpec, Value, &[u8]); 12] = [
        (point(0, Table::Coil, 10, Encoding::Bit(None)), Value::Bool(true), &[5, 0, 10, 0xFF, 0]),
        (point(0, Table::Coil, 10, Encoding::Bit(None)), Value::Bool(false), &[5, 0, 10, 0, 0]),
        (
            multiple(point(0, Table::Coil, 10, Encoding::Bit(None))),
            Value::Bool(true),
            &[15, 0, 10, 0, 1, 1, 1],
        ),
        (
            multiple(point(0, Table::Coil, 10, Encoding::Bit(None))),
            Value::Bool(false),
            &[15, 0, 10, 0, 1, 1, 0],
        ),
        (point(0, Table::Holding, 12, Encoding::I16), Value::Int(-2), &[6, 0, 12, 0xFF, 0xFE]),
        (
            multiple(point(0, Table::Holding, 12, Encoding::I16)),
            Value::Int(-2),
            &[16, 0, 12, 0, 1, 2, 0xFF, 0xFE],
        ),
        (
            point(0, Table::Holding, 12, Encoding::I32),
            Value::Int(65538),
            &[16, 0, 12, 0, 2, 4, 0, 1, 0, 2],
        ),
        // Bits of a register: the others keep, and other masters' writes to them too.
        (
            point(0, Table::Holding, 20, Encoding::Bit(Some(15))),
            Value::Bool(false),
            &[22, 0, 20, 0x7F, 0xFF, 0, 0],
        ),
        (
            point(0, Table::Holding, 20, Encoding::Bit(Some(3))),
            Value::Bool(true),
            &[22, 0, 20, 0xFF, 0xF7, 0, 8],
        ),
        (
            multiple(point(0, Table::Holding, 20, Encoding::Bit(Some(3)))),
            Value::Bool(true),
            &[22, 0, 20, 0xFF, 0xF7, 0, 8],
        ),
        (
            point(0, Table::Holding, 20, Encoding::Bits(4, 3)),
            Value::Int(6),
            &[22, 0, 20, 0xFF, 0x8F, 0, 0x60],
        ),
        (
            multiple(point(0, Table::Holding, 20, Encoding::Bits(9, 7))),
            Value::Int(65),
            &[22, 0, 20, 0x01, 0xFF, 0x82, 0],
        ),
    ];
    for (spec, value, expected) in cases {
        let (ours, mut peer) = tokio::io::duplex(4096);
        let mut line = Line::over(ours);
        let mut hp = driver(device(Framing::Tcp, vec![spec.clone()]));
        let set = Write { point: PointIndex(0), value: value.clone(), readback: false };
        let (back, asked) = tokio::join!(hp.write(&mut line, &set), serve(&mut peer, None));
        assert_eq!(back, Ok(Readback::Acknowledged));
        assert_eq!(asked, expected, "{value} to {spec:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn text_is_written_up_to_what_one_write_carries() {
    let text = || Value::Text("GSHP".into());
    let (ours, mut peer) = tokio::io::duplex(4096);
    let mut line = Line::over(ours);
    let points = [(0, 123), (1, 124)].map(|(i, n)| point(i, Table::Holding, 30, Encoding::Text(n)));
    let mut hp = driver(device(Framing::Tcp, points.to_vec()));
    let set = Write { point: PointIndex(0), value: text(), readback: false };
    let (back, asked) = tokio::join!(hp.write(&mut line, &set), serve(&mut peer, None));
    assert_eq!(back, Ok(Readback::Acknowledged));
    assert_eq!(asked[..10], [&[16, 0, 30, 0, 123, 246][..], b"GSHP"].concat());
    assert_eq!(asked.len(), 6 + 246);
    let error = write(&mut hp, &mut line, 1, text()).await.unwrap_err();
    assert_eq!(error.to_string(), "hp1: `p1` has 124 registers, one write takes 123");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_told_with_what_would() {
    let scaled = |i, scale, offset| {
        let mut p = point(i, Table::Holding, 12, Encoding::I16);
        (p.conversion.scale, p.conversion.offset) = (scale, offset);
        p
    };
    let mut hp = driver(device(
        Framing::Tcp,
        vec![
            scaled(0, 0.1, 20.0),
            scaled(1, -0.5, 0.0),
            point(2, Table::Holding, 9, Encoding::U16),
        ],
    ));
    let (ours, peer) = tokio::io::duplex(4096);
    let mut line = Line::over(ours);
    for (index, range) in [(0, "-3256.8 to 3296.7"), (1, "-16383.5 to 16384"), (2, "0 to 65535")] {
        let error = write(&mut hp, &mut line, index, Value::Int(70_000)).await.unwrap_err();
        let expected = format!("hp1: `p{index}` can't take 70000: its registers hold {range}");
        assert_eq!(error.to_string(), expected);
    }
    drop(peer);
}
