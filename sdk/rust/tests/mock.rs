//! The mock against the contract: it refuses what the gateway refuses, and forgets nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;
use wellhead_sdk::mock::Host;
use wellhead_sdk::prelude::*;
use wellhead_sdk::{Level, Older};

const MINUTE: Duration = Duration::from_secs(60);

words! {
    enum Mode { Auto = "auto", Off = "off" }
}

/// Does what its `order` parameter says, to try the mock.
struct Probe {
    flow: Input<f64>,
    mode: Option<Input<Mode>>,
    units: Vec<Input<bool>>,
    pump: Output<bool>,
    speed: Output<f64>,
    order: String,
    changes: u32,
    saved: Ticks,
}

#[derive(Default, Serialize, Deserialize)]
struct Ticks {
    ticks: u32,
}

impl State for Ticks {
    const VERSION: u32 = 2;

    /// Version 1 counted in u8.
    fn migrate(version: u32, saved: Older<'_>) -> Option<Self> {
        match version {
            1 => saved.read::<(u8,)>().map(|(ticks,)| Ticks { ticks: ticks.into() }),
            _ => None,
        }
    }
}

const ALARM: Alarm<'_> =
    Alarm { code: "no_flow", severity: Severity::Alarm, en: "No flow", zh: "无流量" };

impl Plugin for Probe {
    const MANIFEST: &'static str = r#"
[plugin]
name = "probe"
version = "1.2.3"
contract = "1.0"
title = "Probe"
period = "30s"
on_change = true

[role.flow]
direction = "input"
shape = "float"
unit = "m³/h"

[role.mode]
direction = "input"
shape = "text"
required = false

[role.units]
direction = "input"
shape = "bool"
required = false
many = 3

[role.pump]
direction = "output"
shape = "bool"

[role.speed]
direction = "output"
shape = "float"
unit = "%"

[parameter.order]
type = "text"
default = ""

[parameter.delay]
type = "duration"
default = "90s"

[parameter.windows]
type = "table"
columns = [
  { name = "from", type = "date" },
  { name = "at", type = "time" },
  { name = "mode", type = "text", words = ["auto", "off"] },
  { name = "hours", type = "int" },
]
default = [["05-15", "23:00", "auto", 3]]

[value.ticks]
shape = "int"

[value.share]
shape = "float"
"#;
    type State = Ticks;

    fn init(cx: &mut Init<'_>, saved: Ticks) -> Result<Self, Error> {
        let order: String = cx.parameter("order")?;
        match order.as_str() {
            "output of an input" => drop(cx.output::<f64>("flow")?),
            "unknown role" => drop(cx.input::<f64>("flaw")?),
            "unknown parameter" => drop(cx.parameter::<f64>("dealy")?),
            "role of another shape" => drop(cx.inputs::<f64>("units")),
            "output of another shape" => drop(cx.output::<f64>("pump")?),
            "wrong type" => drop(cx.parameter::<bool>("delay")?),
            "two wrong of many" => {
                cx.parameters(|p| {
                    (p.get::<String>("order"), p.get::<bool>("delay"), p.get::<f64>("dealy"))
                })?;
            }
            _ => {}
        }
        let many = cx.parameters(|p| (p.get::<String>("order"), p.get::<Duration>("delay")))?;
        assert_eq!(many, (order.clone(), Duration::from_secs(90)));
        assert_eq!(cx.parameter::<Duration>("delay")?, Duration::from_secs(90));
        let rows = cx.table::<(MonthDay, TimeOfDay, Mode, u32)>("windows")?;
        let expected = (MonthDay::new(5, 15), TimeOfDay::new(23, 0), Mode::Auto, 3);
        assert_eq!(rows.first().map(|r| (Some(r.0), Some(r.1), r.2, r.3)), Some(expected));
        info!(cx, "{:?}", cx.restored());
        Ok(Probe {
            flow: cx.input("flow")?,
            mode: cx.input_optional("mode"),
            units: cx.inputs("units"),
            pump: cx.output("pump")?,
            speed: cx.output("speed")?,
            order,
            changes: 0,
            saved,
        })
    }

