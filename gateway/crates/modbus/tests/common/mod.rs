//! What the tests share: devices to poll, and ways to poll them.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::time::Duration;
use wellhead_driver::{Conversion, DeviceError, Driver, Line, Outcome, Readback, Readings, Write};
use wellhead_modbus::{
    DeviceSpec, Encoding, Framing, Grouping, ModbusDriver, PointSpec, Table, Timing, WordOrder,
    WriteFunction, plan,
};
use wellhead_model::{PointIndex, Value};

pub(crate) const TIMEOUT: Duration = Duration::from_millis(1000);
pub(crate) const LATE: Duration = Duration::from_millis(3000);

pub(crate) fn device(framing: Framing, points: Vec<PointSpec>) -> DeviceSpec {
    DeviceSpec {
        name: "hp1".into(),
        unit: 7,
        framing,
        mode: None,
        timing: Timing { response_timeout: TIMEOUT, late_window: LATE, ..Timing::default() },
        grouping: Grouping::default(),
        points,
    }
}

pub(crate) fn point(index: u32, table: Table, address: u16, encoding: Encoding) -> PointSpec {
    PointSpec {
        index: PointIndex(index),
        name: format!("p{index}"),
        table,
        address,
        encoding,
        order: WordOrder::Abcd,
        conversion: Conversion::default(),
        period: Duration::from_secs(1),
        write: WriteFunction::Auto,
    }
}

/// `count` registers of 16 bits from `address`; indices from 0.
pub(crate) fn registers(address: u16, count: u16) -> Vec<PointSpec> {
    let one = |i| point(u32::from(i), Table::Holding, address + i, Encoding::U16);
    (0..count).map(one).collect()
}

pub(crate) fn driver(device: DeviceSpec) -> ModbusDriver {
    ModbusDriver::new(plan(device).unwrap())
}

/// Polls all groups once, in order; outcomes by index.
pub(crate) async fn poll(
    driver: &mut ModbusDriver,
    line: &mut Line,
) -> Result<Vec<(u32, Outcome)>, DeviceError> {
    let mut readings = Readings::default();
    for group in 0..driver.groups().len() {
        driver.poll(line, group, &mut readings).await?;
    }
    let mut outcomes: Vec<_> = readings.outcomes.into_iter().map(|(i, o)| (i.0, o)).collect();
    outcomes.sort_by_key(|(i, _)| *i);
    Ok(outcomes)
}

/// Polls, and expects whole numbers from every point, in the order of their indices.
pub(crate) async fn numbers(driver: &mut ModbusDriver, line: &mut Line) -> Vec<i64> {
    let number = |outcome| match outcome {
        Outcome::Good(Value::Int(i)) => i,
        Outcome::Good(Value::Bool(b)) => i64::from(b),
        other => panic!("{other:?}"),
    };
    poll(driver, line).await.unwrap().into_iter().map(|(_, o)| number(o)).collect()
}

pub(crate) async fn write(
    driver: &mut ModbusDriver,
    line: &mut Line,
    index: u32,
    value: Value,
) -> Result<Readback, DeviceError> {
    let write = Write { point: PointIndex(index), value, readback: true };
    driver.write(line, &write).await
}
