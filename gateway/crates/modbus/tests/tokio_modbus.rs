//! Reads and writes against a foreign server over real sockets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use common::{device, driver, numbers, point, poll, registers, write};
use std::collections::BTreeMap;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_modbus::prelude::{ExceptionCode, Request, Response, SlaveRequest};
use tokio_modbus::server::{Service, tcp::Server, tcp::accept_tcp_connection};
use wellhead_driver::{Line, LineConfig, Outcome, Readback, TcpConfig};
use wellhead_modbus::{Encoding, Framing, Table, WriteFunction};
use wellhead_model::Value;

/// A device's memory. Registers and coils exist only where they were put.
#[derive(Clone, Default)]
struct Memory {
    registers: Arc<Mutex<BTreeMap<u16, u16>>>,
    coils: Arc<Mutex<BTreeMap<u16, bool>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

fn range<T: Copy>(
    map: &BTreeMap<u16, T>,
    address: u16,
    count: u16,
) -> Result<Vec<T>, ExceptionCode> {
    let wanted = address..address + count;
    wanted.map(|a| map.get(&a).copied().ok_or(ExceptionCode::IllegalDataAddress)).collect()
}

impl Memory {
    fn answer(&self, request: Request<'static>) -> Result<Response, ExceptionCode> {
        let mut registers = self.registers.lock().unwrap();
        let mut coils = self.coils.lock().unwrap();
        Ok(match request {
            Request::ReadCoils(a, n) => Response::ReadCoils(range(&coils, a, n)?),
            Request::ReadDiscreteInputs(a, n) => Response::ReadDiscreteInputs(range(&coils, a, n)?),
            Request::ReadHoldingRegisters(a, n) => {
                Response::ReadHoldingRegisters(range(&registers, a, n)?)
            }
            Request::ReadInputRegisters(a, n) => {
                Response::ReadInputRegisters(range(&registers, a, n)?)
            }
            Request::WriteSingleCoil(a, on) => {
                coils.insert(a, on);
                Response::WriteSingleCoil(a, on)
            }
            Request::WriteSingleRegister(a, v) => {
                registers.insert(a, v);
                Response::WriteSingleRegister(a, v)
            }
            Request::WriteMultipleCoils(a, on) => {
                coils.extend((a..).zip(on.iter().copied()));
                Response::WriteMultipleCoils(a, on.len() as u16)
            }
            Request::WriteMultipleRegisters(a, v) => {
                registers.extend((a..).zip(v.iter().copied()));
                Response::WriteMultipleRegisters(a, v.len() as u16)
            }
            Request::MaskWriteRegister(a, and, or) => {
                let old = registers.get(&a).copied().unwrap_or(0);
                registers.insert(a, old & and | or & !and);
                Response::MaskWriteRegister(a, and, or)
            }
            _ => return Err(ExceptionCode::IllegalFunction),
        })
    }
}

impl Service for Memory {
    type Request = SlaveRequest<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = std::future::Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        assert_eq!(request.slave, 7, "the unit asked for");
        self.requests.lock().unwrap().push(format!("{:?}", request.request));
        ready(self.answer(request.request))
    }
}

/// A line to a foreign server with this memory.
async fn serve(memory: &Memory) -> Line {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let memory = memory.clone();
    tokio::spawn(async move {
        let connected = |stream, peer| {
            let service = memory.clone();
            async move { accept_tcp_connection(stream, peer, |_| Ok(Some(service.clone()))) }
        };
        Server::new(listener).serve(&connected, |error| panic!("{error}")).await.unwrap();
    });
    Line::new(LineConfig::Tcp(TcpConfig {
        host: address.ip().to_string(),
        port: address.port(),
        connect_timeout: Duration::from_secs(10),
        close_when_idle: false,
    }))
}

#[tokio::test]
async fn a_register_reads_through_the_driver_contract() {
    let memory = Memory::default();
    memory.registers.lock().unwrap().extend([(100, 453), (101, 0)]);
    let mut line = serve(&memory).await;
    let mut hp = driver(device(Framing::Tcp, registers(100, 2)));
    assert_eq!(numbers(&mut hp, &mut line).await, [453, 0]);
    memory.registers.lock().unwrap().insert(101, 65535);
    assert_eq!(numbers(&mut hp, &mut line).await, [453, 65535]);
    let asked = memory.requests.lock().unwrap();
    assert_eq!(*asked, ["ReadHoldingRegisters(100, 2)"; 2], "one request a poll");
}

