//! The master's side: what is asked, in which order, until a meter has told all it has.

use super::link::{self, Expect};
use super::record::Record;
use super::telegram::{self, Header, Telegram};
use super::{Address, Secondary};
use crate::Timing;
use std::time::Duration;
use wellhead_driver::{DeviceError, Exchange, Line};

/// All that a meter told in one reading.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub(super) header: Header,
    pub(super) records: Vec<Record>,
}

/// How meters on a line are spoken to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Master {
    pub(super) timing: Timing,
}

impl Master {
    /// Reads a meter as a whole.
    ///
    /// Every reading begins with a reset of the link, or with selecting the meter, so that it
    /// begins with the first telegram and the frame count bit is in step, whatever happened to the
    /// reading before.
    pub(super) async fn read(
        &self,
        line: &mut Line,
        address: &Address,
        telegrams_max: u8,
    ) -> Result<Reading, DeviceError> {
        match address {
            Address::Primary(primary) => {
                self.reset(line, *primary).await?;
                let from = (*primary != link::ANY).then_some(*primary);
                self.collect(line, *primary, from, None, telegrams_max).await
            }
            Address::Secondary(secondary) => {
                self.select(line, secondary).await?;
                let own = link::SELECTED;
                self.collect(line, own, None, Some(secondary), telegrams_max).await
            }
        }
    }

    /// Resets the link of a meter; it acknowledges.
    pub(super) async fn reset(&self, line: &mut Line, primary: u8) -> Result<(), DeviceError> {
        let request = link::reset(primary);
        let x = self.exchange(line, u64::from(primary), request.len() + 1);
        line.exchange(&x, &request, |bytes| link::step(Expect::Ack, bytes)).await.map(drop)
    }

    /// Selects the meters that the address covers; they acknowledge, all at once.
    pub(super) async fn select(
        &self,
        line: &mut Line,
        address: &Secondary,
    ) -> Result<(), DeviceError> {
        let request = link::select(address);
        let x = self.exchange(line, station(address), request.len() + 1);
        line.exchange(&x, &request, |bytes| link::step(Expect::Ack, bytes)).await.map(drop)
    }

    /// Asks for telegram after telegram.
    pub(super) async fn collect(
        &self,
        line: &mut Line,
        to: u8,
        from: Option<u8>,
        meant: Option<&Secondary>,
        telegrams_max: u8,
    ) -> Result<Reading, DeviceError> {
        let station = meant.map_or(u64::from(to), station);
        let mut frame_count = true;
        let mut reading: Option<Reading> = None;
        for _ in 0..telegrams_max.max(1) {
            let request = link::request(to, frame_count);
            let x = self.exchange(line, station, request.len() + link::FRAME_LEN_MAX);
            let expect = Expect::Data(from);
            let frame = line.exchange(&x, &request, |bytes| link::step(expect, bytes)).await?;
            let Some((control, data)) = link::user_data(frame) else {
                return Err(DeviceError::BadReply("the meter has no data"));
            };
            let Telegram { header, records, more } = telegram::parse(control, data)?;
            if let Some(meant) = meant
                && !header.address.is_some_and(|own| meant.covers(&own))
            {
                return Err(DeviceError::BadReply("the reply is from another meter"));
            }
            match &mut reading {
                None => reading = Some(Reading { header, records }),
                Some(reading) if reading.header.address != header.address => {
                    return Err(DeviceError::BadReply("the reply is from another meter"));
                }
                // It took the request for a repetition: the frame count bit is out of step.
                Some(reading) if reading.records.ends_with(&records) && !records.is_empty() => {
                    return Err(DeviceError::BadReply("the meter sent the same telegram again"));
                }
                Some(reading) => {
                    reading.header.status |= header.status;
                    reading.records.extend(records);
                }
            }
            if !more {
                return reading.ok_or(DeviceError::BadReply("the meter has no data"));
            }
            frame_count = !frame_count;
        }
        Err(DeviceError::BadReply("the meter's telegrams do not end"))
    }

    fn exchange(&self, line: &Line, station: u64, on_wire: usize) -> Exchange {
        // The time that the meter has to answer; the bytes' own time on a slow wire is extra.
        let characters = u32::try_from(on_wire).unwrap_or(u32::MAX);
        let wire = line
            .mode(self.timing.mode)
            .map_or(Duration::ZERO, |mode| mode.character().saturating_mul(characters));
        Exchange {
            station,
            response_timeout: self.timing.response_timeout + wire,
            pause: self.timing.pause,
            late_window: self.timing.late_window,
            mode: self.timing.mode,
        }
    }
}

/// Tells meters of one line apart; beyond any primary address.
fn station(address: &Secondary) -> u64 {
    let Secondary { identification, manufacturer, version, medium } = *address;
    let [m0, m1] = manufacturer.to_be_bytes();
    1 << 63
        | u64::from(identification) << 32
        | u64::from(u32::from_be_bytes([m0, m1, version, medium]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wellhead_driver::{LineConfig, Parity, SerialConfig, SerialMode};

    /// At 300 baud a telegram of the greatest length travels for ten seconds.
    #[test]
    fn a_meter_gets_the_time_that_its_bytes_take_at_each_speed() {
        let usual = SerialMode { baud: 2400, data_bits: 8, parity: Parity::Even, stop_bits: 1 };
        let path = "/dev/null".into();
        let line = Line::new(LineConfig::Serial(SerialConfig { path, mode: usual, rs485: false }));
        let response_timeout = Duration::from_millis(500);
        for (baud, least) in [(None, 1.6), (Some(300), 10.0), (Some(1200), 2.8), (Some(9600), 0.7)]
        {
            let mode = baud.map(|baud| SerialMode { baud, ..usual });
            let (pause, late_window) = (Duration::ZERO, Duration::ZERO);
            let master = Master { timing: Timing { response_timeout, pause, late_window, mode } };
            let x = master.exchange(&line, 5, 5 + link::FRAME_LEN_MAX);
            let wait = x.response_timeout.as_secs_f64();
            assert!((least..least + 0.3).contains(&wait), "{wait} s at {baud:?}");
            assert_eq!(x.mode, mode);
        }
    }
}
