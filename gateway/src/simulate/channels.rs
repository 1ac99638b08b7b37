//! What the simulated plant really does: heat, power and temperatures that no meter's error is in.

use wellhead_plant::plant::Plant;

/// How a quantity adds up over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adds {
    /// A flow of energy, W: told as MWh.
    Energy,
    /// A flow of water, m³/h: told as m³.
    Volume,
    /// A state: told as least, mean and greatest.
    Not,
}

/// One quantity.
#[derive(Clone)]
pub struct Channel {
    /// Its name for people and for columns.
    pub name: String,
    /// The unit of a reading.
    pub unit: &'static str,
    /// How it adds up.
    pub adds: Adds,
    /// Reads it.
    pub read: fn(&Plant, usize) -> f64,
    /// Which of its kind.
    pub index: usize,
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Channel {
    /// What it is now.
    pub fn now(&self, plant: &Plant) -> f64 {
        (self.read)(plant, self.index)
    }
}

/// Everything worth telling of a plant, whichever room it is.
pub fn channels(plant: &Plant) -> Vec<Channel> {
    let mut all = Vec::new();
    let mut add = |count: usize, name: &str, unit, adds, read: fn(&Plant, usize) -> f64| {
        for index in 0..count {
            let name = if count == 1 { name.to_owned() } else { format!("{name} {}", index + 1) };
            all.push(Channel { name, unit, adds, read, index });
        }
    };
    let machines = usize::from(!plant.heat_pumps.is_empty());
    let air = usize::from(!plant.air_sources.is_empty());
    let fields = plant.fields.len();
    add(1, "outdoor", "°C", Adds::Not, |p, _| p.weather.outdoor_c);
    add(1, "load heat", "W", Adds::Energy, |p, _| p.load_loop.heat_w);
    add(machines, "heat pumps heat", "W", Adds::Energy, |p, _| {
        p.heat_pumps.iter().map(|m| m.heat_w).sum()
    });
    add(machines, "heat pumps power", "W", Adds::Energy, |p, _| {
        p.heat_pumps.iter().map(|m| m.power_w).sum()
    });
    add(air, "air source heat", "W", Adds::Energy, |p, _| {
        p.air_sources.iter().map(|m| m.heat_w).sum()
    });
    add(air, "air source power", "W", Adds::Energy, |p, _| {
        p.air_sources.iter().map(|m| m.power_w).sum()
    });
    add(1, "pump power", "W", Adds::Energy, |p, _| p.pumps.iter().map(|m| m.power_w()).sum());
    add(fields, "ground extracted", "W", Adds::Energy, |p, i| {
        let field = &p.fields[i];
        (field.extraction_w_per_m * field.ground.length_m()).max(0.0)
    });
    add(fields, "ground injected", "W", Adds::Energy, |p, i| {
        let field = &p.fields[i];
        (-field.extraction_w_per_m * field.ground.length_m()).max(0.0)
    });
    add(fields, "bore wall", "°C", Adds::Not, |p, i| p.fields[i].wall_c());
    add(plant.buildings.len(), "room", "°C", Adds::Not, |p, i| p.buildings[i].room_c);
    add(plant.tanks.len(), "tank top", "°C", Adds::Not, |p, i| p.tanks[i].top_c());
    add(plant.tanks.len(), "tank bottom", "°C", Adds::Not, |p, i| p.tanks[i].bottom_c());
    all
}