#[tokio::test]
async fn every_table_reads_with_its_own_function() {
    let memory = Memory::default();
    memory.registers.lock().unwrap().extend([(5, 0x8001), (6, 2)]);
    memory.coils.lock().unwrap().extend([(9, true), (10, false), (11, true)]);
    let mut line = serve(&memory).await;
    let mut hp = driver(device(
        Framing::Tcp,
        vec![
            point(0, Table::Coil, 9, Encoding::Bit(None)),
            point(1, Table::Coil, 10, Encoding::Bit(None)),
            point(2, Table::Discrete, 11, Encoding::Bit(None)),
            point(3, Table::Input, 5, Encoding::I16),
            point(4, Table::Holding, 5, Encoding::U32),
            point(5, Table::Holding, 5, Encoding::Bit(Some(15))),
            point(6, Table::Holding, 5, Encoding::Bits(1, 14)),
        ],
    ));
    let numbers = numbers(&mut hp, &mut line).await;
    assert_eq!(numbers, [1, 0, 1, -32767, 0x8001_0002, 1, 0]);
    let asked = memory.requests.lock().unwrap();
    assert_eq!(
        *asked,
        [
            "ReadDiscreteInputs(11, 1)",
            "ReadCoils(9, 2)",
            "ReadInputRegisters(5, 1)",
            "ReadHoldingRegisters(5, 2)"
        ]
    );
}

#[tokio::test]
async fn each_kind_of_point_is_written_by_its_function_and_read_back() {
    let memory = Memory::default();
    memory.registers.lock().unwrap().insert(20, 0b1010_0000_0000_0101);
    let multiple = |mut p: wellhead_modbus::PointSpec| {
        p.write = WriteFunction::Multiple;
        p
    };
    let mut scaled = point(2, Table::Holding, 12, Encoding::I16);
    scaled.conversion.scale = 0.1;
    let spec = device(
        Framing::Tcp,
        vec![
            point(0, Table::Coil, 10, Encoding::Bit(None)),
            multiple(point(1, Table::Coil, 11, Encoding::Bit(None))),
            scaled,
            multiple(point(3, Table::Holding, 13, Encoding::U16)),
            point(4, Table::Holding, 14, Encoding::I32),
            point(5, Table::Holding, 20, Encoding::Bit(Some(15))),
            point(6, Table::Holding, 20, Encoding::Bits(4, 3)),
            point(7, Table::Holding, 30, Encoding::Text(3)),
        ],
    );
    let mut line = serve(&memory).await;
    let mut hp = driver(spec);
    let cases = [
        (0, Value::Bool(true), "WriteSingleCoil(10, true)"),
        (1, Value::Bool(true), "WriteMultipleCoils(11, [true])"),
        (2, Value::float(-4.5).unwrap(), "WriteSingleRegister(12, 65491)"),
        (3, Value::Int(65535), "WriteMultipleRegisters(13, [65535])"),
        (4, Value::Int(-2), "WriteMultipleRegisters(14, [65535, 65534])"),
        (5, Value::Bool(false), "MaskWriteRegister(20, 32767, 0)"),
        (6, Value::Int(6), "MaskWriteRegister(20, 65423, 96)"),
        (7, Value::Text("GSHP".into()), "WriteMultipleRegisters(30, [18259, 18512, 0])"),
    ];
    for (index, value, request) in cases {
        memory.requests.lock().unwrap().clear();
        let back = write(&mut hp, &mut line, index, value.clone()).await;
        assert_eq!(back, Ok(Readback::Read(Outcome::Good(value))));
        assert_eq!(memory.requests.lock().unwrap()[0], request);
    }
    let left = memory.registers.lock().unwrap()[&20];
    assert_eq!(left, 0b0010_0000_0110_0101, "the other bits are untouched");
}

#[tokio::test]
async fn one_missing_register_leaves_all_others_readable() {
    let memory = Memory::default();
    let present = (0..100).filter(|a| *a != 37).map(|a| (a, a));
    memory.registers.lock().unwrap().extend(present);
    let mut line = serve(&memory).await;
    let mut hp = driver(device(Framing::Tcp, registers(0, 100)));
    for requests in [16, 2, 2] {
        memory.requests.lock().unwrap().clear();
        let outcomes = poll(&mut hp, &mut line).await.unwrap();
        for (i, outcome) in outcomes {
            match i {
                37 => assert_eq!(outcome, Outcome::Bad(wellhead_model::Reason::IllegalAddress)),
                _ => assert_eq!(outcome, Outcome::Good(Value::Int(i64::from(i)))),
            }
        }
        let asked = memory.requests.lock().unwrap().len();
        assert!(asked <= requests, "{asked} requests");
    }
}