    fn tick(&mut self, cx: &mut Tick<'_>) -> Result<(), Error> {
        self.saved.ticks += 1;
        let flow = cx.read(&self.flow);
        cx.alarm(&ALARM, flow.good().is_none());
        let running = self.units.iter().filter(|u| cx.read(u).good() == Some(true)).count();
        let auto = self.mode.is_none_or(|m| cx.read(&m).good() == Some(Mode::Auto));
        cx.write(&self.pump, running > 0 && auto, format!("{running} units run"))?;
        cx.publish("ticks", i64::from(self.saved.ticks))?;
        match self.order.as_str() {
            "nan" => cx.write(&self.speed, f64::NAN, "a test"),
            "infinite share" => cx.publish("share", f64::INFINITY),
            "no reason" => cx.write(&self.speed, 1.0, " "),
            "unknown value" => cx.publish("shore", 1.0),
            "value of another shape" => cx.publish("share", true),
            "fail" => Err("no luck today".into()),
            "lapse" if self.saved.ticks > 1 => Ok(()),
            "once" if self.saved.ticks > 1 => cx.relinquish(&self.speed, "once is enough"),
            _ => cx.write(&self.speed, flow.usable().unwrap_or(0.0) * 2.0, "twice the flow"),
        }
    }

    fn on_change(&mut self, cx: &mut Tick<'_>) -> Result<(), Error> {
        self.changes += u32::from(cx.changed(&self.flow));
        Ok(())
    }

    fn state(&self) -> &Ticks {
        &self.saved
    }
}

wellhead_sdk::export!(Probe);

fn with(order: &str) -> Host<Probe> {
    let mut host = Host::install().parameter("order", order).start().unwrap();
    host.set("flow", 10);
    host
}

fn init_error(order: &str) -> String {
    Host::<Probe>::install().parameter("order", order).start().err().unwrap().to_string()
}

fn tick_error(order: &str) -> String {
    with(order).try_advance(MINUTE).unwrap_err().to_string()
}

#[test]
fn a_plugin_ticks_at_its_period() {
    let mut host = with("");
    host.advance(29 * MINUTE / 60);
    assert_eq!(host.published::<i64>("ticks"), None);
    host.advance(Duration::from_secs(1));
    assert_eq!(host.published("ticks"), Some(1_i64));
    host.advance(10 * MINUTE);
    assert_eq!(host.published("ticks"), Some(21_i64));
    assert_eq!(host.output("speed"), Some(20.0));
    assert_eq!(host.write("speed").unwrap().reason, "twice the flow");
}

#[test]
fn what_code_and_manifest_do_not_share_is_told_at_the_start() {
    assert_eq!(init_error("output of an input"), "the role `flow` is no output");
    assert_eq!(init_error("unknown role"), "no point is bound to the role `flaw`");
    for (order, role) in [("role of another shape", "units"), ("output of another shape", "pump")] {
        let told =
            format!("the role `{role}` is bool by the manifest, and the code takes it as float");
        assert_eq!(init_error(order), told);
    }
    assert_eq!(init_error("unknown parameter"), "no parameter `dealy` in the manifest");
    let wrong_type = "the parameter `delay` is no bool, it is a number";
    assert_eq!(init_error("wrong type"), wrong_type);
    assert_eq!(init_error("two wrong of many"), wrong_type, "the first of them");
}

#[test]
fn what_the_gateway_refuses_fails_the_call() {
    let no_number = "a number that is none, or is infinite, can't be written";
    assert_eq!(tick_error("nan"), no_number);
    assert_eq!(tick_error("infinite share"), no_number);
    assert_eq!(tick_error("no reason"), "`speed` is written without a reason");
    assert_eq!(tick_error("unknown value"), "the manifest has no value `shore`");
    assert_eq!(tick_error("value of another shape"), "`share` is float, not Bool(true)");
}

#[test]
fn a_call_that_fails_changes_nothing() {
    let mut host = with("fail");
    assert_eq!(host.try_advance(MINUTE).unwrap_err().to_string(), "no luck today");
    assert_eq!(host.output::<bool>("pump"), None);
    assert_eq!(host.published::<i64>("ticks"), None);
    assert!(host.alarms().is_empty());
}

#[test]
fn an_output_not_written_again_falls_back_after_its_time_to_live() {
    let mut host = with("lapse");
    host.tick();
    host.advance(Duration::from_secs(89));
    assert_eq!(host.output("speed"), Some(20.0));
    host.advance(Duration::from_secs(1));
    assert_eq!(host.output::<f64>("speed"), None, "three periods after the only write");
    assert_eq!(host.output("pump"), Some(false), "written every time");
}

#[test]
fn an_output_given_back_is_nobodys() {
    let mut host = with("once");
    host.tick();
    assert_eq!(host.output("speed"), Some(20.0));
    host.tick();
    assert_eq!(host.output::<f64>("speed"), None);
}

