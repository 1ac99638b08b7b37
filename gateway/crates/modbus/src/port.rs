//! How a device's requests get on the line, and its answers off it.

use crate::codec::{Answer, Request, mbap, pdu, rtu};
use crate::{DeviceSpec, Framing};
use std::time::Duration;
use wellhead_driver::{DeviceError, Exchange, Line, SerialMode};

/// Silence before an RTU frame, in characters, and its least length above 19200 bit/s (Modbus
/// over serial line V1.02, section 2.5.1.1).
const SILENCE: (f64, Duration) = (3.5, Duration::from_micros(1750));

#[derive(Debug)]
pub(crate) struct Port {
    unit: u8,
    framing: Framing,
    mode: Option<SerialMode>,
    pub(crate) response_timeout: Duration,
    pause: Duration,
    turnaround: Duration,
    late_window: Duration,
    /// Goes on over all sessions, so that a reply to an earlier request does not match.
    transaction: u16,
    request: Vec<u8>,
}

impl Port {
    pub(crate) fn new(device: &DeviceSpec) -> Self {
        let timing = &device.timing;
        Self {
            unit: device.unit,
            framing: device.framing,
            mode: device.mode,
            response_timeout: timing.response_timeout,
            pause: timing.pause,
            turnaround: timing.turnaround,
            late_window: match device.framing {
                // A late reply carries an old transaction number, so there is nothing to wait for.
                Framing::Tcp => Duration::ZERO,
                Framing::Rtu => timing.late_window,
            },
            transaction: 0,
            request: Vec::new(),
        }
    }

    /// Sends a request and returns what the device said to it.
    pub(crate) async fn ask<'l>(
        &mut self,
        line: &'l mut Line,
        request: &Request<'_>,
    ) -> Result<Answer<'l>, DeviceError> {
        let (unit, framing) = (self.unit, self.framing);
        self.frame(request);
        let transaction = self.transaction;
        let x = self.exchange(line, rtu::frame_len(request.reply_len()));
        let reply = line
            .exchange(&x, &self.request, |bytes| match framing {
                Framing::Tcp => mbap::step(request, transaction, unit, bytes),
                Framing::Rtu => rtu::step(request, unit, bytes),
            })
            .await?;
        request.answer(pdu(framing, reply)).map_err(DeviceError::BadReply)
    }

    /// Sends a request that nobody answers.
    pub(crate) async fn send_only(
        &mut self,
        line: &mut Line,
        request: &Request<'_>,
    ) -> Result<(), DeviceError> {
        self.frame(request);
        let x = self.exchange(line, 0);
        line.send_only(&x, &self.request, self.turnaround(line)).await
    }

    /// Silence after a broadcast, counted from when its first byte is sent.
    fn turnaround(&self, line: &Line) -> Duration {
        self.turnaround + self.on_wire(line, 0)
    }

    fn frame(&mut self, request: &Request) {
        self.transaction = self.transaction.wrapping_add(1);
        match self.framing {
            Framing::Tcp => mbap::put(request, self.transaction, self.unit, &mut self.request),
            Framing::Rtu => rtu::put(request, self.unit, &mut self.request),
        }
    }

    fn exchange(&self, line: &Line, reply_len: usize) -> Exchange {
        Exchange {
            station: u64::from(self.unit),
            // The time that the device has to answer; the bytes' own time on a slow wire is extra.
            response_timeout: self.response_timeout + self.on_wire(line, reply_len),
            pause: self.pause.max(line.mode(self.mode).map_or(Duration::ZERO, silence)),
            late_window: self.late_window,
            mode: self.mode,
        }
    }

    /// How long the request and a reply take on a serial line.
    fn on_wire(&self, line: &Line, reply_len: usize) -> Duration {
        let characters = u32::try_from(self.request.len() + reply_len).unwrap_or(u32::MAX);
        line.mode(self.mode).map_or(Duration::ZERO, |m| m.character().saturating_mul(characters))
    }
}

fn silence(mode: SerialMode) -> Duration {
    let (characters, least) = SILENCE;
    if mode.baud > 19_200 { least } else { mode.character().mul_f64(characters) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wellhead_driver::Parity;

    #[test]
    fn the_silence_before_a_frame_is_three_and_a_half_characters_or_1750_us() {
        let silence = |baud, parity| {
            silence(SerialMode { baud, data_bits: 8, parity, stop_bits: 1 }).as_micros()
        };
        assert_eq!(silence(1200, Parity::None), 29_166);
        assert_eq!(silence(9600, Parity::Even), 4_010);
        assert_eq!(silence(19_200, Parity::Even), 2_005);
        assert_eq!(silence(38_400, Parity::Even), 1_750);
        assert_eq!(silence(115_200, Parity::None), 1_750);
    }

    #[tokio::test]
    async fn on_a_serial_line_the_bytes_have_their_own_time() {
        use crate::{Grouping, Table, Timing};
        use wellhead_driver::{LineConfig, SerialConfig};
        // 1 ms a character.
        let line = Line::new(LineConfig::Serial(SerialConfig {
            path: "/dev/null".into(),
            mode: SerialMode { baud: 10_000, data_bits: 8, parity: Parity::None, stop_bits: 1 },
            rs485: false,
        }));
        let timing = Timing { pause: Duration::from_millis(2), ..Timing::default() };
        let device = DeviceSpec {
            name: "hp1".into(),
            unit: 7,
            framing: Framing::Rtu,
            mode: None,
            timing,
            grouping: Grouping::default(),
            points: Vec::new(),
        };
        let mut port = Port::new(&device);
        port.frame(&Request::Read { table: Table::Holding, address: 0, count: 10 });
        let x = port.exchange(&line, 25);
        assert_eq!(x.response_timeout, timing.response_timeout + Duration::from_millis(8 + 25));
        assert_eq!(x.pause, Duration::from_micros(3500), "at least 3.5 characters");
        assert_eq!(x.late_window, timing.late_window);
        assert_eq!(port.turnaround(&line), timing.turnaround + Duration::from_millis(8));
        port.pause = Duration::from_millis(50);
        assert_eq!(port.exchange(&line, 25).pause, Duration::from_millis(50));
    }
}