/// Why the master is our own: `docs/decisions/modbus-master.md`. Shows what tokio-modbus 0.17 does
/// today. If this fails after an update, the fault may be mended and that decision looked at again.
#[tokio::test(start_paused = true)]
async fn tokio_modbus_takes_a_late_reply_for_an_answer() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_modbus::prelude::{Reader, Slave, rtu};

    let (ours, mut device) = tokio::io::duplex(256);
    let mut theirs = rtu::attach_slave(ours, Slave(7));
    let mut request = [0; 8];

    let wait = Duration::from_secs(1);
    let first = tokio::time::timeout(wait, theirs.read_holding_registers(30, 1)).await;
    assert!(first.is_err(), "no reply in time: the call is dropped");
    device.read_exact(&mut request).await.unwrap();
    assert_eq!(request[..6], [7, 3, 0, 30, 0, 1]);

    // The reply to the first request, after its time: register 30 holds 3000.
    let mut late = vec![7, 3, 2, 0x0B, 0xB8];
    late.extend_from_slice(&wellhead_modbus::codec::rtu::crc(&late).to_le_bytes());
    device.write_all(&late).await.unwrap();

    let second = theirs.read_holding_registers(40, 1).await;
    device.read_exact(&mut request).await.unwrap();
    assert_eq!(request[..6], [7, 3, 0, 40, 0, 1], "register 40 was asked for");
    assert_eq!(second.unwrap(), Ok(vec![3000]), "and register 30 was taken for it");
}

/// Today's behaviour again, on TCP: the device answers every request after the first at once, and
/// yet no call succeeds any more.
#[tokio::test(start_paused = true)]
async fn tokio_modbus_stays_one_reply_behind_on_tcp() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_modbus::prelude::{Reader, Slave, tcp};

    let (ours, mut device) = tokio::io::duplex(256);
    let mut theirs = tcp::attach_slave(ours, Slave(7));
    let answer = |request: [u8; 12]| {
        let [t1, t2, .., a1, a2, _, _] = request;
        [t1, t2, 0, 0, 0, 5, 7, 3, 2, a1, a2]
    };
    let mut request = [0; 12];
    let wait = Duration::from_secs(1);
    let first = tokio::time::timeout(wait, theirs.read_holding_registers(30, 1)).await;
    assert!(first.is_err(), "no reply in time: the call is dropped");
    device.read_exact(&mut request).await.unwrap();
    device.write_all(&answer(request)).await.unwrap();
    for register in 40..50 {
        let reply = theirs.read_holding_registers(register, 1).await;
        assert!(reply.is_err(), "{reply:?}");
        device.read_exact(&mut request).await.unwrap();
        device.write_all(&answer(request)).await.unwrap();
    }
}

/// The events of the first, and this crate's answer. (For TCP see `faults.rs`.)
#[tokio::test(start_paused = true)]
async fn the_same_late_reply_is_no_answer_here() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let (ours, mut device) = tokio::io::duplex(256);
    let mut line = Line::over(ours);
    let mut first = driver(self::device(Framing::Rtu, registers(30, 1)));
    let mut second = driver(self::device(Framing::Rtu, registers(40, 1)));
    let mut request = [0; 8];

    assert!(poll(&mut first, &mut line).await.is_err());
    device.read_exact(&mut request).await.unwrap();
    let mut late = vec![7, 3, 2, 0x0B, 0xB8];
    late.extend_from_slice(&wellhead_modbus::codec::rtu::crc(&late).to_le_bytes());
    device.write_all(&late).await.unwrap();

    let (read, ()) = tokio::join!(numbers(&mut second, &mut line), async {
        device.read_exact(&mut request).await.unwrap();
        assert_eq!(request[..6], [7, 3, 0, 40, 0, 1]);
        let mut right = vec![7, 3, 2, 0x0F, 0xA0];
        right.extend_from_slice(&wellhead_modbus::codec::rtu::crc(&right).to_le_bytes());
        device.write_all(&right).await.unwrap();
    });
    assert_eq!(read, [4000]);
}
