//! DL/T 645 meters over an in-memory line, under paused time; the frames of the peer are made by
//! code of its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use proptest::prelude::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::sleep;
use wellhead_driver::{
    Conversion, DeviceError, Driver, Line, Outcome, Raw, Readings, Recovery, Step,
};
use wellhead_model::{PointIndex, Reason, Unit, Value};
use wellhead_sensors::Timing;
use wellhead_sensors::dlt645::codec::{Answer, Ask, Request, plain};
use wellhead_sensors::dlt645::{
    Address, DeviceSpec, Dlt645Driver, Edition, Found, Item, PointSpec, Progress, Report, Scan,
    check, decode, scan,
};

const TIMEOUT: Duration = Duration::from_millis(600);
const LATE: Duration = Duration::from_secs(2);
const METER: &str = "000000000161";

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

/// A frame of the given address as printed, control and data without the offset.
fn frame(address: &str, control: u8, data: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> =
        (0..6).map(|i| u8::from_str_radix(&address[2 * i..2 * i + 2], 16).unwrap()).collect();
    let mut bytes = vec![0x68];
    bytes.extend(digits.iter().rev());
    bytes.extend([0x68, control, data.len() as u8]);
    bytes.extend(data.iter().map(|b| b.wrapping_add(0x33)));
    bytes.push(bytes.iter().fold(0u8, |sum, b| sum.wrapping_add(*b)));
    bytes.push(0x16);
    bytes
}

fn reply(id: u32, value: &[u8]) -> Vec<u8> {
    frame(METER, 0x91, &[&id.to_le_bytes(), value].concat())
}

/// A line whose other end answers each request (without its preamble) as `answer` says: pieces,
/// each with the time before it.
fn line(mut answer: impl FnMut(&[u8]) -> Vec<(Duration, Vec<u8>)> + Send + 'static) -> Line {
    let (near, far) = tokio::io::duplex(4096);
    tokio::spawn(async move {
        let mut far: DuplexStream = far;
        while let Some(request) = request(&mut far).await {
            for (after, bytes) in answer(&request) {
                sleep(after).await;
                if far.write_all(&bytes).await.is_err() {
                    return;
                }
            }
        }
    });
    Line::over(near)
}

async fn request(far: &mut DuplexStream) -> Option<Vec<u8>> {
    let mut bytes = vec![far.read_u8().await.ok()?];
    while bytes[0] == 0xFE {
        bytes[0] = far.read_u8().await.ok()?;
    }
    while bytes.len() < 10 || bytes.len() < 12 + usize::from(bytes[9]) {
        bytes.push(far.read_u8().await.ok()?);
    }
    Some(bytes)
}

fn at_once(bytes: Vec<u8>) -> Vec<(Duration, Vec<u8>)> {
    vec![(Duration::from_millis(20), bytes)]
}

/// The identifier of a request for a value.
fn asked(request: &[u8]) -> u32 {
    let id: Vec<u8> = request[10..14].iter().map(|b| b.wrapping_sub(0x33)).collect();
    u32::from_le_bytes(id.try_into().unwrap())
}

fn timing() -> Timing {
    Timing { response_timeout: TIMEOUT, pause: Duration::ZERO, late_window: LATE, mode: None }
}

fn spec(items: &[&str]) -> DeviceSpec {
    let point = |(i, item): (usize, &&str)| PointSpec {
        index: PointIndex(i as u32),
        name: format!("p{i}"),
        item: item.parse().unwrap(),
        unit: None,
        conversion: Conversion::default(),
        period: Duration::from_secs(10),
    };
    DeviceSpec {
        name: "el".into(),
        address: METER.parse().unwrap(),
        edition: Edition::Y2007,
        preamble: 4,
        blocks: false,
        timing: timing(),
        points: items.iter().enumerate().map(point).collect(),
    }
}

async fn poll(driver: &mut Dlt645Driver, line: &mut Line) -> Result<Readings, DeviceError> {
    let mut out = Readings::default();
    for group in 0..driver.groups().len() {
        driver.poll(line, group, &mut out).await?;
    }
    out.outcomes.sort_by_key(|(i, _)| *i);
    Ok(out)
}

