//! The site's parameters, checked against each other and against what is bound.

use wellhead_sdk::Parameters;
use wellhead_sdk::prelude::*;

use crate::season::{Mode, ROWS, Season, Seasons};
use crate::settings::{Kind, PUMPS, STARTS, STEPS, Settings, UNITS, UnitSettings};
use crate::{Roles, STEP_ROLES};

words! {
    /// The words of a unit's kind.
    enum KindWord { Ground = "ground", Air = "air", Water = "water", Other = "other", None = "none" }
}

words! {
    /// The words of a season's mode.
    enum ModeWord { Heating = "heating", Cooling = "cooling" }
}

impl KindWord {
    fn kind(self) -> Option<Kind> {
        match self {
            Self::Ground => Some(Kind::Ground),
            Self::Air => Some(Kind::Air),
            Self::Water => Some(Kind::Water),
            Self::Other => Some(Kind::Other),
            Self::None => None,
        }
    }
}

pub(crate) fn settings(cx: &Init<'_>, roles: &Roles) -> Result<Settings, Error> {
    let (units, count) = units(cx, roles)?;
    let seasons = seasons(cx)?;
    let pumps = std::array::from_fn(|step| {
        let fitted = roles.pumps[step].len().max(roles.proofs[step].len());
        fitted.max(roles.requests[step].len()).min(PUMPS)
    });
    let share = |p: &Parameters<'_>, name| p.get::<f64>(name) / 100.0;
    cx.parameters(|p| Settings {
        units,
        count,
        pumps,
        seasons,
        up_share: share(p, "stage_up_share"),
        up_error_k: p.get("stage_up_error"),
        up_ms: ms(p, "stage_up_delay"),
        down_share: share(p, "stage_down_share"),
        down_ms: ms(p, "stage_down_delay"),
        min_run_ms: ms(p, "min_run"),
        min_off_ms: ms(p, "min_off"),
        starts_max: p.get::<usize>("starts_per_hour_max").clamp(1, STARTS),
        start_step_ms: ms(p, "start_step"),
        flow_proof_ms: ms(p, "flow_proof"),
        valve_proof_ms: ms(p, "valve_proof"),
        unit_proof_ms: ms(p, "unit_proof"),
        unit_cycles: p.get("unit_cycles"),
        run_on_ms: ms(p, "run_on"),
        circulate: p.get("circulate"),
        rotation_spread_ms: ms(p, "rotation_spread").into(),
        retry_ms: ms(p, "retry_delay"),
        retry_again_ms: ms(p, "retry_again"),
        restart_delay_ms: ms(p, "restart_delay"),
        restart_step_ms: ms(p, "restart_step"),
        remote_return_ms: ms(p, "remote_return"),
        changeover_ms: ms(p, "changeover"),
        hold_ms: ms(p, "hold"),
        source_leaving_min_c: p.get("source_leaving_min"),
        source_leaving_hysteresis_k: p.get("source_leaving_hysteresis"),
        source_cold_pause_ms: ms(p, "source_cold_pause"),
        interlock_age_ms: ms(p, "interlock_age"),
        process_age: p.get("process_age"),
    })
}

/// 90 days, the longest the manifest allows, are 7.8 × 10⁹ ms: what does not fit is as good as for
/// ever.
#[inline(never)]
fn ms(p: &Parameters<'_>, name: &str) -> u32 {
    u32::try_from(millis(p.get(name))).unwrap_or(u32::MAX)
}

type UnitRow = (KindWord, f64, f64, usize, usize, usize, usize, usize);

fn units(cx: &Init<'_>, roles: &Roles) -> Result<([UnitSettings; UNITS], usize), Error> {
    let rows = cx.table::<UnitRow>("units")?;
    let count = rows.len();
    if count == 0 || count > UNITS {
        return wrong(format!("units: give one row a unit, 1 to {UNITS}, not {count}"));
    }
    let (enabled, proven) = (roles.unit_enable.len(), roles.unit_running.len());
    if enabled != count || proven != count {
        return wrong(format!(
            "units has {count} rows, but unit_enable names {enabled} points, and unit_running or \
             unit_power prove {proven} units: give one each a unit"
        ));
    }
    let mut units = [UnitSettings::NONE; UNITS];
    for (index, row) in rows.into_iter().enumerate() {
        let (kind, capacity_kw, floor, source, secondary, primary, ground, request) = row;
        let Some(kind) = kind.kind() else {
            return wrong(format!("units[{index}].kind: `none` is no kind of unit"));
        };
        let mut pumps = [None; STEPS];
        for (step, number) in [source, secondary, primary, ground].into_iter().enumerate() {
            let fitted = roles.pumps[step].len().max(roles.proofs[step].len());
            if number > fitted.min(PUMPS) {
                let role = STEP_ROLES[step];
                return wrong(format!(
                    "units[{index}].{role}: there is no number {number} in {role} or {role}_proof"
                ));
            }
            pumps[step] = one_based(number);
        }
        if request > roles.unit_request.len() {
            return wrong(format!(
                "units[{index}].unit_request: there is no number {request} in unit_request"
            ));
        }
        let (floor, request) = (floor / 100.0, one_based(request));
        units[index] = UnitSettings { kind, capacity_kw, floor, pumps, request };
    }
    Ok((units, count))
}

fn one_based(number: usize) -> Option<u8> {
    number.checked_sub(1).and_then(|number| u8::try_from(number).ok())
}

type SeasonRow = (MonthDay, MonthDay, ModeWord, KindWord, KindWord, f64);

fn seasons(cx: &Init<'_>) -> Result<Seasons, Error> {
    let mut list = Vec::new();
    for (index, row) in cx.table::<SeasonRow>("seasons")?.into_iter().enumerate() {
        let (from, to, mode, first, then, setpoint_c) = row;
        let Some(first) = first.kind() else {
            return wrong(format!("seasons[{index}].first: `none` heats nothing"));
        };
        let mode = match mode {
            ModeWord::Heating => Mode::Heating,
            ModeWord::Cooling => Mode::Cooling,
        };
        list.push(Season { from, to, mode, first, then: then.kind(), setpoint_c });
    }
    if list.len() > ROWS {
        return wrong(format!("seasons: at most {ROWS} rows"));
    }
    Seasons::new(&list).map_err(|(earlier, later)| {
        Error::from(format!("seasons: rows {earlier} and {later} claim the same day"))
    })
}

fn wrong<T>(text: String) -> Result<T, Error> {
    Err(text.into())
}
