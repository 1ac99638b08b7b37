//! The mock's face for tests.

use super::At;
use super::clock::Zone;
use super::world::{Line, Raised, World, Write};
use crate::host::{Config, Holder, Level, Setting, Told};
use crate::instance::Instance;
use crate::{Clock, Error, Now, Plugin, PointValue, Quality, Value, manifest};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;
use wellhead_manifest::{Manifest, Problem};

/// The gateway saves a plugin's state this often.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// Longest time to live of a write, unless the site says otherwise.
const TTL_MAX: Duration = Duration::from_secs(15 * 60);

/// How a plugin is installed: what a site file says.
#[derive(Debug)]
pub struct Builder<P> {
    manifest: Manifest,
    parameters: toml::Table,
    points: Vec<(usize, u32)>,
    zone: String,
    local: String,
    saved: Option<Vec<u8>>,
    plugin: PhantomData<P>,
}

impl<P: Plugin> Builder<P> {
    /// Sets a parameter, in the site file's terms: `"10min"` for a duration.
    pub fn parameter(mut self, name: &str, value: impl Into<toml::Value>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// Sets parameters as a site file has them: `windows = [["05-15", "06-30"]]`. Good for tables.
    pub fn parameters(mut self, text: &str) -> Self {
        match text.parse::<toml::Table>() {
            Ok(table) => self.parameters.extend(table),
            Err(error) => panic!("parameters: {error}"),
        }
        self
    }

    /// Binds a role to so many points: 0 leaves an optional one out, more than one needs `many`.
    /// Required roles are bound to one point unless said otherwise, optional ones to none.
    pub fn bind(mut self, role: &str, points: u32) -> Self {
        let Some(at) = self.manifest.roles.iter().position(|r| r.name == role) else {
            panic!("the manifest has no role `{role}`");
        };
        let found = &self.manifest.roles[at];
        if points > found.many || (points == 0 && found.required) {
            panic!("`{role}` can't have {points} points by the manifest");
        }
        self.points.retain(|(role, _)| *role != at);
        self.points.extend((0..points).map(|index| (at, index)));
        self
    }

    /// Where and when: a zone of the IANA database and a local time such as `2026-07-01T00:00`.
    /// Without this it is New Year 2026 in Shanghai.
    pub fn at(mut self, zone: &str, local: &str) -> Self {
        (self.zone, self.local) = (zone.to_owned(), local.to_owned());
        self
    }

    /// Starts from what [`Host::saved`] returned once, perhaps for another version of the plugin.
    pub fn saved(mut self, bytes: &[u8]) -> Self {
        self.saved = Some(bytes.to_vec());
        self
    }

    /// Calls the plugin's `init`. Fails if that fails; a parameter that the manifest does not allow
    /// is the gateway's to refuse, so it fails the test.
    pub fn start(self) -> Result<Host<P>, Error> {
        let settings = match self.manifest.settings(&self.parameters) {
            Ok(settings) => settings,
            Err(problems) => {
                let problems: Vec<_> = problems.iter().map(Problem::to_string).collect();
                panic!("parameters: {}", problems.join("\n"));
            }
        };
        let parameters = settings.into_iter().map(|(name, s)| (name, setting(s))).collect();
        let ttl = (self.manifest.period * 3).min(TTL_MAX);
        let clock = Zone::new(&self.zone, &self.local);
        let world = World::new(self.manifest, &self.points, ttl, clock);
        let mut host = Host {
            world,
            parameters,
            instance: None,
            saved: self.saved,
            since_save: Duration::ZERO,
        };
        host.boot()?;
        Ok(host)
    }
}

fn setting(setting: wellhead_manifest::Setting) -> Setting {
    match setting {
        wellhead_manifest::Setting::Table(rows) => {
            let row = |row: Vec<_>| row.into_iter().filter_map(cell).collect();
            Setting::Table(rows.into_iter().map(row).collect())
        }
        one => cell(one).map_or(Setting::Table(Vec::new()), Setting::One),
    }
}

/// One value; tables have no tables in them.
fn cell(setting: wellhead_manifest::Setting) -> Option<Value> {
    Some(match setting {
        wellhead_manifest::Setting::Bool(b) => Value::Bool(b),
        wellhead_manifest::Setting::Int(i) => Value::Int(i),
        wellhead_manifest::Setting::Float(f) => Value::Float(f),
        wellhead_manifest::Setting::Text(t) => Value::Text(t.into()),
        wellhead_manifest::Setting::Table(_) => return None,
    })
}

/// A plugin that runs, and the plant and the operator around it.
pub struct Host<P> {
    world: World,
    parameters: Vec<(String, Setting)>,
    instance: Option<Instance<P>>,
    saved: Option<Vec<u8>>,
    since_save: Duration,
}

impl<P: Plugin> Host<P> {
    /// A plugin that is not yet installed. Fails the test if its manifest has a mistake.
    pub fn install() -> Builder<P> {
        let manifest = match Manifest::parse(P::MANIFEST) {
            Ok(manifest) => manifest,
            Err(problems) => panic!("{problems}"),
        };
        for (key, parsed) in [("name", &manifest.name), ("version", &manifest.version)] {
            let stamped = manifest::plugin_key(P::MANIFEST, key);
            if stamped != parsed {
                panic!("write the {key} as `{key} = \"{parsed}\"`: it is stamped as `{stamped}`");
            }
        }
        let required = manifest.roles.iter().enumerate().filter(|(_, role)| role.required);
        Builder {
            points: required.map(|(at, _)| (at, 0)).collect(),
            manifest,
            parameters: toml::Table::new(),
            zone: "Asia/Shanghai".to_owned(),
            local: "2026-01-01T00:00".to_owned(),
            saved: None,
            plugin: PhantomData,
        }
    }

