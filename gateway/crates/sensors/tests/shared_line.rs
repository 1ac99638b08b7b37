//! Modbus RTU, DL/T 645, CJ/T 188 and M-Bus devices on one pair of wires, each deaf to what is
//! not for it, under paused time. That a line changes its speed between them stands in the tests of
//! `wellhead-driver`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wellhead_driver::{Conversion, DeviceError, Driver, Line, Outcome, Readings};
use wellhead_model::{PointIndex, Value};
use wellhead_sensors::cjt188::{Cjt188Driver, IdentifierOrder, UnitPosition};
use wellhead_sensors::dlt645::{Dlt645Driver, Edition};
use wellhead_sensors::mbus::MbusDriver;
use wellhead_sensors::{Timing, cjt188, dlt645, mbus};

const TIMEOUT: Duration = Duration::from_millis(500);
const LATE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_secs(10);

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|b| u8::from_str_radix(b, 16).unwrap()).collect()
}

fn sealed(hex: &str) -> Vec<u8> {
    let mut frame = bytes(hex);
    let from = if frame[0] == frame[3] { 4 } else { 0 };
    frame.push(frame[from..].iter().fold(0, |sum: u8, b| sum.wrapping_add(*b)));
    frame.push(0x16);
    frame
}

fn crc(bytes: &[u8]) -> [u8; 2] {
    let step = |crc: u16, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 };
    bytes.iter().fold(0xFFFF, |crc, b| (0..8).fold(crc ^ u16::from(*b), step)).to_le_bytes()
}

/// Who is on the wires, and what each shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Station {
    Modbus,
    Electricity,
    Water,
    Heat,
}

const STATIONS: [Station; 4] =
    [Station::Modbus, Station::Electricity, Station::Water, Station::Heat];

impl Station {
    fn shows(self) -> Outcome {
        Outcome::Good(match self {
            Station::Modbus => Value::Int(453),
            Station::Electricity => Value::float(1206.42).unwrap(),
            Station::Water => Value::float(123.45).unwrap(),
            Station::Heat => Value::float(75.5).unwrap(),
        })
    }

    /// Its answer to what is on the wires, if that is for it.
    fn answer(self, request: &[u8]) -> Option<Vec<u8>> {
        let lead = request.iter().take_while(|b| **b == 0xFE).count();
        let request = &request[lead..];
        match self {
            Station::Modbus if request[..2] == [7, 3] => {
                let mut reply = bytes("07 03 02 01 C5");
                let crc = crc(&reply);
                reply.extend(crc);
                Some(reply)
            }
            Station::Electricity if request.starts_with(&bytes("68 25 04 03 02 01 00 68 11")) => {
                Some(sealed("68 25 04 03 02 01 00 68 91 08 33 33 34 33 75 39 45 33"))
            }
            Station::Water if request.starts_with(&bytes("68 10 44 33 22 11 00 33 78 01")) => {
                let frame = "68 10 44 33 22 11 00 33 78 81 16 1F 90 SER 45 23 01 00 2C \
                             45 23 01 00 2C 31 01 22 11 05 15 20 00 00";
                Some(sealed(&frame.replace("SER", &format!("{:02X}", request[13]))))
            }
            Station::Heat if request.starts_with(&bytes("10 40 05")) => Some(vec![0xE5]),
            Station::Heat if matches!(request, [0x10, 0x5B | 0x7B, 0x05, ..]) => {
                Some(sealed("68 13 13 68 08 05 72 76 00 05 21 18 4E 00 04 21 00 00 00 0A 5A 55 07"))
            }
            _ => None,
        }
    }

    fn driver(self) -> Box<dyn Ask> {
        let timing = Timing {
            response_timeout: TIMEOUT,
            pause: Duration::ZERO,
            late_window: LATE,
            mode: None,
        };
        let (name, index, conversion) = (String::new(), PointIndex(0), Conversion::default());
        match self {
            Station::Modbus => Box::new(modbus()),
            Station::Electricity => Box::new(Dlt645Driver::new(dlt645::DeviceSpec {
                name: name.clone(),
                address: "000102030425".parse().unwrap(),
                edition: Edition::Y2007,
                preamble: 4,
                blocks: false,
                timing,
                points: vec![dlt645::PointSpec {
                    index,
                    name,
                    item: "energy".parse().unwrap(),
                    unit: None,
                    conversion,
                    period: POLL,
                }],
            })),
            Station::Water => Box::new(Cjt188Driver::new(cjt188::DeviceSpec {
                name: name.clone(),
                kind: "cold_water".parse().unwrap(),
                address: "78330011223344".parse().unwrap(),
                identifier_order: IdentifierOrder::LowFirst,
                unit_position: UnitPosition::AfterValue,
                preamble: 4,
                timing,
                points: vec![cjt188::PointSpec {
                    index,
                    name,
                    field: "volume".parse().unwrap(),
                    unit: None,
                    conversion,
                    period: POLL,
                }],
            })),
            Station::Heat => Box::new(MbusDriver::new(mbus::DeviceSpec {
                name: name.clone(),
                address: "5".parse().unwrap(),
                timing,
                telegrams_max: 4,
                points: vec![mbus::PointSpec {
                    index,
                    name,
                    record: "supply_temperature".parse().unwrap(),
                    unit: None,
                    conversion,
                    period: POLL,
                }],
            })),
        }
    }
}

