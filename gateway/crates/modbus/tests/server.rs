//! The gateway as a Modbus server, asked by this crate's own codec and by tokio-modbus.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use proptest::prelude::*;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_modbus::prelude::*;
use wellhead_driver::{Conversion, Raw};
use wellhead_modbus::codec::{Answer, Exception, Request as Own, identification};
use wellhead_modbus::server::{
    Command, Denial, EntrySpec, Identity, Image, OnBad, Reply, ServerSpec, serve,
};
use wellhead_modbus::{Encoding, Misfit, Table, WordOrder, decode};
use wellhead_model::{Quality, Reason, Value};

const BAD: Quality = Quality::Bad(Reason::NoReply);
/// Against hanging only.
const GUARD: Duration = Duration::from_secs(60);

fn entry(name: &str, table: Table, address: u16, encoding: Encoding) -> EntrySpec {
    EntrySpec {
        name: name.into(),
        table,
        address,
        encoding,
        order: WordOrder::Abcd,
        conversion: Conversion::default(),
        writable: matches!(table, Table::Holding | Table::Coil),
        quality: None,
    }
}

/// By place: 0 supply, 1 flow, 2 setpoint, 3 model, 4 and 5 bits of a status register, 6 a coil,
/// 7 to 9 discrete inputs.
fn entries() -> Vec<EntrySpec> {
    let tenths = Conversion { scale: 0.1, ..Conversion::default() };
    let mut entries = vec![
        entry("supply", Table::Input, 0, Encoding::I16),
        entry("flow", Table::Input, 1, Encoding::F32),
        entry("setpoint", Table::Holding, 10, Encoding::U16),
        entry("model", Table::Holding, 11, Encoding::Text(4)),
        entry("fault", Table::Holding, 20, Encoding::Bit(Some(1))),
        entry("mode", Table::Holding, 20, Encoding::Bits(4, 3)),
        entry("pump", Table::Coil, 5, Encoding::Bit(None)),
        entry("door", Table::Discrete, 0, Encoding::Bit(None)),
        entry("leak", Table::Discrete, 1, Encoding::Bit(None)),
        entry("fire", Table::Discrete, 2, Encoding::Bit(None)),
    ];
    entries[0].conversion = tenths.clone();
    entries[0].quality = Some(3);
    entries[2].conversion = tenths;
    entries[4].writable = false;
    entries
}

fn spec(on_bad: OnBad) -> ServerSpec {
    let identity = Identity {
        vendor: "Wellhead".into(),
        product: "gateway".into(),
        revision: "0.1.0".into(),
        name: "Plant room 热泵".into(),
    };
    let idle_timeout = Duration::from_secs(60);
    ServerSpec { unit: None, on_bad, clients_max: 2, idle_timeout, identity, entries: entries() }
}

fn image() -> Image {
    let image = Image::new(spec(OnBad::Sentinel)).unwrap();
    let values = [
        Value::float(45.3).unwrap(),
        Value::float(12.5).unwrap(),
        Value::Int(40),
        Value::Text("HP-16".into()),
        Value::Bool(true),
        Value::Int(5),
        Value::Bool(true),
        Value::Bool(true),
        Value::Bool(false),
        Value::Bool(true),
    ];
    for (i, value) in values.iter().enumerate() {
        assert_eq!(image.set(i, Some(value), Quality::Good), Ok(()));
    }
    image
}

fn pdu(request: &Own) -> Vec<u8> {
    let mut pdu = Vec::new();
    request.put(&mut pdu);
    pdu
}

/// What a request comes to: the reply as our own master takes it.
fn ask(image: &Image, request: &Own) -> Result<Vec<u8>, u8> {
    let mut out = Vec::new();
    assert_eq!(image.answer(&pdu(request), &mut out), Reply::Ready);
    match request.answer(&out).unwrap() {
        Answer::Data(data) => Ok(data.to_vec()),
        Answer::Exception(Exception(code)) => Err(code),
    }
}

fn read(image: &Image, table: Table, address: u16, count: u16) -> Result<Vec<u8>, u8> {
    ask(image, &Own::Read { table, address, count })
}

