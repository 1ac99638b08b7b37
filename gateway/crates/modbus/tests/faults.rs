//! What goes wrong on a line, and that none of it becomes a value.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use common::{LATE, TIMEOUT, device, driver, numbers, point, poll, registers, write};
use proptest::prelude::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep, timeout};
use wellhead_driver::{
    DeviceError, Driver, Line, LineConfig, Outcome, Readback, Readings, TcpConfig, Write,
};
use wellhead_modbus::codec::rtu::crc;
use wellhead_modbus::{DeviceSpec, Encoding, Framing, Table};
use wellhead_model::{PointIndex, Reason, Value};

fn rtu(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut frame = vec![unit];
    frame.extend_from_slice(pdu);
    let crc = crc(&frame).to_le_bytes();
    frame.extend_from_slice(&crc);
    frame
}

fn tcp(transaction: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut frame = transaction.to_be_bytes().to_vec();
    frame.extend_from_slice(&[0, 0, 0, pdu.len() as u8 + 1, unit]);
    frame.extend_from_slice(pdu);
    frame
}

/// The reply to a read of holding registers.
fn held(values: &[u16]) -> Vec<u8> {
    let mut pdu = vec![3, 2 * values.len() as u8];
    values.iter().for_each(|v| pdu.extend_from_slice(&v.to_be_bytes()));
    pdu
}

fn memory() -> (Line, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(4096);
    (Line::over(ours), theirs)
}

/// What is asked next. Fails, rather than wait for ever, if nothing is.
async fn request(peer: &mut DuplexStream) -> Vec<u8> {
    let mut request = vec![0; 300];
    let n = timeout(100 * TIMEOUT, peer.read(&mut request)).await.unwrap().unwrap();
    request.truncate(n);
    request
}

async fn answer(peer: &mut DuplexStream, bytes: &[u8]) -> Vec<u8> {
    let request = request(peer).await;
    peer.write_all(bytes).await.unwrap();
    request
}

/// Polls one register at 100 of unit 7 while the peer answers with these bytes.
async fn one(framing: Framing, bytes: Vec<u8>) -> Read {
    let (mut line, mut peer) = memory();
    let mut hp = driver(device(framing, registers(100, 1)));
    tokio::join!(poll(&mut hp, &mut line), answer(&mut peer, &bytes)).0
}

/// What a poll brought, by point.
type Read = Result<Vec<(u32, Outcome)>, DeviceError>;

const UNFIT: DeviceError = DeviceError::BadReply("nothing received was the whole reply");

fn value(v: i64) -> Read {
    Ok(vec![(0, Outcome::Good(Value::Int(v)))])
}

