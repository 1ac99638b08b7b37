//! What the simulated plant really does: heat, power and temperatures that no meter's error is in.

use wellhead_plant::physics::hydraulics::Pump;
use wellhead_plant::physics::tariff::Period;
use wellhead_plant::physics::well_field::{Role, Well};
use wellhead_plant::plant::Plant;

/// How a quantity adds up over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adds {
    /// A flow of energy, W: told as MWh.
    Energy,
    /// A flow of water, m³/h: told as m³.
    Volume,
    /// A flow of money, CNY/h: told as CNY.
    Money,
    /// A state: told as least, mean and greatest.
    Not,
}

/// One quantity.
#[derive(Clone)]
pub struct Channel {
    /// Its name for people, columns and programs.
    pub name: String,
    /// The same in Chinese.
    pub name_zh: String,
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

type Read = fn(&Plant, usize) -> f64;

#[derive(Default)]
struct List(Vec<Channel>);

impl List {
    /// One for each of `count`, numbered if there are several.
    fn add(&mut self, count: usize, [en, zh]: [&str; 2], unit: &'static str, read: Read) {
        let adds = match unit {
            "W" => Adds::Energy,
            "m³/h" => Adds::Volume,
            "CNY/h" => Adds::Money,
            _ => Adds::Not,
        };
        for index in 0..count {
            let number = if count == 1 { String::new() } else { format!(" {}", index + 1) };
            let (name, name_zh) = (format!("{en}{number}"), format!("{zh}{number}"));
            self.0.push(Channel { name, name_zh, unit, adds, read, index });
        }
    }
}

/// Everything worth telling of a plant, whichever room it is.
pub fn channels(plant: &Plant) -> Vec<Channel> {
    let mut all = List::default();
    load(&mut all, plant);
    machines(&mut all, plant);
    ground(&mut all, plant);
    wells(&mut all, plant);
    stores(&mut all, plant);
    electricity(&mut all, plant);
    all.0
}

fn load(all: &mut List, plant: &Plant) {
    let districts = plant.districts.len();
    all.add(1, ["outdoor", "室外温度"], "°C", |p, _| p.weather.outdoor_c);
    all.add(1, ["load heat", "负荷侧供热量"], "W", |p, _| p.load_loop.heat_w);
    all.add(plant.buildings.len(), ["room", "室温"], "°C", |p, i| p.buildings[i].room_c);
    all.add(districts, ["district demand", "区域冷热需求"], "W", |p, i| {
        p.districts[i].demand_w
    });
    all.add(districts, ["district served", "区域实得冷热量"], "W", |p, i| {
        p.districts[i].drawn_w.abs()
    });
}

fn machines(all: &mut List, plant: &Plant) {
    let pumps = usize::from(!plant.heat_pumps.is_empty());
    let air = usize::from(!plant.air_sources.is_empty());
    let supplies = plant.heat_supplies.len();
    all.add(pumps, ["heat pumps heat", "热泵制热量"], "W", |p, _| {
        p.heat_pumps.iter().map(|m| m.heat_w).sum()
    });
    all.add(pumps, ["heat pumps power", "热泵耗电"], "W", |p, _| {
        p.heat_pumps.iter().map(|m| m.power_w).sum()
    });
    all.add(air, ["air source heat", "空气源制热量"], "W", |p, _| {
        p.air_sources.iter().map(|m| m.heat_w).sum()
    });
    all.add(air, ["air source power", "空气源耗电"], "W", |p, _| {
        p.air_sources.iter().map(|m| m.power_w).sum()
    });
    all.add(supplies, ["heat supply heat", "辅助热源供热量"], "W", |p, i| {
        p.heat_supplies[i].heat_w
    });
    all.add(1, ["exchanger heat", "板换换热量"], "W", |p, _| p.exchanger_w);
    all.add(1, ["pump power", "水泵耗电"], "W", |p, _| p.pumps.iter().map(Pump::power_w).sum());
}

fn ground(all: &mut List, plant: &Plant) {
    let fields = plant.fields.len();
    all.add(fields, ["ground extracted", "地埋管取热量"], "W", |p, i| {
        extracted_w(p, i).max(0.0)
    });
    all.add(fields, ["ground injected", "地埋管注热量"], "W", |p, i| {
        (-extracted_w(p, i)).max(0.0)
    });
    all.add(fields, ["bore wall", "孔壁温度"], "°C", |p, i| p.fields[i].wall_c());
}

fn extracted_w(plant: &Plant, field: usize) -> f64 {
    let field = &plant.fields[field];
    field.extraction_w_per_m * field.ground.length_m()
}

fn wells(all: &mut List, plant: &Plant) {
    let fields = usize::from(!plant.well_fields.is_empty());
    let [production, reinjection] =
        [Role::Production, Role::Reinjection].map(|role| of(plant, role).count());
    all.add(fields, ["wells produced", "开采水量"], "m³/h", |p, _| {
        of(p, Role::Production).map(|well| well.flow_m3h).sum()
    });
    all.add(fields, ["wells reinjected", "回灌水量"], "m³/h", |p, _| {
        of(p, Role::Reinjection).map(|well| well.flow_m3h).sum()
    });
    all.add(fields, ["well pumps power", "深井泵耗电"], "W", |p, _| {
        of(p, Role::Production).map(|well| well.power_w).sum()
    });
    all.add(
        production,
        ["production well depth to water", "开采井水位埋深"],
        "m",
        |p, i| well(p, Role::Production, i, |well| well.level_m),
    );
    all.add(reinjection, ["reinjection wellhead pressure", "回灌井口压力"], "kPa", |p, i| {
        well(p, Role::Reinjection, i, |well| well.pressure_kpa)
    });
    all.add(reinjection, ["reinjection well skin", "回灌井表皮系数"], "1", |p, i| {
        well(p, Role::Reinjection, i, |well| well.skin)
    });
}

fn of(plant: &Plant, role: Role) -> impl Iterator<Item = &Well> {
    plant.well_fields.iter().flat_map(|field| &field.wells).filter(move |well| well.role == role)
}

fn well(plant: &Plant, role: Role, index: usize, read: fn(&Well) -> f64) -> f64 {
    of(plant, role).nth(index).map_or(f64::NAN, read)
}

fn stores(all: &mut List, plant: &Plant) {
    let tanks = plant.tanks.len();
    all.add(plant.sources.len(), ["source water", "水源水温"], "°C", |p, i| {
        p.sources[i].water_c
    });
    all.add(tanks, ["tank top", "水罐上部温度"], "°C", |p, i| p.tanks[i].top_c());
    all.add(tanks, ["tank bottom", "水罐下部温度"], "°C", |p, i| p.tanks[i].bottom_c());
}

fn electricity(all: &mut List, plant: &Plant) {
    all.add(1, ["electricity", "总耗电"], "W", |p, _| p.power_w());
    let tariff = usize::from(plant.tariff().is_some());
    all.add(tariff, ["electricity valley", "谷段用电"], "W", |p, _| during(p, Period::Valley));
    all.add(tariff, ["electricity flat", "平段用电"], "W", |p, _| during(p, Period::Flat));
    all.add(tariff, ["electricity peak", "峰段用电"], "W", |p, _| during(p, Period::Peak));
    all.add(tariff, ["electricity sharp", "尖段用电"], "W", |p, _| during(p, Period::Sharp));
    all.add(tariff, ["electricity cost", "电费"], "CNY/h", |p, _| {
        p.tariff().map_or(0.0, |(_, price)| p.power_w() / 1000.0 * price)
    });
}

fn during(plant: &Plant, period: Period) -> f64 {
    match plant.tariff() {
        Some((now, _)) if now == period => plant.power_w(),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use wellhead_plant::plant::Config;
    use wellhead_plant::presets::Preset;

    #[test]
    fn every_quantity_of_every_room_has_a_name_of_its_own_in_both_languages_and_a_value() {
        for preset in [Preset::Renze, Preset::Changshu, Preset::Yanqing] {
            let mut plant = Plant::new(Config { preset, ..Config::default() }, 1);
            plant.step(60.0);
            let all = channels(&plant);
            for names in [|c: &Channel| c.name.clone(), |c: &Channel| c.name_zh.clone()] {
                assert_eq!(all.iter().map(names).collect::<HashSet<_>>().len(), all.len());
            }
            for channel in all {
                let zh = &channel.name_zh;
                assert!(!zh.contains(|c: char| c.is_ascii_alphabetic()), "{zh}");
                assert!(channel.now(&plant).is_finite(), "{channel:?} of {preset:?}");
            }
        }
    }
}