    /// A plugin with the defaults of its manifest, started. Fails the test if that fails.
    pub fn new() -> Self {
        match Self::install().start() {
            Ok(host) => host,
            Err(error) => panic!("init: {error}"),
        }
    }

    fn boot(&mut self) -> Result<(), Error> {
        let config = Config { parameters: self.parameters.clone(), saved: self.saved.clone() };
        let now = self.now();
        self.instance = Some(self.world.call(|| Instance::start(&self.world, config, now))?);
        Ok(())
    }

    fn running(&mut self) -> &mut Instance<P> {
        match &mut self.instance {
            Some(instance) => instance,
            None => panic!("the plugin does not run: its last start failed"),
        }
    }

    /// The plugin's own state, to look into.
    pub fn plugin(&mut self) -> &P {
        self.running().plugin()
    }

    // The plant.

    /// Sets a point to a good value.
    pub fn set<'a>(&mut self, at: impl Into<At<'a>>, value: impl PointValue) {
        self.set_as(at, value, Quality::Good);
    }

    /// Sets a point to a value of a quality.
    pub fn set_as<'a>(&mut self, at: impl Into<At<'a>>, value: impl PointValue, quality: Quality) {
        self.world.set(at.into(), Ok(value.into_value()), quality);
    }

    /// Makes a point bad: the device does not answer, say.
    pub fn set_bad<'a>(&mut self, at: impl Into<At<'a>>, why: &str) {
        self.world.set(at.into(), Err(why.to_owned()), Quality::Bad);
    }

    /// Makes a point stale.
    pub fn set_stale<'a>(&mut self, at: impl Into<At<'a>>) {
        self.world.set(at.into(), Err("stale".to_owned()), Quality::Stale);
    }

    /// What a point reads at present, if it has a value.
    pub fn value<'a, T: PointValue>(&self, at: impl Into<At<'a>>) -> Option<T> {
        T::from_value(&self.world.value(at.into())?)
    }

    // Time.

    /// Lets time pass and ticks the plugin whenever its period is over. Fails the test if a call
    /// fails.
    pub fn advance(&mut self, by: Duration) {
        if let Err(error) = self.try_advance(by) {
            panic!("the plugin failed at {:?}: {error}", self.now().local);
        }
    }

    /// As [`Host::advance`], but stops at the first call that fails, and tells.
    pub fn try_advance(&mut self, by: Duration) -> Result<(), Error> {
        let end = self.world.clock(|c| c.monotonic()) + by;
        self.changes()?;
        loop {
            let now = self.world.clock(|c| c.monotonic());
            let period = self.world.manifest().period.as_millis();
            let next = (now.as_millis() / period + 1) * period;
            let next = Duration::from_millis(u64::try_from(next).unwrap_or(u64::MAX));
            if next > end {
                self.world.clock(|c| c.advance(end - now));
                return Ok(());
            }
            self.world.clock(|c| c.advance(next - now));
            let (now, seen) = (self.now(), self.world.seen());
            self.call(|instance, world| instance.tick(world, now, &seen))?;
        }
    }

    /// Lets one period pass, and the tick at its end.
    pub fn tick(&mut self) {
        let period = self.world.manifest().period;
        self.advance(period);
    }

    /// Tells the plugin of changed inputs, if its manifest asks for that. [`Host::advance`] does
    /// it first.
    fn changes(&mut self) -> Result<(), Error> {
        let changed = self.world.take_changes();
        if changed.is_empty() || !self.world.manifest().on_change {
            return Ok(());
        }
        let (now, seen) = (self.now(), self.world.seen());
        self.call(|instance, world| instance.on_change(world, now, &seen, &changed))
    }

    fn call(
        &mut self,
        call: impl FnOnce(&mut Instance<P>, &World) -> Result<Told, Error>,
    ) -> Result<(), Error> {
        self.running();
        let Some(instance) = &mut self.instance else { return Ok(()) };
        let world = &self.world;
        world.call(|| world.take(&call(instance, world)?).map_err(Error::from))?;
        let now = world.clock(|c| c.monotonic());
        if now >= self.since_save + SAVE_EVERY {
            self.saved = Some(instance.save(world));
            self.since_save = now;
        }
        Ok(())
    }

    /// The moment.
    pub fn now(&self) -> Now {
        self.world.clock(|c| c.now())
    }

    /// Moves the wall clock alone, by seconds.
    pub fn jump_clock(&mut self, seconds: i64) {
        self.world.clock(|c| c.jump_seconds(seconds));
    }

    /// Says whether the wall clock is synchronised.
    pub fn set_synced(&mut self, synced: bool) {
        self.world.clock(|c| c.set_synced(synced));
    }

    // What the plugin did.

    /// What it asks of an output; none if it gave it back or its time to live is over.
    pub fn output<'a, T: PointValue>(&self, at: impl Into<At<'a>>) -> Option<T> {
        T::from_value(&self.write(at)?.value?)
    }

    /// What it asks of an output, when it did and why.
    pub fn write<'a>(&self, at: impl Into<At<'a>>) -> Option<Write> {
        self.world.asked(at.into())
    }

    /// What it publishes; none if that is not to be had.
    pub fn published<T: PointValue>(&self, name: &str) -> Option<T> {
        T::from_value(&self.world.published(name)?.0?)
    }

    /// The quality of what it publishes; none if it never did.
    pub fn published_quality(&self, name: &str) -> Option<Quality> {
        self.world.published(name).map(|(_, quality)| quality)
    }

    /// The alarms that are raised, by code.
    pub fn alarms(&self) -> BTreeMap<String, Raised> {
        self.world.alarms()
    }

    /// Whether an alarm is raised.
    pub fn alarm(&self, code: &str) -> bool {
        self.world.alarms().contains_key(code)
    }

    /// Everything it logged.
    pub fn log(&self) -> Vec<Line> {
        self.world.lines()
    }

    /// What it logged at a level.
    pub fn lines(&self, level: Level) -> Vec<String> {
        self.world.lines().into_iter().filter(|l| l.level == level).map(|l| l.text).collect()
    }

    // What others do.

    /// An operator, a local switch or a protection takes an output; none gives it back.
    pub fn hold<'a>(&mut self, at: impl Into<At<'a>>, holder: impl Into<Option<Holder>>) {
        self.world.hold(at.into(), holder.into());
    }

    /// Stops the plugin in good order, as for an update: its state is saved first. The gateway is
    /// off for a time, and starts it again.
    pub fn restart(&mut self, off: Duration) {
        let saved = match &self.instance {
            Some(instance) => instance.save(&self.world),
            None => panic!("the plugin does not run: its last start failed"),
        };
        self.saved = Some(saved);
        self.kill(off);
    }

    /// Cuts the power. The gateway is off for a time, and starts the plugin from what was saved
    /// last, up to a minute before.
    pub fn kill(&mut self, off: Duration) {
        self.instance = None;
        self.since_save = Duration::ZERO;
        self.world.power_cycle(off);
        if let Err(error) = self.boot() {
            panic!("init after a restart: {error}");
        }
    }

    /// What was saved last, if anything was.
    pub fn saved(&self) -> Option<&[u8]> {
        self.saved.as_deref()
    }
}

impl<P: Plugin> Default for Host<P> {
    fn default() -> Self {
        Self::new()
    }
}
