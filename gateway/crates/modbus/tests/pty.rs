//! RTU over a real terminal device.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod common;

use common::{device, driver, numbers, point, registers, write};
use std::os::fd::AsRawFd;
use std::time::Duration;
use wellhead_driver::{Line, LineConfig, Outcome, Parity, Readback, SerialConfig, SerialMode};
use wellhead_modbus::{DeviceSpec, Encoding, Framing, Table};
use wellhead_model::Value;

/// Far longer than anything takes; only keeps a failing test from hanging.
const GUARD: Duration = Duration::from_secs(60);

/// A terminal whose other end answers these requests, in this order, with these frames; and the
/// end that keeps it alive.
fn terminal(
    script: Vec<(&'static [u8], &'static [u8])>,
) -> (Line, std::thread::JoinHandle<serial2::SerialPort>, serial2::SerialPort) {
    let (mut far, near) = serial2::SerialPort::pair().unwrap();
    let path = std::fs::read_link(format!("/proc/self/fd/{}", near.as_raw_fd())).unwrap();
    far.set_read_timeout(GUARD).unwrap();
    let far = std::thread::spawn(move || {
        for (request, reply) in script {
            let mut asked = vec![0; request.len()];
            far.read_exact(&mut asked).unwrap();
            assert_eq!(asked, request);
            // In two pieces, as a serial driver's buffer may deliver it.
            let (first, second) = reply.split_at(reply.len() / 2);
            far.write_all(first).unwrap();
            std::thread::sleep(Duration::from_millis(5));
            far.write_all(second).unwrap();
        }
        // Closing it would take back what was not read yet.
        far
    });
    let line = Line::new(LineConfig::Serial(SerialConfig {
        path,
        // A pseudo-terminal refuses parity, which it has no wire for.
        mode: SerialMode { baud: 19_200, data_bits: 8, parity: Parity::None, stop_bits: 1 },
        rs485: false,
    }));
    (line, far, near)
}

fn on_wire(mut spec: DeviceSpec) -> DeviceSpec {
    spec.timing.response_timeout = GUARD;
    spec
}

/// The checksums were computed by another program.
#[tokio::test]
async fn a_serial_device_is_read_and_written() {
    let (mut line, far, _near) = terminal(vec![
        (
            &[0x11, 0x03, 0x00, 0x6B, 0x00, 0x03, 0x76, 0x87],
            &[0x11, 0x03, 0x06, 0xAE, 0x41, 0x56, 0x52, 0x43, 0x40, 0x49, 0xAD],
        ),
        (
            &[0x11, 0x06, 0x00, 0x01, 0x00, 0x03, 0x9A, 0x9B],
            &[0x11, 0x06, 0x00, 0x01, 0x00, 0x03, 0x9A, 0x9B],
        ),
        (
            &[0x11, 0x03, 0x00, 0x01, 0x00, 0x01, 0xD7, 0x5A],
            &[0x11, 0x03, 0x02, 0x00, 0x03, 0x39, 0x86],
        ),
    ]);
    let mut meter =
        driver(on_wire(DeviceSpec { unit: 0x11, ..device(Framing::Rtu, registers(0x6B, 3)) }));
    assert_eq!(numbers(&mut meter, &mut line).await, [0xAE41, 0x5652, 0x4340]);
    let output = vec![point(0, Table::Holding, 1, Encoding::U16)];
    let mut meter = driver(on_wire(DeviceSpec { unit: 0x11, ..device(Framing::Rtu, output) }));
    let back = write(&mut meter, &mut line, 0, Value::Int(3)).await;
    assert_eq!(back, Ok(Readback::Read(Outcome::Good(Value::Int(3)))));
    drop(far.join().unwrap());
}