#[tokio::test(start_paused = true)]
async fn requests_are_the_bytes_of_the_specification() {
    let (mut line, mut peer) = memory();
    let mut hp = driver(device(Framing::Rtu, registers(0x6B, 3)));
    let reply = rtu(7, &held(&[555, 0, 100]));
    let (read, asked) = tokio::join!(numbers(&mut hp, &mut line), answer(&mut peer, &reply));
    assert_eq!(read, [555, 0, 100]);
    assert_eq!(asked[..6], [7, 3, 0, 0x6B, 0, 3]);
    assert_eq!(asked[6..], crc(&asked[..6]).to_le_bytes());

    let (mut line, mut peer) = memory();
    let mut hp = driver(device(Framing::Tcp, registers(0x6B, 3)));
    for transaction in 1..=3 {
        let reply = tcp(transaction, 7, &held(&[555, 0, 100]));
        let (read, asked) = tokio::join!(numbers(&mut hp, &mut line), answer(&mut peer, &reply));
        assert_eq!(read, [555, 0, 100]);
        assert_eq!(asked, [0, transaction as u8, 0, 0, 0, 6, 7, 3, 0, 0x6B, 0, 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_whole_reply_itself_is_taken_from_a_serial_line() {
    let good = rtu(7, &held(&[42]));
    let mut flipped = good.clone();
    flipped[4] ^= 1;
    let joined = |parts: &[&[u8]]| parts.concat();
    let cases: &[(&str, Vec<u8>, Read)] = &[
        ("the reply", good.clone(), value(42)),
        ("silence", vec![], Err(DeviceError::NoReply(TIMEOUT))),
        ("short", good[..good.len() - 1].to_vec(), Err(UNFIT)),
        ("one flipped bit", flipped.clone(), Err(UNFIT)),
        ("garbage", (0..=255).rev().collect(), Err(UNFIT)),
        ("a stray 00 before", joined(&[&[0x00], &good]), value(42)),
        ("a stray FF before", joined(&[&[0xFF], &good]), value(42)),
        ("the unit's own number before", joined(&[&[7], &good]), value(42)),
        ("what looks like a longer frame", joined(&[&[9, 3], &good]), value(42)),
        ("a stray 00 like a long frame", joined(&[&[0x00, 3, 0x7A], &good]), value(42)),
        ("what looks like one, and a repeated reply", joined(&[&[9, 3], &good, &good]), value(42)),
        ("noise", joined(&[&[0x55, 0xAA, 0x00, 0xFF, 0x13, 0x80], &good]), value(42)),
        ("foreign unit", rtu(8, &held(&[13])), Err(UNFIT)),
        ("foreign unit first", joined(&[&rtu(8, &held(&[13])), &good]), value(42)),
        (
            "a reply inside a foreign one",
            rtu(8, &[&[3, 8][..], &rtu(7, &held(&[13])), &[0]].concat()),
            Err(UNFIT),
        ),
        ("another count", rtu(7, &held(&[1, 2])), Err(UNFIT)),
        ("another count first", joined(&[&rtu(7, &held(&[1, 2])), &good]), value(42)),
        ("another function", rtu(7, &[4, 2, 0, 13]), Err(UNFIT)),
        ("the request's echo", rtu(7, &[3, 0, 100, 0, 1]), Err(UNFIT)),
        ("a damaged one first", joined(&[&flipped, &good]), value(42)),
        ("a repeated one", joined(&[&good, &good]), value(42)),
        ("an exception to another function", rtu(7, &[0x84, 4]), Err(UNFIT)),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(one(Framing::Rtu, bytes.clone()).await, *expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_reply_of_this_transaction_is_taken_from_tcp() {
    let good = tcp(1, 7, &held(&[42]));
    let joined = |parts: &[&[u8]]| parts.concat();
    let broken = |why| Err(DeviceError::BadReply(why));
    const LENGTH: &str = "impossible length in the Modbus TCP header";
    let mut protocol = good.clone();
    protocol[3] = 1;
    let mut long = good.clone();
    long[4] = 2;
    let cases: &[(&str, Vec<u8>, Read)] = &[
        ("the reply", good.clone(), value(42)),
        ("silence", vec![], Err(DeviceError::NoReply(TIMEOUT))),
        ("short", good[..good.len() - 1].to_vec(), Err(UNFIT)),
        ("an older transaction", tcp(0, 7, &held(&[13])), Err(UNFIT)),
        ("an older one first", joined(&[&tcp(0, 7, &held(&[13])), &good]), value(42)),
        ("foreign unit", tcp(1, 8, &held(&[13])), Err(UNFIT)),
        ("foreign unit first", joined(&[&tcp(1, 8, &held(&[13])), &good]), value(42)),
        ("another protocol", protocol, broken("not Modbus TCP")),
        ("length 0", vec![0, 1, 0, 0, 0, 0, 7, 3], broken(LENGTH)),
        ("length 1", vec![0, 1, 0, 0, 0, 1, 7, 3], broken(LENGTH)),
        ("absurd length", long, broken(LENGTH)),
        ("another count", tcp(1, 7, &held(&[1, 2])), broken("reply with another count")),
        ("a lying count", tcp(1, 7, &[3, 2, 0]), broken("reply with another count")),
        ("another function", tcp(1, 7, &[4, 2, 0, 13]), broken("reply to another function")),
        ("long exception", tcp(1, 7, &[0x83, 4, 0]), broken("exception of a wrong length")),
        ("a repeated one", joined(&[&good, &good]), value(42)),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(one(Framing::Tcp, bytes.clone()).await, *expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_serial_reply_is_not_taken_for_the_next_answer() {
    let (mut line, mut peer) = memory();
    let mut hp = driver(device(Framing::Rtu, registers(100, 1)));
    let start = Instant::now();
    let device = async {
        request(&mut peer).await;
        sleep(TIMEOUT + LATE / 2).await;
        peer.write_all(&rtu(7, &held(&[13]))).await.unwrap();
        answer(&mut peer, &rtu(7, &held(&[42]))).await;
        start.elapsed()
    };
    let polls = async {
        let first = poll(&mut hp, &mut line).await;
        (first, poll(&mut hp, &mut line).await)
    };
    let ((first, second), asked_again) = tokio::join!(polls, device);
    assert_eq!(first, Err(DeviceError::NoReply(TIMEOUT)));
    assert_eq!(second, value(42));
    assert!(asked_again >= TIMEOUT + LATE, "{asked_again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_late_tcp_reply_is_passed_over_without_waiting_for_it() {
    let (mut line, mut peer) = memory();
    let mut hp = driver(device(Framing::Tcp, registers(100, 1)));
    let start = Instant::now();
    let device = async {
        request(&mut peer).await;
        request(&mut peer).await;
        peer.write_all(&tcp(1, 7, &held(&[13]))).await.unwrap();
        sleep(TIMEOUT / 2).await;
        peer.write_all(&tcp(2, 7, &held(&[42]))).await.unwrap();
    };
    let polls = async {
        let first = poll(&mut hp, &mut line).await;
        (first, poll(&mut hp, &mut line).await)
    };
    let ((first, second), ()) = tokio::join!(polls, device);
    assert_eq!(first, Err(DeviceError::NoReply(TIMEOUT)));
    assert_eq!(second, value(42));
    assert!(start.elapsed() < 2 * TIMEOUT, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_neighbour_is_asked_at_once_and_not_given_the_late_reply() {
    for framing in [Framing::Rtu, Framing::Tcp] {
        let frame = |unit, value| match framing {
            Framing::Rtu => rtu(unit, &held(&[value])),
            Framing::Tcp => tcp(1, unit, &held(&[value])),
        };
        let (mut line, mut peer) = memory();
        let mut hp = driver(device(framing, registers(100, 1)));
        let mut meter = driver(DeviceSpec { unit: 8, ..device(framing, registers(100, 1)) });
        let start = Instant::now();
        let devices = async {
            request(&mut peer).await;
            request(&mut peer).await;
            let asked = start.elapsed();
            peer.write_all(&frame(7, 13)).await.unwrap();
            peer.write_all(&frame(8, 42)).await.unwrap();
            asked
        };
        let polls = async {
            let first = poll(&mut hp, &mut line).await;
            (first, poll(&mut meter, &mut line).await)
        };
        let ((first, second), asked) = tokio::join!(polls, devices);
        assert_eq!(first, Err(DeviceError::NoReply(TIMEOUT)));
        assert_eq!(second, value(42));
        assert!(asked < 2 * TIMEOUT, "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_reply_is_not_the_next_answer() {
    for framing in [Framing::Rtu, Framing::Tcp] {
        let frame = |transaction, value| match framing {
            Framing::Rtu => rtu(7, &held(&[value])),
            Framing::Tcp => tcp(transaction, 7, &held(&[value])),
        };
        let (mut line, mut peer) = memory();
        let mut hp = driver(device(framing, registers(100, 1)));
        let first = frame(1, 13);
        let ((), read) = tokio::join!(
            async {
                answer(&mut peer, &first).await;
                sleep(TIMEOUT / 10).await;
                peer.write_all(&first).await.unwrap();
            },
            poll(&mut hp, &mut line)
        );
        assert_eq!(read, value(13));
        let second = frame(2, 42);
        let (read, _) = tokio::join!(poll(&mut hp, &mut line), answer(&mut peer, &second));
        assert_eq!(read, value(42));
    }
}

#[tokio::test(start_paused = true)]
async fn an_exception_is_an_answer_that_says_what_kind_of_trouble_it_is() {
    let failure = |code, meaning| Err(DeviceError::DeviceFailure { code, meaning });
    let cases = [
        (1, Err(DeviceError::Refused { code: 1, meaning: "illegal function" })),
        (2, Ok(vec![(0, Outcome::Bad(Reason::IllegalAddress))])),
        (3, Ok(vec![(0, Outcome::Bad(Reason::Refused(3)))])),
        (4, failure(4, "device failure")),
        (5, failure(5, "acknowledged, still working")),
        (6, failure(6, "device busy")),
        (8, failure(8, "memory parity error")),
        (10, failure(10, "gateway path unavailable")),
        // The unit behind a gateway is silent: it has to back off like any other.
        (11, Err(DeviceError::NoReply(TIMEOUT))),
        (99, Err(DeviceError::Refused { code: 99, meaning: "not in the standard" })),
    ];
    for (code, expected) in cases {
        assert_eq!(one(Framing::Rtu, rtu(7, &[0x83, code])).await, expected, "{code}");
        assert_eq!(one(Framing::Tcp, tcp(1, 7, &[0x83, code])).await, expected, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_writes_echo_is_no_acknowledgement() {
    let cases = [
        (rtu(7, &[6, 0, 100, 0, 42]), Ok(Readback::Acknowledged)),
        (rtu(7, &[6, 0, 100, 0, 43]), Err(UNFIT)),
        (rtu(7, &[6, 0, 101, 0, 42]), Err(UNFIT)),
        (
            rtu(7, &[0x86, 2]),
            Err(DeviceError::Refused { code: 2, meaning: "illegal data address" }),
        ),
    ];
    for (reply, expected) in cases {
        let (mut line, mut peer) = memory();
        let mut hp = driver(device(Framing::Rtu, registers(100, 1)));
        let set = Write { point: PointIndex(0), value: Value::Int(42), readback: false };
        let (back, asked) = tokio::join!(hp.write(&mut line, &set), answer(&mut peer, &reply));
        assert_eq!(back, expected);
        assert_eq!(asked, rtu(7, &[6, 0, 100, 0, 42]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_acknowledged_but_can_not_be_read_back_says_so() {
    let (mut line, mut peer) = memory();
    let mut hp = driver(device(Framing::Rtu, registers(100, 1)));
    let device = async {
        answer(&mut peer, &rtu(7, &[6, 0, 100, 0, 42])).await;
        request(&mut peer).await;
    };
    let (back, ()) = tokio::join!(write(&mut hp, &mut line, 0, Value::Int(42)), device);
    assert_eq!(back, Ok(Readback::Read(Outcome::Bad(Reason::NoReply))));
}

#[tokio::test(start_paused = true)]
async fn a_value_that_does_not_fit_is_not_sent() {
    let mut scaled = point(0, Table::Holding, 100, Encoding::I16);
    scaled.conversion.scale = 0.1;
    let input = point(1, Table::Input, 100, Encoding::I16);
    let (mut line, mut peer) = memory();
    let mut hp = driver(device(Framing::Rtu, vec![scaled, input]));
    let cases = [
        (0, 4000.0, "hp1: `p0` can't take 4000: its registers hold -3276.8 to 3276.7"),
        (1, 1.0, "hp1: `p1` lies in a read-only table"),
    ];
    for (index, number, expected) in cases {
        let value = Value::float(number).unwrap();
        let error = write(&mut hp, &mut line, index, value).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    drop(line);
    assert_eq!(request(&mut peer).await, [], "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn a_missing_sensor_in_a_32_bit_float_is_no_number() {
    let mut supply = point(0, Table::Holding, 100, Encoding::F32);
    supply.conversion.no_sensor = vec![-99.9, f64::from(f32::MIN), 3.4e38];
    let mut hp = driver(device(Framing::Rtu, vec![supply]));
    let (mut line, mut peer) = memory();
    for (sent, expected) in [
        (-99.9f32, Outcome::Bad(Reason::NoSensor)),
        (f32::MIN, Outcome::Bad(Reason::NoSensor)),
        (3.4e38, Outcome::Bad(Reason::NoSensor)),
        (f32::NAN, Outcome::Bad(Reason::NotANumber)),
        (45.3, Outcome::Good(Value::float(45.3).unwrap())),
    ] {
        let bits = sent.to_bits();
        let reply = rtu(7, &held(&[(bits >> 16) as u16, bits as u16]));
        let (read, _) = tokio::join!(poll(&mut hp, &mut line), answer(&mut peer, &reply));
        assert_eq!(read, Ok(vec![(0, expected)]), "{sent}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_waits_for_nobody_but_lets_the_devices_act() {
    let (mut line, mut peer) = memory();
    let mut all = driver(DeviceSpec { unit: 0, ..device(Framing::Rtu, registers(100, 1)) });
    assert!(Driver::groups(&all).is_empty(), "nobody would answer a read");
    let start = Instant::now();
    for _ in 0..2 {
        let sent = write(&mut all, &mut line, 0, Value::Int(42)).await;
        assert_eq!(sent, Ok(Readback::Sent));
    }
    // The second waits for the turnaround of the first.
    assert_eq!(start.elapsed().as_millis(), 100);
    let frame = rtu(0, &[6, 0, 100, 0, 42]);
    assert_eq!(request(&mut peer).await, [&frame[..], &frame[..]].concat());
}

/// Three registers at 100, of which the device lacks the middle one, after the poll in which that
/// was found out. The next transaction is 6.
async fn without_the_middle(
    line: &mut Line,
    peer: &mut DuplexStream,
) -> wellhead_modbus::ModbusDriver {
    let mut points = registers(100, 3);
    // So long that what is refused is tried again in each poll.
    points.iter_mut().for_each(|p| p.period = Duration::from_secs(3600));
    let mut hp = driver(device(Framing::Tcp, points));
    let refused = [0x83, 2];
    let answers = async {
        answer(peer, &tcp(1, 7, &refused)).await;
        answer(peer, &tcp(2, 7, &held(&[1]))).await;
        answer(peer, &tcp(3, 7, &refused)).await;
        answer(peer, &tcp(4, 7, &refused)).await;
        answer(peer, &tcp(5, 7, &held(&[3]))).await;
    };
    let read = tokio::join!(poll(&mut hp, line), answers).0;
    assert_eq!(read, Ok(around(Reason::IllegalAddress)));
    hp
}

fn around(why: Reason) -> Vec<(u32, Outcome)> {
    let good = |v| Outcome::Good(Value::Int(v));
    vec![(0, good(1)), (1, Outcome::Bad(why)), (2, good(3))]
}

#[tokio::test(start_paused = true)]
async fn a_failing_poll_brings_no_half_of_a_group() {
    let (mut line, mut peer) = memory();
    let mut hp = without_the_middle(&mut line, &mut peer).await;
    let mut readings = Readings::default();
    let reply = tcp(6, 7, &held(&[1]));
    let (failed, _) = tokio::join!(hp.poll(&mut line, 0, &mut readings), answer(&mut peer, &reply));
    assert_eq!(failed, Err(DeviceError::NoReply(TIMEOUT)));
    assert_eq!(readings.outcomes, []);
}

#[tokio::test(start_paused = true)]
async fn whatever_a_trial_meets_the_others_are_read() {
    let (mut line, mut peer) = memory();
    let mut hp = without_the_middle(&mut line, &mut peer).await;
    let answers = async {
        answer(&mut peer, &tcp(6, 7, &held(&[1]))).await;
        answer(&mut peer, &tcp(7, 7, &held(&[3]))).await;
        assert_eq!(answer(&mut peer, &tcp(8, 7, &[0x83, 4])).await[8..], [0, 101, 0, 1]);
    };
    let read = tokio::join!(poll(&mut hp, &mut line), answers).0;
    assert_eq!(read, Ok(around(Reason::IllegalAddress)));
}

#[tokio::test]
async fn a_session_that_was_closed_between_polls_is_opened_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut line = Line::new(LineConfig::Tcp(TcpConfig {
        host: "127.0.0.1".into(),
        port: listener.local_addr().unwrap().port(),
        connect_timeout: Duration::from_secs(10),
        close_when_idle: false,
    }));
    let mut spec = device(Framing::Tcp, registers(100, 1));
    spec.timing.response_timeout = Duration::from_secs(30);
    let mut hp = driver(spec);
    let server = tokio::spawn(async move {
        for transaction in 1..=3 {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut request = [0; 12];
            peer.read_exact(&mut request).await.unwrap();
            // The transaction number goes on over the sessions.
            assert_eq!(request[..2], [0, transaction as u8]);
            peer.write_all(&tcp(transaction, 7, &held(&[transaction]))).await.unwrap();
        }
    });
    for transaction in 1..=3 {
        assert_eq!(numbers(&mut hp, &mut line).await, [transaction]);
        // Lets the end of the session arrive.
        sleep(Duration::from_millis(20)).await;
    }
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refused_register_is_told_once_by_name() {
    let (mut line, mut peer) = memory();
    let mut spec = device(Framing::Tcp, registers(100, 2));
    // Two points that lie at the same place.
    spec.points.push(point(2, Table::Holding, 101, Encoding::I16));
    let mut hp = driver(spec);
    let device = async {
        let refused = [0x83, 2];
        answer(&mut peer, &tcp(1, 7, &refused)).await;
        answer(&mut peer, &tcp(2, 7, &held(&[42]))).await;
        assert_eq!(answer(&mut peer, &tcp(3, 7, &refused)).await[8..], [0, 101, 0, 1]);
        answer(&mut peer, &tcp(4, 7, &held(&[43]))).await;
    };
    let mut readings = Readings::default();
    let polls = async {
        for _ in 0..2 {
            hp.poll(&mut line, 0, &mut readings).await.unwrap();
        }
    };
    tokio::join!(polls, device);
    let bad = Outcome::Bad(Reason::IllegalAddress);
    let good = |v| (PointIndex(0), Outcome::Good(Value::Int(v)));
    let missing = [(PointIndex(1), bad.clone()), (PointIndex(2), bad)];
    let expected: Vec<_> =
        [42, 43].into_iter().flat_map(|v| [&[good(v)][..], &missing].concat()).collect();
    let mut outcomes = readings.outcomes;
    for poll in outcomes.chunks_mut(3) {
        poll.sort_by_key(|(point, _)| *point);
    }
    assert_eq!(outcomes, expected);
    let told: Vec<_> = readings.notices.iter().map(|n| (n.code, n.text.as_str())).collect();
    assert_eq!(
        told,
        [(
            "illegal_address",
            "hp1: holding register 101 of `p1`, `p2` was refused (exception 2); it is left out and \
             tried again in an hour"
        )]
    );
}

fn any_framing() -> impl Strategy<Value = Framing> {
    prop_oneof![Just(Framing::Tcp), Just(Framing::Rtu)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is done to a reply, the value is the device's or none.
    #[test]
    fn a_damaged_reply_is_never_another_value(
        framing in any_framing(),
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
        cut in any::<prop::sample::Index>(),
        noise in prop::collection::vec(any::<u8>(), 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let good = match framing {
            Framing::Rtu => rtu(7, &held(&[42])),
            Framing::Tcp => tcp(1, 7, &held(&[42])),
        };
        let mut bytes = noise;
        bytes.extend_from_slice(&good[..cut.index(good.len() + 1)]);
        if framing == Framing::Rtu && !bytes.is_empty() {
            // A socket does not flip bits, and Modbus TCP has no checksum to find them.
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        let read = runtime.block_on(one(framing, bytes));
        prop_assert!(read.is_err() || read == value(42), "{read:?}");
    }
}