/// What a request wants written.
fn wishes(image: &Image, pdu: &[u8]) -> Result<Vec<(usize, Value)>, u8> {
    let mut out = Vec::new();
    match image.answer(pdu, &mut out) {
        Reply::Wishes(wishes) => Ok(wishes),
        Reply::Ready if out.first().is_some_and(|f| f & 0x80 != 0) => Err(out[1]),
        Reply::Ready => Ok(Vec::new()),
    }
}

#[test]
fn points_read_as_their_registers_say() {
    let image = image();
    assert_eq!(read(&image, Table::Input, 0, 1), Ok(vec![0x01, 0xC5]));
    assert_eq!(read(&image, Table::Input, 1, 2), Ok(12.5f32.to_be_bytes().to_vec()));
    assert_eq!(read(&image, Table::Holding, 10, 1), Ok(vec![0x01, 0x90]));
    assert_eq!(read(&image, Table::Holding, 11, 4), Ok(b"HP-16\0\0\0".to_vec()));
    assert_eq!(read(&image, Table::Holding, 20, 1), Ok(vec![0x00, 0x52]), "bits 1 and 4 to 6");
    assert_eq!(read(&image, Table::Coil, 5, 1), Ok(vec![1]));
    assert_eq!(read(&image, Table::Discrete, 0, 3), Ok(vec![0b101]));
    let all = [&[0x01, 0xC5][..], &12.5f32.to_be_bytes(), &[0, 0]].concat();
    assert_eq!(read(&image, Table::Input, 0, 4), Ok(all), "with the quality behind it");
}

#[test]
fn a_request_that_cuts_a_value_or_meets_nothing_is_refused() {
    let image = image();
    for (table, address, count) in [
        (Table::Input, 1, 1),     // half a float
        (Table::Input, 2, 1),     // its other half
        (Table::Input, 0, 2),     // ends within it
        (Table::Input, 0, 5),     // goes beyond the last
        (Table::Holding, 9, 2),   // begins before the first
        (Table::Holding, 10, 11), // spans a gap
        (Table::Coil, 4, 1),
        (Table::Holding, 65535, 2),
    ] {
        assert_eq!(read(&image, table, address, count), Err(2), "{table:?} {address} {count}");
    }
    assert_eq!(read(&image, Table::Holding, 10, 126), Err(3));
    assert_eq!(read(&image, Table::Coil, 5, 2001), Err(3));
    let half = Own::WriteRegister { address: 12, value: 0 };
    assert_eq!(wishes(&image, &pdu(&half)), Err(2), "a piece of the text");
}

#[test]
fn a_point_without_a_value_shows_what_is_no_value_and_says_so() {
    let image = image();
    let shows = |e: usize, quality| {
        image.set(e, Some(&Value::Int(1)), quality).unwrap();
    };
    (0..10).for_each(|e| shows(e, BAD));
    assert_eq!(read(&image, Table::Input, 0, 1), Ok(vec![0x80, 0x00]));
    assert_eq!(read(&image, Table::Input, 3, 1), Ok(vec![0, 3]), "its quality");
    let nan = read(&image, Table::Input, 1, 2).unwrap();
    let nan = decode(Encoding::F32, WordOrder::Abcd, &nan);
    assert!(matches!(nan, Some(Raw::Float(f)) if f.is_nan()), "{nan:?}");
    assert_eq!(read(&image, Table::Holding, 10, 1), Ok(vec![0xFF, 0xFF]));
    assert_eq!(read(&image, Table::Holding, 11, 4), Ok(vec![0; 8]));
    assert_eq!(read(&image, Table::Holding, 20, 1), Ok(vec![0, 0]));
    assert_eq!(read(&image, Table::Coil, 5, 1), Ok(vec![0]));
    let because = Reason::Estimated;
    for (quality, code) in [
        (Quality::Good, 0),
        (Quality::Uncertain(because), 1),
        (Quality::Stale(because), 2),
        (Quality::Manual, 4),
    ] {
        shows(0, quality);
        assert_eq!(read(&image, Table::Input, 3, 1), Ok(vec![0, code]));
        let value = if quality.has_value() { [0, 10] } else { [0x80, 0] };
        assert_eq!(read(&image, Table::Input, 0, 1), Ok(value.to_vec()), "{quality:?}");
    }
}

