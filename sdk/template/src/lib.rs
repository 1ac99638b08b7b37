//! Runs the pump of an outdoor pipe while it freezes.
//!
//! Without a good outdoor temperature it runs as well: a pump that runs for nothing costs little, a
//! pipe that bursts costs a winter.

use wellhead_sdk::prelude::*;

words! {
    /// What the plugin is about, as it is published.
    pub enum Mode {
        Idle = "idle",
        Frost = "frost",
        NoSensor = "no_sensor",
    }
}

const NO_SENSOR: Alarm = Alarm {
    code: "no_outdoor_temp",
    severity: Severity::Warning,
    en: "No outdoor temperature: the pump runs until it is back. Check the sensor.",
    zh: "室外温度无有效值：循环泵将持续运行，请检查传感器。",
};

/// What survives a restart.
#[derive(Default, Serialize, Deserialize)]
pub struct Saved {
    cold: Hysteresis,
    pump: MinTime,
    hours: HourCounter,
}

impl State for Saved {
    const VERSION: u32 = 1;
}

/// The plugin: its roles, its parameters, and what it saves.
pub struct MyPlugin {
    outdoor: Input<f64>,
    pump: Output<bool>,
    on_below: f64,
    off_above: f64,
    min_on: Duration,
    saved: Saved,
}

impl Plugin for MyPlugin {
    const MANIFEST: &'static str = include_str!("../plugin.toml");
    type State = Saved;

    fn init(cx: &mut Init<'_>, saved: Saved) -> Result<Self, Error> {
        let (on_below, off_above) = (cx.parameter("on_below")?, cx.parameter("off_above")?);
        if on_below >= off_above {
            return Err("on_below must be lower than off_above".into());
        }
        Ok(MyPlugin {
            outdoor: cx.input("outdoor_temp")?,
            pump: cx.output("pump")?,
            on_below,
            off_above,
            min_on: cx.parameter("min_on")?,
            saved,
        })
    }

    fn tick(&mut self, cx: &mut Tick<'_>) -> Result<(), Error> {
        let now = cx.now();
        let outdoor = cx.read(&self.outdoor).good();
        let (mode, why) = match outdoor {
            None => (Mode::NoSensor, "no outdoor temperature".to_owned()),
            Some(t) if self.saved.cold.update(t, self.on_below, self.off_above) => {
                (Mode::Frost, format!("{} °C outdoors", fixed(t, 1)))
            }
            Some(t) => (Mode::Idle, format!("{} °C outdoors", fixed(t, 1))),
        };
        let wish = mode != Mode::Idle;
        let run = self.saved.pump.update(wish, self.min_on, Duration::ZERO, &now);
        self.saved.hours.update(run, &now);

        cx.write(&self.pump, run, why)?;
        cx.alarm(&NO_SENSOR, outdoor.is_none());
        cx.publish("mode", mode)?;
        cx.publish("run_hours", self.saved.hours.hours())
    }

    fn state(&self) -> &Saved {
        &self.saved
    }
}

wellhead_sdk::export!(MyPlugin);