async fn outcomes(spec: DeviceSpec, mut line: Line) -> Result<Vec<Outcome>, DeviceError> {
    let out = poll(&mut Dlt645Driver::new(spec), &mut line).await?;
    Ok(out.outcomes.into_iter().map(|(_, o)| o).collect())
}

fn good(f: f64) -> Outcome {
    Outcome::Good(Value::float(f).unwrap())
}

fn ask_2007(address: &str, ask: Ask) -> Request {
    Request { edition: Edition::Y2007, address: address.parse().unwrap(), ask }
}

fn put(request: &Request, preamble: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    request.put(preamble, &mut bytes);
    bytes
}

/// Vectors 1 and 5 of a published collection, and the one of 1997.
#[test]
fn requests_are_those_published() {
    let read = ask_2007("AAAAAAAAAAAA", Ask::Read(0x0001_0000));
    assert_eq!(put(&read, 0), hex("68 AA AA AA AA AA AA 68 11 04 33 33 34 33 AE 16"));
    let address = ask_2007("AAAAAAAAAAAA", Ask::Address);
    assert_eq!(put(&address, 3), hex("FE FE FE 68 AA AA AA AA AA AA 68 13 00 DF 16"));
    let old = Request {
        edition: Edition::Y1997,
        address: "000000000003".parse().unwrap(),
        ask: Ask::Read(0xB611),
    };
    assert_eq!(put(&old, 0), hex("68 03 00 00 00 00 00 68 01 02 44 E9 03 16"));
}

/// Vectors 2, 3 and 4.
#[test]
fn published_replies_read_as_their_sources_say() {
    for (address, item, bytes, value) in [
        (
            "000000000161",
            "energy",
            "68 61 01 00 00 00 00 68 91 08 33 33 34 33 59 33 33 33 8A 16",
            0.26,
        ),
        (
            "000102030425",
            "energy",
            "68 25 04 03 02 01 00 68 91 08 33 33 34 33 75 39 45 33 8B 16",
            1206.42,
        ),
        (
            "000000000161",
            "voltage_a",
            "68 61 01 00 00 00 00 68 91 06 33 34 34 35 34 43 10 16",
            100.1,
        ),
    ] {
        let register = item.parse::<Item>().unwrap().y2007.unwrap();
        let bytes = hex(bytes);
        let request = ask_2007(address, Ask::Read(register.id));
        assert_eq!(request.step(&bytes), Step::Reply(bytes.len()), "{item}");
        let Some(Answer::Data { data, more: false, .. }) = request.answer(&bytes) else { panic!() };
        let data: Vec<u8> = plain(data).collect();
        assert_eq!(decode(&register, &data), Ok(Raw::Float(value)));
    }
}

#[tokio::test(start_paused = true)]
async fn values_carry_their_decimals_sign_and_unit() {
    let items =
        ["energy", "voltage_a", "current_a", "power", "power_factor", "frequency", "demand_max"];
    let line = line(|r| {
        at_once(reply(
            asked(r),
            match asked(r) {
                0x0001_0000 => &[0x42, 0x06, 0x12, 0x00],
                0x0201_0100 => &[0x01, 0x23],
                0x0202_0100 => &[0x45, 0x23, 0x81],
                0x0203_0000 => &[0x34, 0x12, 0x85],
                0x0206_0000 => &[0x75, 0x88],
                0x0280_0002 => &[0x98, 0x49],
                0x0101_0000 => &[0x50, 0x34, 0x12, 0x30, 0x14, 0x05, 0x07, 0x26],
                other => panic!("{other:x}"),
            },
        ))
    });
    let mut line = line;
    let mut driver = Dlt645Driver::new(spec(&items));
    let out = poll(&mut driver, &mut line).await.unwrap();
    let values: Vec<_> = out.outcomes.iter().map(|(_, o)| o.clone()).collect();
    let expected = [1206.42, 230.1, -12.345, -5.1234, -0.875, 49.98, 12.345];
    assert_eq!(values, expected.map(good));
    let units: Vec<_> = out.units.iter().map(|(_, u)| u.symbol()).collect();
    assert_eq!(units, ["kWh", "V", "A", "kW", "1", "Hz", "kW"]);
    assert_eq!(poll(&mut driver, &mut line).await.unwrap().units, [], "told once");
}