#[test]
fn nothing_is_shown_before_it_was_read() {
    let image = Image::new(spec(OnBad::Sentinel)).unwrap();
    assert_eq!(read(&image, Table::Input, 0, 1), Ok(vec![0x80, 0]));
    assert_eq!(read(&image, Table::Input, 3, 1), Ok(vec![0, 3]));
}

#[test]
fn a_server_may_refuse_to_show_what_is_bad() {
    let image = Image::new(spec(OnBad::Exception)).unwrap();
    assert_eq!(read(&image, Table::Discrete, 0, 3), Err(4));
    for door in 7..=9 {
        image.set(door, Some(&Value::Bool(true)), Quality::Good).unwrap();
    }
    assert_eq!(read(&image, Table::Discrete, 0, 3), Ok(vec![0b111]));
    image.set(8, None, BAD).unwrap();
    assert_eq!(read(&image, Table::Discrete, 0, 3), Err(4));
    assert_eq!(read(&image, Table::Discrete, 2, 1), Ok(vec![1]), "the others are not touched");
    assert_eq!(read(&image, Table::Input, 3, 1), Ok(vec![0, 3]), "a quality is always shown");
}

#[test]
fn a_value_that_its_registers_can_not_hold_is_bad_and_never_cut() {
    let image = image();
    let hot = Value::float(4000.0).unwrap();
    assert_eq!(image.set(0, Some(&hot), Quality::Good), Err(Misfit::Range(-32768.0, 32767.0)));
    assert_eq!(read(&image, Table::Input, 0, 1), Ok(vec![0x80, 0]));
    assert_eq!(read(&image, Table::Input, 3, 1), Ok(vec![0, 3]));
    let long = Value::Text("HP-1642 mark".into());
    assert_eq!(image.set(3, Some(&long), Quality::Good), Err(Misfit::TextLength(8)));
    assert_eq!(read(&image, Table::Holding, 11, 4), Ok(vec![0; 8]));
}

#[test]
fn writes_become_values_in_the_points_own_terms() {
    let image = image();
    let one = |e, v: f64| Ok(vec![(e, Value::float(v).unwrap())]);
    let setpoint = Own::WriteRegister { address: 10, value: 425 };
    assert_eq!(wishes(&image, &pdu(&setpoint)), one(2, 42.5));
    let values = [430];
    let setpoint = Own::WriteRegisters { address: 10, values: &values };
    assert_eq!(wishes(&image, &pdu(&setpoint)), one(2, 43.0));
    let both = [440, 0x4142, 0x4300, 0, 0];
    let both = wishes(&image, &pdu(&Own::WriteRegisters { address: 10, values: &both })).unwrap();
    assert_eq!(both, [(2, Value::float(44.0).unwrap()), (3, Value::Text("ABC".into()))]);
    for on in [true, false] {
        let pump = Ok(vec![(6, Value::Bool(on))]);
        assert_eq!(wishes(&image, &pdu(&Own::WriteCoil { address: 5, on })), pump);
        assert_eq!(wishes(&image, &pdu(&Own::WriteCoils { address: 5, on })), pump);
    }
    assert_eq!(read(&image, Table::Holding, 10, 1), Ok(vec![0x01, 0x90]), "a wish changes nothing");
}

#[test]
fn of_a_register_of_bits_only_those_that_change_are_asked_for() {
    let image = image();
    let put = |value| wishes(&image, &pdu(&Own::WriteRegister { address: 20, value }));
    assert_eq!(put(0x52), Ok(vec![]), "as it is");
    assert_eq!(put(0x32), Ok(vec![(5, Value::Int(3))]));
    assert_eq!(put(0x50), Err(2), "the fault is not for masters to write");
    let mask = |and, or| wishes(&image, &pdu(&Own::MaskWrite { address: 20, and, or }));
    assert_eq!(mask(!0x70, 0x20), Ok(vec![(5, Value::Int(2))]));
    assert_eq!(mask(0, 0x52), Ok(vec![]));
    assert_eq!(mask(!2, 0), Err(2));
    let mask = Own::MaskWrite { address: 10, and: 0xFF00, or: 0x00F0 };
    assert_eq!(wishes(&image, &pdu(&mask)), Ok(vec![(2, Value::float(49.6).unwrap())]));
}

