//! Points for tests.

use std::sync::Arc;
use std::time::Duration;
use wellhead_model::{Class, DeviceId, Point, PointId, Reporting, Shape, Unit};

/// `n` points `p0`, `p1`, … of device `hp1`.
pub(crate) fn points(n: usize) -> Arc<[Point]> {
    (0..n)
        .map(|i| Point {
            device: DeviceId::new("hp1").unwrap(),
            id: PointId::new(&format!("p{i}")).unwrap(),
            title: "Supply temperature".into(),
            title_zh: "供水温度".into(),
            unit: Some(Unit::parse("degC").unwrap()),
            class: Class::Measurement,
            shape: Shape::Float,
            states: Arc::from([]),
            range: Some((-50.0, 150.0)),
            rollover: None,
            period: Duration::from_secs(1),
            reporting: Reporting {
                deadband: None,
                interval_min: Duration::ZERO,
                interval_max: Duration::from_secs(60),
                stale_after: Duration::from_secs(30),
            },
            output: None,
        })
        .collect()
}