#[tokio::test(start_paused = true)]
async fn a_value_is_brought_into_the_configured_unit() {
    let mut spec = spec(&["energy", "power"]);
    spec.points[0].unit = Some(Unit::parse("MWh").unwrap());
    spec.points[1].unit = Some(Unit::parse("W").unwrap());
    assert_eq!(check(&spec), []);
    let line = line(|r| match asked(r) {
        0x0001_0000 => at_once(reply(asked(r), &[0x00, 0x50, 0x12, 0x00])),
        _ => at_once(reply(asked(r), &[0x00, 0x50, 0x01])),
    });
    assert_eq!(outcomes(spec, line).await.unwrap(), [good(1.25), good(1500.0)]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_three_frames_is_read_whole_and_in_order() {
    let mut spec = spec(&["0001FF00:4.2", "0001FF00:4.2@1", "0001FF00:4.2@4"]);
    spec.blocks = true;
    let id = 0x0001_FF00u32.to_le_bytes();
    let mut sequences = Vec::new();
    let line = line(move |r| {
        at_once(match r[8] {
            0x11 => frame(METER, 0xB1, &[&id[..], &[0x11, 0, 0, 0, 0x22, 0, 0, 0]].concat()),
            0x12 => {
                assert_eq!(asked(r), 0x0001_FF00);
                let sequence = r[14].wrapping_sub(0x33);
                sequences.push(sequence);
                match sequences[..] {
                    // A value is cut in two by the frames.
                    [1] => frame(METER, 0xB2, &[&id[..], &[0x33, 0, 0, 0, 0x44, 0], &[1]].concat()),
                    [1, 2] => frame(METER, 0x92, &[&id[..], &[0, 0, 0x55, 0, 0, 0], &[2]].concat()),
                    _ => panic!("{sequences:?}"),
                }
            }
            other => panic!("{other:x}"),
        })
    });
    assert_eq!(outcomes(spec, line).await.unwrap(), [0.11, 0.22, 0.55].map(good));
}

#[tokio::test(start_paused = true)]
async fn half_an_answer_is_never_taken_for_the_whole() {
    let id = 0x0001_FF00u32.to_le_bytes();
    let first = move || frame(METER, 0xB1, &[&id[..], &[0x11, 0, 0, 0]].concat());
    // Silence, another frame's number, or a refusal where the rest should come.
    let rests: [Vec<u8>; 3] = [
        Vec::new(),
        frame(METER, 0x92, &[&id[..], &[0x22, 0, 0, 0], &[7]].concat()),
        frame(METER, 0xD2, &[1]),
    ];
    for rest in rests {
        let line = line(move |r| at_once(if r[8] == 0x11 { first() } else { rest.clone() }));
        let error = outcomes(spec(&["0001FF00:4.2"]), line).await.unwrap_err();
        assert_eq!(error.recovery(), Recovery::DeviceDown, "{error}");
    }
    let endless = line(move |r| {
        at_once(match r[8] {
            0x11 => first(),
            _ => {
                let sequence = r[14].wrapping_sub(0x33);
                frame(METER, 0xB2, &[&id[..], &[0, 0, 0, 0], &[sequence]].concat())
            }
        })
    });
    let error = outcomes(spec(&["0001FF00:4.2"]), endless).await.unwrap_err();
    assert_eq!(error, DeviceError::BadReply("an answer without end"));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_is_passed_over_and_the_answer_behind_it_taken() {
    let right = reply(0x0001_0000, &[0x26, 0, 0, 0]);
    let echo = put(&ask_2007(METER, Ask::Read(0x0001_0000)), 0);
    for before in [
        hex("00 FF 16 FE FE FE FE"),
        echo,
        frame("000000000162", 0x91, &[0, 0, 1, 0, 0x99, 0, 0, 0]),
        reply(0x0002_0000, &[0x99, 0, 0, 0]),
    ] {
        let bytes = [before, right.clone()].concat();
        let line = line(move |_| at_once(bytes.clone()));
        assert_eq!(outcomes(spec(&["energy"]), line).await.unwrap(), [good(0.26)]);
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_checksum_address_identifier_or_length_gives_no_value() {
    let mut sum = reply(0x0001_0000, &[0x26, 0, 0, 0]);
    let at = sum.len() - 2;
    sum[at] ^= 1;
    let mut end = reply(0x0001_0000, &[0x26, 0, 0, 0]);
    end[at + 1] = 0x17;
    for bytes in [
        sum,
        end,
        frame("000000000162", 0x91, &[0, 0, 1, 0, 0x26, 0, 0, 0]),
        reply(0x0001_0001, &[0x26, 0, 0, 0]),
        frame(METER, 0x94, &[0, 0, 1, 0, 0x26, 0, 0, 0]),
        hex("68 61 01 00 00 00 00 68 91 08 33 33"),
        hex("68 61 01 00 00 00 00 68 91 FF 33 33"),
    ] {
        let shown = format!("{bytes:02x?}");
        let line = line(move |_| at_once(bytes.clone()));
        let error = outcomes(spec(&["energy"]), line).await.unwrap_err();
        assert_eq!(error.reason(), Reason::BadReply, "{shown}");
    }
    // Whole frames with a value of another length, or digits that are none.
    for (value, reason) in [
        (&[0x26, 0, 0][..], Reason::Undecodable),
        (&[0x26, 0, 0, 0, 0], Reason::Undecodable),
        (&[], Reason::Undecodable),
        (&[0x2A, 0, 0, 0], Reason::Undecodable),
        (&[0xFF, 0xFF, 0xFF, 0xFF], Reason::NoSensor),
    ] {
        let bytes = reply(0x0001_0000, value);
        let line = line(move |_| at_once(bytes.clone()));
        assert_eq!(outcomes(spec(&["energy"]), line).await.unwrap(), [Outcome::Bad(reason)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_item_is_bad_alone_and_told_once() {
    let mut polls = 0;
    let mut line = line(move |r| {
        polls += u32::from(asked(r) == 0x0201_0100);
        at_once(match asked(r) {
            0x0280_0002 if polls < 3 => frame(METER, 0xD1, &[2]),
            0x0203_0000 => frame(METER, 0xD1, &[4]),
            id => reply(id, &[0x98, 0x49]),
        })
    });
    let mut driver = Dlt645Driver::new(spec(&["voltage_a", "frequency", "power"]));
    let (absent, refused) = (Reason::IllegalAddress, Reason::Refused(4));
    for (frequency, notices) in [
        (Outcome::Bad(absent), &["illegal_address", "illegal_address"][..]),
        (Outcome::Bad(absent), &[]),
        (good(49.98), &["address_answers"]),
    ] {
        let out = poll(&mut driver, &mut line).await.unwrap();
        let got: Vec<_> = out.outcomes.into_iter().map(|(_, o)| o).collect();
        assert_eq!(got, [good(499.8), frequency, Outcome::Bad(refused)]);
        assert_eq!(out.notices.iter().map(|n| n.code).collect::<Vec<_>>(), notices);
    }
}

#[tokio::test(start_paused = true)]
async fn a_block_is_one_request_and_a_meter_without_it_is_asked_one_by_one() {
    let items = ["voltage_a", "voltage_c", "power", "power_c", "frequency"];
    let values = |id: u32| -> Vec<u8> {
        match id {
            0x0201_FF00 => hex("01 22 02 22 03 22"),
            0x0203_FF00 => hex("00 00 06 00 00 01 00 00 02 00 00 03"),
            0x0201_0100 => hex("01 22"),
            0x0201_0300 => hex("03 22"),
            0x0203_0000 => hex("00 00 06"),
            0x0203_0300 => hex("00 00 03"),
            0x0280_0002 => hex("00 50"),
            other => panic!("{other:x}"),
        }
    };
    let expected = [220.1, 220.3, 6.0, 3.0, 50.0].map(good);
    for (has_blocks, first, second) in [(true, 3, 3), (false, 7, 5)] {
        let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = count.clone();
        let mut line = line(move |r| {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let id = asked(r);
            let refuse = !has_blocks && id & 0xFF00 == 0xFF00;
            at_once(if refuse { frame(METER, 0xD1, &[2]) } else { reply(id, &values(id)) })
        });
        let mut driver = Dlt645Driver::new(DeviceSpec { blocks: true, ..spec(&items) });
        for requests in [first, second] {
            let out = poll(&mut driver, &mut line).await.unwrap();
            let got: Vec<_> = out.outcomes.into_iter().map(|(_, o)| o).collect();
            assert_eq!(got, expected, "blocks: {has_blocks}");
            assert_eq!(count.swap(0, std::sync::atomic::Ordering::Relaxed), requests);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_block_that_is_too_short_leaves_its_missing_values_bad() {
    let mut spec = spec(&["energy", "energy_t1", "energy_t4"]);
    spec.blocks = true;
    let line = line(|r| at_once(reply(asked(r), &hex("30 00 00 00 10 00 00 00"))));
    let got = outcomes(spec, line).await.unwrap();
    assert_eq!(got, [good(0.3), good(0.1), Outcome::Bad(Reason::IllegalAddress)]);
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_is_never_taken_for_the_next_one() {
    // The first reply comes after its time, and would fit the second question as well.
    let mut n = 0u8;
    let mut line = line(move |_| {
        n += 1;
        let bytes = reply(0x0001_0000, &[n, 0, 0, 0]);
        let after = if n == 1 { TIMEOUT + LATE / 2 } else { Duration::from_millis(20) };
        vec![(after, bytes)]
    });
    let mut driver = Dlt645Driver::new(spec(&["energy"]));
    let error = poll(&mut driver, &mut line).await.unwrap_err();
    assert_eq!(error.reason(), Reason::NoReply);
    let out = poll(&mut driver, &mut line).await.unwrap();
    assert_eq!(out.outcomes[0].1, good(0.02));
}

#[tokio::test(start_paused = true)]
async fn the_edition_of_1997_has_two_bytes_of_identifier_and_its_own_forms() {
    let mut spec = spec(&["energy", "energy_t2", "voltage_a", "power", "9010", "frequency"]);
    spec.edition = Edition::Y1997;
    let problems: Vec<_> = check(&spec).into_iter().map(|p| (p.point, p.key)).collect();
    assert_eq!(problems, [(Some("p5".into()), "item")], "no frequency in 1997");
    let line = line(|r| {
        assert_eq!((r[8], r[9]), (0x01, 2));
        let id = [r[10].wrapping_sub(0x33), r[11].wrapping_sub(0x33)];
        let value: &[u8] = match u16::from_le_bytes(id) {
            0x9010 => &[0x42, 0x06, 0x12, 0x00],
            0x9012 => &[0x02, 0, 0, 0],
            0xB611 => &[0x20, 0x02],
            0xB630 => &[0x34, 0x12, 0x05],
            other => panic!("{other:x}"),
        };
        at_once(frame(METER, 0x81, &[&id[..], value].concat()))
    });
    let got = outcomes(spec, line).await.unwrap();
    let volts = Outcome::Good(Value::Int(220));
    let absent = Outcome::Bad(Reason::IllegalAddress);
    assert_eq!(got, [good(1206.42), good(0.02), volts, good(5.1234), good(1206.42), absent]);
}

#[tokio::test(start_paused = true)]
async fn the_only_meter_of_a_line_is_read_without_its_address() {
    let mut spec = spec(&["energy"]);
    spec.address = Address::ANY;
    let line = line(|_| at_once(reply(0x0001_0000, &[0x26, 0, 0, 0])));
    assert_eq!(outcomes(spec, line).await.unwrap(), [good(0.26)]);
}

/// Meters at these addresses, which all talk at once; their bits mix when they do.
fn crowd(addresses: &'static [&'static str]) -> Line {
    line(move |request| {
        let pattern: Vec<u8> = request[1..7].iter().rev().copied().collect();
        let hit = |address: &&&str| {
            let own: Address = address.parse().unwrap();
            own.answers_to(&Address(pattern.clone().try_into().unwrap()))
        };
        let answer = |address: &&str| {
            let digits: Address = address.parse().unwrap();
            match request[8] {
                0x11 => frame(address, 0x91, &[0, 0, 1, 0, 0x26, 0, 0, 0]),
                0x13 => {
                    let data: Vec<u8> = digits.0.iter().rev().copied().collect();
                    frame(address, 0x93, &data)
                }
                _ => Vec::new(),
            }
        };
        let frames: Vec<Vec<u8>> = addresses.iter().filter(hit).map(answer).collect();
        let mixed = frames.into_iter().reduce(|a, b| a.iter().zip(b).map(|(a, b)| a & b).collect());
        at_once(mixed.unwrap_or_default())
    })
}

/// What was found, how many meters were told of meanwhile, and where answers collided.
async fn search(mut line: Line) -> (Report, usize, Vec<String>) {
    let settings = Scan {
        editions: vec![Edition::Y2007, Edition::Y1997],
        preamble: 4,
        timing: timing(),
        questions_max: 2000,
    };
    let (mut told, mut collided) = (0, Vec::new());
    let report = scan(&mut line, &settings, |said| match said {
        Progress::Meter(_) => told += 1,
        Progress::Several(address) => collided.push(address.to_string()),
    });
    let mut report = report.await.unwrap();
    report.found.sort_by_key(|f: &Found| f.address.0);
    (report, told, collided)
}

#[tokio::test(start_paused = true)]
async fn a_search_tells_meters_apart_that_answer_at_once() {
    const METERS: &[&str] = &["000000000161", "000000000261", "000000000303", "120000000261"];
    let (report, told, collided) = search(crowd(METERS)).await;
    let addresses: Vec<_> = report.found.iter().map(|f| f.address.to_string()).collect();
    assert_eq!(addresses, METERS);
    assert!(report.found.iter().all(|f| f.energy_kwh == Some(0.26)));
    assert_eq!((report.unclear, told), (Vec::new(), 4));
    // All of them, those in 61, and two down to the digits that differ.
    let places = ["AAAAAAAAAAAA", "AAAAAAAAAA61", "AAAAAAAA0261", "AAAAAA000261"];
    assert_eq!(collided[..4], places);
    assert_eq!(collided[4..], ["AAAA00000261", "AA0000000261"]);
}

#[tokio::test(start_paused = true)]
async fn a_search_of_a_silent_line_asks_three_times_and_finds_nothing() {
    let questions = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = questions.clone();
    let line = line(move |_| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Vec::new()
    });
    assert_eq!(search(line).await, (Report::default(), 0, Vec::new()));
    assert_eq!(questions.load(std::sync::atomic::Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn two_meters_of_one_address_are_told_as_unclear() {
    let (near, mut far) = tokio::io::duplex(4096);
    tokio::spawn(async move {
        while let Some(request) = request(&mut far).await {
            // Whoever is asked, both answer, and nobody understands.
            let asked_for = request[1..7].iter().rev();
            let own: [u8; 6] = [0, 0, 0, 0, 0x01, 0x61];
            if asked_for.zip(own).all(|(asked, own)| *asked == 0xAA || *asked == own) {
                far.write_all(&hex("68 61 01 00 00 00 00 68 91 08 11 11")).await.unwrap();
            }
        }
    });
    let (report, told, _) = search(Line::over(near)).await;
    assert_eq!((report.found.len(), told), (0, 0));
    let unclear: Vec<_> = report.unclear.iter().map(ToString::to_string).collect();
    assert_eq!(unclear, ["000000000161", "000000000161"], "one in each edition");
}

#[test]
fn texts_name_one_item_each_and_read_back() {
    let known = Item::names().map(str::to_owned);
    let more = [
        "energy_t1",
        "energy_t63",
        "demand_max_t4",
        "B640",
        "0201FF00:2.1@2",
        "0280000A:4.0",
        "04000401:6.0",
        "0203FF00:3.4s@1",
        "9A1F:4.2@3",
    ];
    for text in known.chain(more.map(str::to_owned)) {
        let item: Item = text.parse().unwrap();
        assert_eq!(item.to_string(), text);
        assert_eq!(item.to_string().parse(), Ok(item));
    }
    let by_id: Item = "02010100".parse().unwrap();
    assert_eq!(by_id.y2007, "voltage_a".parse::<Item>().unwrap().y2007);
    for wrong in [
        "",
        "energi",
        "energy_t0",
        "energy_t64",
        "energy_t01",
        "voltage_a_t1",
        "00010000:",
        "00010000:9.2",
        "00010000:4.9",
        "00010000:+4.2",
        "12345678",
        "0001000",
        "energy:4.2",
        "+0010000",
    ] {
        let error = wrong.parse::<Item>().unwrap_err();
        assert!(error.0.contains(":4.2") || error.0.contains("`4.2`"), "{wrong}: {error}");
    }
    for wrong in ["161", "00000000016x", "0000000001610", "999999999999", "0000000001é"] {
        assert!(wrong.parse::<Address>().is_err(), "{wrong}");
    }
    assert_eq!("AAAAAAAAaa61".parse::<Address>().unwrap().to_string(), "AAAAAAAAAA61");
}

fn any_request() -> impl Strategy<Value = Request> {
    let ask = prop_oneof![
        any::<u32>().prop_map(Ask::Read),
        any::<(u32, u8)>().prop_map(|(id, n)| Ask::Follow(id, n)),
        Just(Ask::Address),
    ];
    let edition = prop_oneof![Just(Edition::Y2007), Just(Edition::Y1997)];
    (edition, any::<bool>(), ask).prop_map(|(edition, any, ask)| Request {
        edition,
        address: if any { Address::ANY } else { METER.parse().unwrap() },
        ask,
    })
}

/// Bytes like those on a line: noise, frames right and wrong, pieces of frames.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let frame = (any::<u8>(), prop::collection::vec(any::<u8>(), 0..20), any::<bool>(), 0..40usize)
        .prop_map(|(control, data, whole, cut)| {
            let mut bytes = frame(METER, control, &data);
            if !whole {
                bytes.truncate(cut);
            }
            bytes
        });
    let noise = prop::collection::vec(any::<u8>(), 0..12);
    prop::collection::vec(prop_oneof![frame, noise], 0..4).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_stepped_over_without_panic_and_a_reply_is_a_whole_frame(
        request in any_request(), bytes in any_bytes(),
    ) {
        let mut at = 0;
        while at < bytes.len() {
            match request.step(&bytes[at..]) {
                Step::Skip(n) => {
                    prop_assert!(n >= 1 && n <= bytes.len() - at);
                    at += n;
                }
                Step::Reply(len) => {
                    let reply = &bytes[at..at + len];
                    let sum = reply[..len - 2].iter().fold(0u8, |s, b| s.wrapping_add(*b));
                    prop_assert_eq!((reply[len - 2], reply[len - 1]), (sum, 0x16));
                    prop_assert!(request.answer(reply).is_some());
                    break;
                }
                Step::Need => break,
                Step::Broken(why) => prop_assert!(false, "{}", why),
            }
        }
    }

    #[test]
    fn noise_without_a_start_byte_never_hides_the_reply(
        noise in prop::collection::vec(any::<u8>().prop_filter("a start", |b| *b != 0x68), 0..20),
        value in any::<[u8; 4]>(),
    ) {
        let request = ask_2007(METER, Ask::Read(0x0001_0000));
        let right = reply(0x0001_0000, &value);
        let bytes = [noise.clone(), right.clone()].concat();
        let mut at = 0;
        let len = loop {
            match request.step(&bytes[at..]) {
                Step::Skip(n) => at += n,
                Step::Reply(len) => break len,
                other => panic!("{other:?}"),
            }
        };
        prop_assert_eq!((at, len), (noise.len(), right.len()));
    }

    #[test]
    fn decimals_read_as_the_number_that_was_packed(
        digits in 0u64..100_000_000, negative in any::<bool>(), decimals in 0u8..=8,
    ) {
        let signed = digits < 80_000_000;
        let mut bytes: Vec<u8> = (0..4)
            .map(|i| (digits / 100u64.pow(i) % 100) as u8)
            .map(|pair| ((pair / 10) << 4) | (pair % 10))
            .collect();
        if signed && negative {
            bytes[3] |= 0x80;
        }
        let sign = if signed { "s" } else { "" };
        let register = format!("00010000:4.{decimals}{sign}").parse::<Item>().unwrap().y2007.unwrap();
        let text = format!("{}{digits}e-{decimals}", if signed && negative { "-" } else { "" });
        let expected: f64 = text.parse().unwrap();
        let got = match decode(&register, &bytes) {
            Ok(Raw::Float(f)) => f,
            Ok(Raw::Int(i)) => i as f64,
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn any_text_is_an_item_or_an_error(text in "[0-9A-Fa-f:.@s_tenergyé]{0,16}") {
        if let Ok(item) = text.parse::<Item>() {
            prop_assert_eq!(item.to_string().parse::<Item>(), Ok(item));
        }
        let _ = text.parse::<Address>();
    }
}