#[test]
fn what_is_no_value_or_no_output_is_refused_before_anything_is_asked_for() {
    let image = Image::new(ServerSpec {
        entries: vec![
            entry("good", Table::Holding, 0, Encoding::U16),
            entry("float", Table::Holding, 1, Encoding::F32),
            EntrySpec { writable: false, ..entry("shown", Table::Holding, 3, Encoding::U16) },
            EntrySpec {
                conversion: Conversion {
                    states: Arc::from([(0, "off".into()), (1, "heat".into())]),
                    ..Conversion::default()
                },
                quality: Some(5),
                ..entry("state", Table::Holding, 4, Encoding::U16)
            },
        ],
        ..spec(OnBad::Sentinel)
    })
    .unwrap();
    let put =
        |address, values: &[u16]| wishes(&image, &pdu(&Own::WriteRegisters { address, values }));
    assert_eq!(put(0, &[1, 0x7FC0, 0]), Err(3), "NaN");
    assert_eq!(put(0, &[1, 0x7F80, 0]), Err(3), "infinity");
    assert_eq!(put(3, &[1]), Err(2), "not writable");
    assert_eq!(put(4, &[7]), Err(3), "no state");
    assert_eq!(put(5, &[0]), Err(2), "a quality");
    assert_eq!(put(4, &[1]), Ok(vec![(3, Value::Text("heat".into()))]));
    assert_eq!(wishes(&image, &[5, 0, 0, 0x12, 0x34]), Err(3), "neither on nor off");
}

/// Requests by the letter of V1.1b3, with what the standard says about them.
#[test]
fn malformed_requests_get_the_exception_of_the_standard() {
    let image = image();
    for (request, code) in [
        (&[7][..], 1),                                // not served
        (&[43, 13, 1, 0], 1),                         // another interface
        (&[3, 0, 10], 3),                             // too short
        (&[3, 0, 10, 0, 1, 0], 3),                    // too long
        (&[3, 0, 10, 0, 0], 3),                       // none
        (&[16, 0, 10, 0, 1, 4, 1, 2], 3),             // another byte count
        (&[16, 0, 10, 0, 1, 2, 1], 3),                // too few bytes
        (&[15, 0, 5, 0, 9, 1, 1], 3),                 // nine bits in one byte
        (&[23, 0, 9, 0, 1, 0, 10, 0, 1, 2, 1, 2], 2), // reads nothing
        (&[43, 14, 9, 0], 3),                         // no such level
        (&[43, 14, 4, 77], 2),                        // no such object
    ] {
        let mut out = Vec::new();
        assert_eq!(image.answer(request, &mut out), Reply::Ready);
        assert_eq!(out, [request[0] | 0x80, code], "{request:?}");
    }
}

#[test]
fn function_23_writes_and_then_reads() {
    let image = image();
    let request = [23, 0, 20, 0, 1, 0, 10, 0, 1, 2, 0x01, 0xA9];
    assert_eq!(wishes(&image, &request), Ok(vec![(2, Value::float(42.5).unwrap())]));
    let mut out = Vec::new();
    image.finish(&request, &mut out);
    assert_eq!(out, [23, 2, 0x00, 0x52]);
}