fn modbus() -> wellhead_modbus::ModbusDriver {
    use wellhead_modbus as m;
    let point = m::PointSpec {
        index: PointIndex(0),
        name: "p".into(),
        table: m::Table::Holding,
        address: 0,
        encoding: m::Encoding::U16,
        order: m::WordOrder::Abcd,
        conversion: Conversion::default(),
        period: POLL,
        write: m::WriteFunction::Auto,
    };
    let timing = m::Timing { response_timeout: TIMEOUT, late_window: LATE, ..m::Timing::default() };
    let spec = m::DeviceSpec {
        name: "hp".into(),
        unit: 7,
        framing: m::Framing::Rtu,
        mode: None,
        timing,
        grouping: m::Grouping::default(),
        points: vec![point],
    };
    m::ModbusDriver::new(m::plan(spec).unwrap())
}

/// Drivers of all kinds, side by side.
trait Ask {
    fn ask<'a>(
        &'a mut self,
        line: &'a mut Line,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Outcome, DeviceError>> + 'a>>;
}

impl<D: Driver> Ask for D {
    fn ask<'a>(
        &'a mut self,
        line: &'a mut Line,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Outcome, DeviceError>> + 'a>> {
        Box::pin(async move {
            let mut out = Readings::default();
            self.poll(line, 0, &mut out).await?;
            assert_eq!(out.outcomes.len(), 1);
            Ok(out.outcomes.remove(0).1)
        })
    }
}

/// The wires; who stands in `late` answers so much later.
fn wires(late: Arc<Mutex<Option<(Station, Duration)>>>) -> Line {
    let (near, far) = tokio::io::duplex(4096);
    let (mut hears, speaks) = tokio::io::split(far);
    let speaks = Arc::new(tokio::sync::Mutex::new(speaks));
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok(n @ 1..) = hears.read(&mut buffer).await {
            for station in STATIONS {
                let Some(answer) = station.answer(&buffer[..n]) else { continue };
                let later = late.lock().unwrap().filter(|(s, _)| *s == station);
                let wait = Duration::from_millis(30) + later.map_or(Duration::ZERO, |(_, d)| d);
                let speaks = speaks.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(wait).await;
                    let _gone = speaks.lock().await.write_all(&answer).await;
                });
            }
        }
    });
    Line::over(near)
}

#[tokio::test(start_paused = true)]
async fn four_protocols_are_read_in_turn_on_one_pair_of_wires() {
    let mut line = wires(Arc::default());
    let mut drivers = STATIONS.map(|s| (s, s.driver()));
    for _ in 0..5 {
        for (station, driver) in &mut drivers {
            let read = driver.ask(&mut line).await;
            assert_eq!(read, Ok(station.shows()), "{station:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_of_them_says_too_late_is_never_another_ones_answer() {
    // From just too late to long after the next has been asked.
    for station in STATIONS {
        for ms in [400, 480, 500, 520, 560, 700, 1000, 1500] {
            let late = Arc::new(Mutex::new(Some((station, Duration::from_millis(ms)))));
            let mut line = wires(late.clone());
            let mut drivers = STATIONS.map(|s| (s, s.driver()));
            let mut failed = 0;
            for round in 0..8 {
                if round == 4 {
                    *late.lock().unwrap() = None;
                }
                for (own, driver) in &mut drivers {
                    let read = driver.ask(&mut line).await;
                    match &read {
                        Ok(read) => assert_eq!(*read, own.shows(), "{own:?}; {station:?} is late"),
                        Err(_) => failed += 1,
                    }
                    // Once everybody is in time again, so is the first round after the last echo.
                    assert!(read.is_ok() || round < 6, "{own:?}: {read:?}, {ms} ms");
                }
            }
            assert!(failed > 0 || ms < 480, "{station:?} was never late");
        }
    }
}
