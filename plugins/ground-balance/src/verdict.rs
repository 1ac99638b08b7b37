//! What the balance means, and what to do about it.

wellhead_sdk::words! {
    /// State of the field.
    #[derive(Default)]
    pub enum Verdict {
        /// Less than a year is known: no year has been balanced or missed yet.
        #[default]
        Learning = "learning",
        /// Within the limit.
        Ok = "ok",
        /// More is taken than given back.
        DriftCold = "drift_cold",
        /// More is given than taken.
        DriftHot = "drift_hot",
        /// Meters and units disagree.
        MeterSuspect = "meter_suspect",
    }
}

wellhead_sdk::words! {
    /// What to do.
    #[derive(Default)]
    pub enum Advice {
        /// Go on.
        #[default]
        None = "none",
        /// Bring heat into the field in summer.
        Recharge = "recharge",
        /// Let municipal heat take a part of the heating.
        UseMunicipal = "use_municipal",
        /// Let the river chiller take a part of the cooling.
        UseRiverChiller = "use_river_chiller",
        /// Let the cooling tower take a part of the cooling.
        UseTower = "use_tower",
        /// The field drifts, and the plant has nothing to balance it with.
        NoMeans = "no_means",
        /// Look at the meters first.
        CheckMeter = "check_meter",
    }
}

/// Means of balance that the plant has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Means {
    /// Summer recharge.
    pub recharge: bool,
    /// Municipal heat.
    pub municipal: bool,
    /// River chiller.
    pub river_chiller: bool,
    /// Cooling tower.
    pub tower: bool,
}

impl Verdict {
    /// Of a balance, −1 to 1, known for a share `cover` of the year.
    #[must_use]
    pub fn of(balance: f64, limit: f64, cover: f64, min_cover: f64, suspect: bool) -> Self {
        if suspect {
            Self::MeterSuspect
        } else if cover < min_cover {
            Self::Learning
        } else if balance > limit {
            Self::DriftHot
        } else if balance < -limit {
            Self::DriftCold
        } else {
            Self::Ok
        }
    }

    /// What to do with what the plant has, the most efficient first.
    #[must_use]
    pub fn advice(self, means: Means) -> Advice {
        let first = |choices: [(bool, Advice); 2]| {
            choices.iter().find(|(has, _)| *has).map_or(Advice::NoMeans, |(_, advice)| *advice)
        };
        match self {
            Self::Learning | Self::Ok => Advice::None,
            Self::MeterSuspect => Advice::CheckMeter,
            Self::DriftCold => {
                first([(means.recharge, Advice::Recharge), (means.municipal, Advice::UseMunicipal)])
            }
            Self::DriftHot => first([
                (means.river_chiller, Advice::UseRiverChiller),
                (means.tower, Advice::UseTower),
            ]),
        }
    }
}

/// By how much each zone's energy per metre differs from the mean of all, and which zone should
/// rest if one can.
///
/// The zone at rest changes only when a zone is off by more than half the limit, so that the limit
/// itself is not passed and valves do not travel for nothing.
#[must_use]
pub fn rotate(per_metre: &[f64], resting: Option<usize>, limit: f64) -> (Vec<f64>, Option<usize>) {
    let mean = per_metre.iter().sum::<f64>() / per_metre.len().max(1) as f64;
    if per_metre.len() < 2 || mean <= 0.0 {
        return (vec![0.0; per_metre.len()], resting.filter(|_| per_metre.len() > 1));
    }
    let bias: Vec<f64> = per_metre.iter().map(|energy| energy / mean - 1.0).collect();
    let far = bias.iter().any(|bias| bias.abs() > limit / 2.0);
    let most = (0..bias.len()).max_by(|a, b| bias[*a].total_cmp(&bias[*b]));
    let next = if far || resting.is_none() { most } else { resting };
    (bias, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balance_has_its_limits_on_both_sides() {
        for (balance, verdict) in [
            (0.05, Verdict::Ok),
            (0.051, Verdict::DriftHot),
            (-0.05, Verdict::Ok),
            (-0.051, Verdict::DriftCold),
        ] {
            assert_eq!(Verdict::of(balance, 0.05, 1.0, 0.9, false), verdict);
        }
        assert_eq!(Verdict::of(-1.0, 0.05, 0.5, 0.9, false), Verdict::Learning);
        assert_eq!(Verdict::of(0.0, 0.05, 1.0, 0.9, true), Verdict::MeterSuspect);
    }

    #[test]
    fn advice_names_only_what_the_plant_has() {
        let all = Means { recharge: true, municipal: true, river_chiller: true, tower: true };
        assert_eq!(Verdict::DriftCold.advice(all), Advice::Recharge);
        assert_eq!(Verdict::DriftHot.advice(all), Advice::UseRiverChiller);
        let few = Means { municipal: true, tower: true, ..Means::default() };
        assert_eq!(Verdict::DriftCold.advice(few), Advice::UseMunicipal);
        assert_eq!(Verdict::DriftHot.advice(few), Advice::UseTower);
        assert_eq!(Verdict::DriftHot.advice(Means::default()), Advice::NoMeans);
    }

    #[test]
    fn resting_zone_stays_while_all_are_near() {
        assert_eq!(rotate(&[100.0, 101.0], Some(0), 0.03).1, Some(0));
        assert_eq!(rotate(&[100.0, 104.0], Some(0), 0.03).1, Some(1));
        assert_eq!(rotate(&[100.0], None, 0.03).1, None);
        assert_eq!(rotate(&[0.0, 0.0], None, 0.03).0, [0.0, 0.0]);
    }
}