#[test]
fn the_server_says_what_it_is() {
    let image = image();
    let objects = |level, object| {
        let data = ask(&image, &Own::Identify { level, object }).unwrap();
        let found = identification::read(&data).unwrap();
        assert_eq!(found.next, None);
        let text = |(id, t): (u8, &[u8])| (id, String::from_utf8(t.to_vec()).unwrap());
        found.objects().map(text).collect::<Vec<_>>()
    };
    let basic = [(0, "Wellhead"), (1, "gateway"), (2, "0.1.0")].map(|(i, t)| (i, t.to_owned()));
    assert_eq!(objects(1, 0), basic);
    let name = (5, "Plant room ??".to_owned());
    assert_eq!(objects(2, 0), [&basic[..], std::slice::from_ref(&name)].concat());
    assert_eq!(objects(3, 0), objects(2, 0));
    assert_eq!(objects(4, 5), [name]);
}

#[test]
fn a_map_that_can_not_be_is_refused_with_every_fault() {
    let mut spec = spec(OnBad::Sentinel);
    spec.entries = vec![
        entry("a", Table::Holding, 0, Encoding::F32),
        entry("b", Table::Holding, 1, Encoding::U16),
        EntrySpec { writable: true, ..entry("c", Table::Input, 1, Encoding::U16) },
        EntrySpec { quality: Some(1), ..entry("d", Table::Input, 2, Encoding::U16) },
        entry("e", Table::Holding, 20, Encoding::Bits(4, 3)),
        entry("f", Table::Holding, 20, Encoding::Bit(Some(5))),
        entry("g", Table::Coil, 0, Encoding::U16),
    ];
    let errors = Image::new(spec).unwrap_err();
    let found: Vec<_> = errors.iter().map(|e| (e.point.as_deref(), e.key)).collect();
    let expected = [
        (Some("c"), "writable"),
        (Some("g"), "type"),
        (None, "quality"),
        (Some("b"), "address"),
        (Some("f"), "address"),
    ];
    assert_eq!(found, expected, "{errors:?}");
}

type Written = Arc<Mutex<Vec<(usize, Value)>>>;

/// Serves `image` on loopback. Each command is noted; `answer` says what comes of it.
async fn served(
    image: Arc<Image>,
    answer: fn(&Command) -> Result<(), Denial>,
) -> (SocketAddr, Written, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (commands, mut wanted) = mpsc::channel::<Command>(8);
    let written = Written::default();
    let notes = Arc::clone(&written);
    tokio::spawn(async move {
        while let Some(command) = wanted.recv().await {
            notes.lock().unwrap().push((command.entry, command.value.clone()));
            let result = answer(&command);
            let _ = command.reply.send(result);
        }
    });
    let server = tokio::spawn(serve(listener, image, commands));
    (address, written, server)
}

