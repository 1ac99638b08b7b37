//! What electricity costs when: periods of the day that change with the date.

/// Price periods; the numbers are those of the tariff clock's register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Period {
    /// 谷
    Valley = 0,
    /// 平
    Flat = 1,
    /// 峰
    Peak = 2,
    /// 尖
    Sharp = 3,
}

/// A season of a tariff: from a day of the year on, a period for every hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Season {
    /// First month and day.
    pub from: (i8, i8),
    /// One letter an hour, from midnight: v, f, p, s.
    pub hours: &'static [u8; 24],
}

/// A tariff: seasons in the order of the year, prices per kWh for each period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tariff {
    /// In the order of the year; before the first one the last one holds.
    pub seasons: &'static [Season],
    /// Price of valley, flat, peak, sharp, CNY/kWh.
    pub prices: [f64; 4],
}

impl Tariff {
    /// Valley 23–07; sharp hours in July and August only (an invention in the manner of Jiangsu's).
    pub const CHANGSHU: Self = Self {
        seasons: &[
            Season { from: (1, 1), hours: b"vvvvvvvfpppfffffffppppfv" },
            Season { from: (7, 1), hours: b"vvvvvvvfpppfffssffppppfv" },
            Season { from: (9, 1), hours: b"vvvvvvvfpppfffffffppppfv" },
        ],
        prices: [0.32, 0.65, 1.08, 1.30],
    };

    /// The period at an hour (0–23) of a date.
    #[must_use]
    pub fn at(&self, month: i8, day: i8, hour: i8) -> Period {
        let begun = self.seasons.iter().rev().find(|season| season.from <= (month, day));
        let season = begun.or(self.seasons.last());
        let letter = season.and_then(|s| s.hours.get(usize::from(hour.unsigned_abs())));
        match letter {
            Some(b'v') => Period::Valley,
            Some(b'p') => Period::Peak,
            Some(b's') => Period::Sharp,
            _ => Period::Flat,
        }
    }

    /// Price in a period, CNY/kWh.
    #[must_use]
    pub fn price(&self, period: Period) -> f64 {
        self.prices[period as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valley_is_eight_hours_at_night_and_sharp_hours_come_and_go_with_the_date() {
        let tariff = Tariff::CHANGSHU;
        for (month, day) in [(1, 1), (6, 30), (7, 1), (8, 31), (9, 1), (12, 31)] {
            let valley: Vec<i8> =
                (0..24).filter(|h| tariff.at(month, day, *h) == Period::Valley).collect();
            assert_eq!(valley, [0, 1, 2, 3, 4, 5, 6, 23], "{month}-{day}");
            let sharp = (0..24).filter(|h| tariff.at(month, day, *h) == Period::Sharp).count();
            assert_eq!(sharp, if (7..=8).contains(&month) { 2 } else { 0 }, "{month}-{day}");
        }
        assert!(tariff.price(Period::Sharp) > tariff.price(Period::Valley));
    }

    #[test]
    fn before_the_first_season_of_the_year_the_last_one_holds() {
        const SEASONS: &[Season] = &[
            Season { from: (4, 1), hours: b"ffffffffffffffffffffffff" },
            Season { from: (10, 1), hours: b"vvvvvvvvvvvvvvvvvvvvvvvv" },
        ];
        let tariff = Tariff { seasons: SEASONS, prices: [0.3, 0.6, 1.0, 1.2] };
        assert_eq!(tariff.at(1, 15, 12), Period::Valley);
        assert_eq!(tariff.at(4, 1, 12), Period::Flat);
    }
}
