//! What a device says by itself, through the contract that is the same for all drivers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use wellhead_driver::{
    AnyDriver, DeviceError, Driver, Group, Line, Outcome, Readback, Readings, Write,
};
use wellhead_model::{PointIndex, Value};

/// A device that only answers.
struct Silent;

impl Driver for Silent {
    fn groups(&self) -> &[Group] {
        &[]
    }
    async fn poll(&mut self, _: &mut Line, _: usize, _: &mut Readings) -> Result<(), DeviceError> {
        Ok(())
    }
    async fn write(&mut self, _: &mut Line, _: &Write) -> Result<Readback, DeviceError> {
        Ok(Readback::Acknowledged)
    }
}

/// A device that also speaks by itself.
struct Speaking(mpsc::Receiver<i64>);

impl Driver for Speaking {
    fn groups(&self) -> &[Group] {
        &[]
    }
    async fn poll(&mut self, _: &mut Line, _: usize, _: &mut Readings) -> Result<(), DeviceError> {
        Ok(())
    }
    async fn write(&mut self, _: &mut Line, _: &Write) -> Result<Readback, DeviceError> {
        Ok(Readback::Acknowledged)
    }
    async fn unasked(&mut self, out: &mut Readings) {
        match self.0.recv().await {
            Some(n) => out.outcomes.push((PointIndex(0), Outcome::Good(Value::Int(n)))),
            None => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_only_answers_says_nothing_by_itself() {
    let mut driver: Box<dyn AnyDriver> = Box::new(Silent);
    let mut out = Readings::default();
    let day = Duration::from_secs(86_400);
    assert!(timeout(day, driver.unasked(&mut out)).await.is_err());
    assert!(out.outcomes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_device_says_by_itself_arrives_at_once_and_none_is_lost_between_two_waits() {
    let (say, said) = mpsc::channel(8);
    let mut driver: Box<dyn AnyDriver> = Box::new(Speaking(said));
    let mut out = Readings::default();
    // A wait given up for a poll, as the line's task does again and again.
    assert!(timeout(Duration::from_secs(1), driver.unasked(&mut out)).await.is_err());
    let began = Instant::now();
    for n in [1, 2] {
        say.send(n).await.unwrap();
    }
    for n in [1, 2] {
        out.clear();
        driver.unasked(&mut out).await;
        assert_eq!(out.outcomes, [(PointIndex(0), Outcome::Good(Value::Int(n)))]);
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}