#[tokio::test]
async fn a_foreign_master_reads_and_writes() {
    let image = Arc::new(image());
    let (address, written, _server) = served(Arc::clone(&image), |_| Ok(())).await;
    let mut master = tcp::connect_slave(address, Slave(9)).await.unwrap();
    let input = master.read_input_registers(0, 4).await.unwrap().unwrap();
    assert_eq!(input, [453, 0x4148, 0, 0]);
    assert_eq!(master.read_discrete_inputs(0, 3).await.unwrap(), Ok(vec![true, false, true]));
    assert_eq!(master.read_coils(5, 1).await.unwrap(), Ok(vec![true]));
    master.write_single_register(10, 425).await.unwrap().unwrap();
    master.write_multiple_registers(10, &[430]).await.unwrap().unwrap();
    master.write_single_coil(5, false).await.unwrap().unwrap();
    master.write_multiple_coils(5, &[true]).await.unwrap().unwrap();
    master.masked_write_register(20, !0x70, 0x20).await.unwrap().unwrap();
    let read = master.read_write_multiple_registers(20, 1, 10, &[440]).await.unwrap().unwrap();
    assert_eq!(read, [0x52]);
    let float = |f| Value::float(f).unwrap();
    let expected = [
        (2, float(42.5)),
        (2, float(43.0)),
        (6, Value::Bool(false)),
        (6, Value::Bool(true)),
        (5, Value::Int(2)),
        (2, float(44.0)),
    ];
    assert_eq!(*written.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_master_is_told_that_its_write_was_refused() {
    let image = Arc::new(image());
    let refuse = |c: &Command| match c.value {
        Value::Bool(true) => Err(Denial::Busy),
        Value::Bool(false) => Err(Denial::Failed),
        _ => Err(Denial::Value),
    };
    let (address, _, _server) = served(image, refuse).await;
    let mut master = tcp::connect(address).await.unwrap();
    let told = master.write_single_register(10, 425).await.unwrap();
    assert_eq!(told, Err(ExceptionCode::IllegalDataValue));
    let told = master.write_single_coil(5, true).await.unwrap();
    assert_eq!(told, Err(ExceptionCode::ServerDeviceBusy));
    let told = master.write_single_coil(5, false).await.unwrap();
    assert_eq!(told, Err(ExceptionCode::ServerDeviceFailure));
}

#[tokio::test]
async fn another_unit_than_its_own_is_not_answered_for() {
    let spec = ServerSpec { unit: Some(7), ..spec(OnBad::Sentinel) };
    let (address, _, _server) = served(Arc::new(Image::new(spec).unwrap()), |_| Ok(())).await;
    for (unit, answered) in [(7, true), (255, true), (0, true), (8, false), (1, false)] {
        let mut master = tcp::connect_slave(address, Slave(unit)).await.unwrap();
        let read = master.read_input_registers(0, 1).await.unwrap();
        let expected =
            if answered { Ok(vec![0x8000]) } else { Err(ExceptionCode::GatewayTargetDevice) };
        assert_eq!(read, expected, "unit {unit}");
        master.disconnect().await.unwrap();
    }
}

async fn closed(stream: &mut TcpStream) {
    let read = tokio::time::timeout(GUARD, stream.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_its_place_is_free_again_later() {
    let (address, _, _server) = served(Arc::new(image()), |_| Ok(())).await;
    let mut first = tcp::connect(address).await.unwrap();
    let second = TcpStream::connect(address).await.unwrap();
    assert!(first.read_coils(5, 1).await.unwrap().is_ok());
    let mut third = TcpStream::connect(address).await.unwrap();
    closed(&mut third).await;
    drop(second);
    for attempt in 0.. {
        assert!(attempt < 1000, "no place was freed");
        let mut next = tcp::connect(address).await.unwrap();
        if next.read_coils(5, 1).await.is_ok_and(|r| r.is_ok()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_is_not_modbus_or_comes_too_slowly_is_closed() {
    let spec = ServerSpec { idle_timeout: Duration::from_millis(50), ..spec(OnBad::Sentinel) };
    let (address, _, _server) = served(Arc::new(Image::new(spec).unwrap()), |_| Ok(())).await;
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0, 1, 0, 0, 0, 1, 7],       // no function
        &[0, 1, 0, 0, 1, 0, 7, 3, 0], // longer than any request
        &[0, 1, 0, 0, 0, 6, 7, 3, 0], // stops half way
        &[],                          // says nothing
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The end may come while this is still being sent.
        let _ = stream.write_all(bytes).await;
        closed(&mut stream).await;
    }
}

#[tokio::test]
async fn several_requests_at_once_are_answered_in_order() {
    let (address, _, _server) = served(Arc::new(image()), |_| Ok(())).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = Vec::new();
    for transaction in 0..20u8 {
        bytes.extend_from_slice(&[0, transaction, 0, 0, 0, 6, 1, 4, 0, 0, 0, 1]);
    }
    for piece in bytes.chunks(7) {
        stream.write_all(piece).await.unwrap();
    }
    for transaction in 0..20u8 {
        let mut reply = [0; 11];
        tokio::time::timeout(GUARD, stream.read_exact(&mut reply)).await.unwrap().unwrap();
        assert_eq!(reply, [0, transaction, 0, 0, 0, 5, 1, 4, 2, 0x01, 0xC5]);
    }
}

/// Whatever a master reads while a value of several registers changes is the old or the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_several_registers_is_never_torn() {
    let image = Arc::new(image());
    let (address, _, _server) = served(Arc::clone(&image), |_| Ok(())).await;
    let (one, other) = (Value::float(1.0).unwrap(), Value::float(-2.5e9).unwrap());
    let turning = tokio::task::spawn_blocking(move || {
        for i in 0..40_000 {
            let value = if i % 2 == 0 { &one } else { &other };
            image.set(1, Some(value), Quality::Good).unwrap();
        }
    });
    let mut master = tcp::connect(address).await.unwrap();
    let words = |f: f32| [(f.to_bits() >> 16) as u16, f.to_bits() as u16];
    let whole = [words(12.5), words(1.0), words(-2.5e9)];
    let mut reads = 0;
    while !turning.is_finished() || reads < 100 {
        let read = master.read_input_registers(1, 2).await.unwrap().unwrap();
        assert!(whole.iter().any(|w| read == w), "{read:x?}");
        reads += 1;
    }
}

proptest! {
    #[test]
    fn any_bytes_get_a_reply_that_fits_its_frame(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let image = image();
        let mut out = Vec::new();
        if let Reply::Wishes(wishes) = image.answer(&bytes, &mut out) {
            prop_assert!(wishes.iter().all(|(e, _)| image.spec().entries[*e].writable));
            image.finish(&bytes, &mut out);
        }
        prop_assert!((2..=253).contains(&out.len()), "{} bytes", out.len());
        let function = bytes.first().unwrap_or(&0);
        prop_assert_eq!(out[0] & 0x7F, function & 0x7F);
    }

    #[test]
    fn any_question_is_answered_so_that_our_own_master_takes_it(
        function in prop::sample::select(vec![1u8, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43]),
        address in 0u16..24,
        count in 0u16..8,
        word in any::<u16>(),
    ) {
        let image = image();
        let values = vec![word; usize::from(count)];
        let request = match function {
            1 => Own::Read { table: Table::Coil, address, count },
            2 => Own::Read { table: Table::Discrete, address, count },
            4 => Own::Read { table: Table::Input, address, count },
            5 => Own::WriteCoil { address, on: word & 1 == 1 },
            6 => Own::WriteRegister { address, value: word },
            15 => Own::WriteCoils { address, on: word & 1 == 1 },
            16 => Own::WriteRegisters { address, values: &values },
            22 => Own::MaskWrite { address, and: word, or: !word },
            43 => Own::Identify { level: 1 + (word % 4) as u8, object: count as u8 },
            _ => Own::Read { table: Table::Holding, address, count },
        };
        let (pdu, mut out) = (pdu(&request), Vec::new());
        if let Reply::Wishes(_) = image.answer(&pdu, &mut out) {
            image.finish(&pdu, &mut out);
        }
        prop_assert!(request.answer(&out).is_ok(), "{request:?}: {out:?}");
    }

    #[test]
    fn what_a_master_writes_is_what_it_would_read_once_it_is_so(
        encoding in prop::sample::select(vec![
            Encoding::U16, Encoding::I16, Encoding::U32, Encoding::I32, Encoding::U64,
            Encoding::I64, Encoding::F32, Encoding::F64, Encoding::Bcd(2), Encoding::Text(3),
        ]),
        order in prop::sample::select(vec![
            WordOrder::Abcd, WordOrder::Cdab, WordOrder::Badc, WordOrder::Dcba,
        ]),
        words in prop::collection::vec(any::<u16>(), 4),
    ) {
        let entries = vec![EntrySpec { order, ..entry("p", Table::Holding, 0, encoding) }];
        let image = Image::new(ServerSpec { entries, ..spec(OnBad::Sentinel) }).unwrap();
        let values = &words[..usize::from(encoding.width())];
        let write = pdu(&Own::WriteRegisters { address: 0, values });
        if let Ok(wishes) = wishes(&image, &write) {
            image.set(0, Some(&wishes[0].1), Quality::Good).unwrap();
            let shown = read(&image, Table::Holding, 0, encoding.width()).unwrap();
            let written: Vec<u8> = values.iter().flat_map(|w| w.to_be_bytes()).collect();
            let same = decode(encoding, order, &shown) == decode(encoding, order, &written);
            prop_assert!(same, "{written:x?} became {shown:x?}");
        }
    }
}