#[test]
fn a_gateway_that_comes_back_holds_nothing() {
    let mut host = with("");
    host.tick();
    host.kill(Duration::ZERO);
    assert_eq!(host.output::<f64>("speed"), None);
}

#[test]
fn quality_travels_and_only_good_values_decide() {
    let mut host = with("");
    host.set_bad("flow", "no answer");
    host.tick();
    assert!(host.alarm("no_flow"));
    assert_eq!(host.alarms()["no_flow"].zh, "无流量");
    assert_eq!(host.output("speed"), Some(0.0));
    host.set_as("flow", 7, Quality::Uncertain);
    host.tick();
    assert!(host.alarm("no_flow"));
    assert_eq!(host.output("speed"), Some(14.0), "usable, not good");
    host.set_stale("flow");
    host.tick();
    assert_eq!(host.output("speed"), Some(0.0));
    host.set_as("flow", 8.0, Quality::Manual);
    host.tick();
    assert!(!host.alarm("no_flow"), "an operator's value is as good");
    host.set("flow", f64::NAN);
    host.tick();
    assert!(host.alarm("no_flow"), "no number ever reaches a decision unless it is one");
}

#[test]
fn several_points_and_optional_ones_are_bound_as_the_site_says() {
    let mut host = Host::<Probe>::install().bind("units", 2).bind("mode", 1).start().unwrap();
    host.set("flow", 1);
    host.set(("units", 1), true);
    host.set("mode", Mode::Auto);
    host.tick();
    assert_eq!(host.output("pump"), Some(true));
    assert_eq!(host.write("pump").unwrap().reason, "1 units run");
    host.set("mode", Mode::Off);
    host.tick();
    assert_eq!(host.output("pump"), Some(false));
}

#[test]
#[should_panic(expected = "`units` can't have 4 points by the manifest")]
fn more_points_than_a_role_may_have_are_refused() {
    let _ = Host::<Probe>::install().bind("units", 4);
}

#[test]
#[should_panic(expected = "`flow` is float, not Bool(true)")]
fn a_value_of_another_shape_is_no_reading() {
    with("").set("flow", true);
}

#[test]
#[should_panic(expected = "delay: `soon` is no duration")]
fn a_parameter_the_site_may_not_give_fails_the_test() {
    drop(Host::<Probe>::install().parameter("delay", "soon").start());
}

#[test]
fn changes_of_inputs_are_told_once() {
    let mut host = with("");
    host.advance(Duration::from_secs(1));
    assert_eq!(host.plugin().changes, 1);
    host.set("flow", 10);
    host.advance(Duration::from_secs(1));
    assert_eq!(host.plugin().changes, 1, "the same value is no change");
    host.set("flow", 11);
    host.advance(Duration::from_secs(1));
    assert_eq!(host.plugin().changes, 2);
}

#[test]
fn a_restart_carries_everything_over_and_a_power_cut_up_to_a_minute_less() {
    let mut host = with("");
    host.advance(10 * MINUTE + MINUTE / 2);
    assert_eq!(host.plugin().saved.ticks, 21);
    host.restart(MINUTE);
    assert_eq!(host.plugin().saved.ticks, 21);
    host.advance(10 * MINUTE + MINUTE / 2);
    host.kill(MINUTE);
    assert_eq!(host.plugin().saved.ticks, 41, "saved at 20 minutes, 21 of 22 ticks");
    assert_eq!(host.lines(Level::Info), ["Fresh", "Same", "Same"]);
}

#[test]
fn state_of_an_older_version_is_carried_over() {
    // Version 1, and a u8 of 7.
    let mut host = Host::<Probe>::install().saved(&[1, 7]).start().unwrap();
    assert_eq!(host.plugin().saved.ticks, 7);
    assert_eq!(host.lines(Level::Info), ["Migrated { from: 1 }"]);
}

#[test]
fn state_that_cannot_be_read_is_told_and_left() {
    for (saved, from) in [
        (&[9, 1, 2, 3][..], "Some(9)"),
        (&[2, 1, 1], "Some(2)"),
        (&[2], "Some(2)"),
        (&[0xFF], "None"),
    ] {
        let mut host = Host::<Probe>::install().saved(saved).start().unwrap();
        assert_eq!(host.plugin().saved.ticks, 0);
        assert_eq!(host.lines(Level::Info), [format!("Lost {{ from: {from} }}")]);
        assert_eq!(host.lines(Level::Warn).len(), 1, "{saved:?}");
    }
}
