//! `[plugin.…]` and `[interlock.…]`.

use crate::config::text::{Anything, DurationText, OneOrMany, Scalar, SizeText};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A plugin at work here: which one, and which points it means by its roles.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct PluginTable {
    /// Name of an installed plugin, as `wellhead plugin list` shows it.
    pub(in crate::config) package: Option<String>,
    /// Instead of `package`: the folder of a plugin under development, or one package file.
    /// Relative to this file.
    pub(in crate::config) path: Option<String>,
    /// Whether it runs. Default true.
    pub(in crate::config) enabled: Option<bool>,
    /// Priority of what it writes: 1 is first, 16 is last. Not 1, 2, 6 and 8, which are for
    /// people and protection. Default 14.
    #[schemars(range(min = 3, max = 16))]
    pub(in crate::config) slot: Option<u8>,
    /// Whether it only computes: what it would write is told and nothing is written. Default
    /// false.
    pub(in crate::config) shadow: Option<bool>,
    /// How long a value holds that the plugin does not write again. Default three times its
    /// period, at most "15min".
    #[schemars(extend("x-min" = "1s", "x-max" = "15min"))]
    pub(in crate::config) ttl: Option<DurationText>,
    /// Points by role: "device/point", or a list of them where the role takes several.
    #[serde(default)]
    pub(in crate::config) role: BTreeMap<String, OneOrMany>,
    /// Parameters by name, where the plugin's defaults do not fit.
    #[serde(default)]
    #[expect(dead_code, reason = "read from the tree, against the plugin's manifest")]
    pub(in crate::config) parameter: BTreeMap<String, Anything>,
    /// What it may use at most. Default what its manifest asks for.
    #[expect(dead_code, reason = "read where its place is known")]
    pub(in crate::config) grant: Option<GrantTable>,
}

/// What a plugin may use at most.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct GrantTable {
    /// Most memory.
    #[schemars(extend("x-min" = "64KiB", "x-max" = "8MiB"))]
    pub(in crate::config) memory: Option<SizeText>,
    /// Longest time for one call.
    #[schemars(extend("x-min" = "1ms", "x-max" = "100ms"))]
    pub(in crate::config) deadline: Option<DurationText>,
}

/// What must hold before some outputs may leave their safe value. A value that is not good never
/// holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct InterlockTable {
    /// Name for people, in English.
    pub(in crate::config) title: Option<String>,
    /// Name for people, in Chinese.
    pub(in crate::config) title_zh: Option<String>,
    /// The output it guards, "heat-pump-1/run", or a list of them.
    #[schemars(required)]
    pub(in crate::config) output: Option<OneOrMany>,
    /// The point it looks at, "ground-pump/flow_ok".
    #[schemars(required)]
    pub(in crate::config) needs: Option<String>,
    /// What that must show: the name of a state, true or false. Default true.
    pub(in crate::config) is: Option<Scalar>,
    /// It must show more than this, in its unit.
    pub(in crate::config) above: Option<f64>,
    /// It must show less than this, in its unit.
    pub(in crate::config) below: Option<f64>,
    /// How long that must have held before an output may leave its safe value. Default "0ms".
    #[serde(rename = "for")]
    #[schemars(extend("x-min" = "0ms", "x-max" = "1d"))]
    pub(in crate::config) hold: Option<DurationText>,
    /// Once it is lost, the safe value is written after this long at the latest, and not at all if
    /// it returns before. Default "0ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "10min"))]
    pub(in crate::config) within: Option<DurationText>,
}
