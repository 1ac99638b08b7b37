//! Register maps of the ground temperature string, the weather station and the room sensor.

use super::map::{Kind, POLL_COUNTER, Register, input};
use super::{Model, temperature};
use crate::presets::renze::ground_at_depth_c;

/// One probe of the string; the depth is part of the name.
macro_rules! probe {
    ($address:expr, $name:literal, $depth:expr) => {
        temperature($address, $name).scaled(0.01, "°C").read(|p, _| ground_at_depth_c(p, $depth))
    };
}

const STRING_MAP: &[Register] = &[
    POLL_COUNTER,
    probe!(2, "at_1_m", 1.0),
    probe!(3, "at_2_m", 2.0),
    probe!(4, "at_5_m", 5.0),
    probe!(5, "at_10_m", 10.0),
    probe!(6, "at_15_m", 15.0),
    probe!(7, "at_20_m", 20.0),
    probe!(8, "at_30_m", 30.0),
    probe!(9, "at_45_m", 45.0),
    temperature(10, "at_60_m")
        .scaled(0.01, "°C")
        .read(|_, _| f64::NAN)
        .note("probe broken since grouting: always 0x8000"),
    probe!(11, "at_90_m", 90.0),
    probe!(12, "at_120_m", 120.0),
    probe!(13, "at_150_m", 150.0),
    input(14, Kind::Text { words: 4 }, "model").text("GTS-12"),
];

const WEATHER_MAP: &[Register] = &[
    POLL_COUNTER,
    temperature(2, "outdoor_temperature").read(|p, _| p.weather.outdoor_c),
    input(3, Kind::U16, "humidity")
        .scaled(0.1, "%")
        .missing(65_535)
        .noise(0.5)
        .read(|p, _| p.weather.humidity),
    input(4, Kind::U16, "wind_speed")
        .scaled(0.1, "m/s")
        .missing(65_535)
        .read(|_, _| f64::NAN)
        .note("no anemometer fitted: always 65535"),
];

const ROOM_MAP: &[Register] = &[
    POLL_COUNTER,
    input(2, Kind::U16, "temperature")
        .scaled(0.1, "°C")
        .offset(-40.0)
        .missing(65_535)
        .noise(0.05)
        .read(|p, _| p.buildings[0].room_c),
    input(3, Kind::U16, "heat_demand")
        .scaled(1.0, "kW")
        .read(|p, _| p.heat_need_w() / 1e3)
        .note("what would hold the rooms at 20 °C; nought outside 15 November to 15 March"),
];

/// String of probes in a monitoring bore.
pub static GROUND_STRING: Model = Model {
    kind: "ground_string",
    vendor: "Wellhead Plant",
    product: "GTS-12",
    revision: "1.0",
    map: STRING_MAP,
};

/// Weather station.
pub static WEATHER_STATION: Model = Model {
    kind: "weather_station",
    vendor: "Wellhead Plant",
    product: "WS-2",
    revision: "1.0",
    map: WEATHER_MAP,
};

/// Representative room.
pub static ROOM_SENSOR: Model = Model {
    kind: "room_sensor",
    vendor: "Wellhead Plant",
    product: "RS-1",
    revision: "1.0",
    map: ROOM_MAP,
};
