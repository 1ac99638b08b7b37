//! The last twelve months, a record a day.

use serde::{Deserialize, Serialize};

/// Closed days that count, besides the open one.
pub const YEAR_DAYS: i32 = 365;

/// Days from 1 January 1970 to a date of the proleptic Gregorian calendar.
///
/// After H. Hinnant, *chrono-Compatible Low-Level Date Algorithms*, `days_from_civil`.
#[must_use]
pub fn day_number(year: i32, month: u8, day: u8) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month = (i32::from(month) + 9) % 12;
    let of_year = (153 * month + 2) / 5 + i32::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Sums over days: of one zone's energies, and of how much of the time was known.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Energies {
    /// Brought into the ground, kWh.
    pub injected_kwh: f64,
    /// Taken out of it, kWh.
    pub extracted_kwh: f64,
}

impl Energies {
    /// Injected less extracted, kWh.
    #[must_use]
    pub fn net_kwh(self) -> f64 {
        self.injected_kwh - self.extracted_kwh
    }

    /// Injected less extracted over the larger of both; 0 if nothing was moved.
    #[must_use]
    pub fn balance(self) -> f64 {
        let larger = self.injected_kwh.max(self.extracted_kwh);
        if larger > 0.0 { self.net_kwh() / larger } else { 0.0 }
    }
}

impl std::ops::AddAssign for Energies {
    fn add_assign(&mut self, other: Self) {
        self.injected_kwh += other.injected_kwh;
        self.extracted_kwh += other.extracted_kwh;
    }
}

/// How much of the time the energies are known for.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Cover {
    /// Hours measured or estimated.
    pub known_h: f64,
    /// Of these, estimated from the units or between two readings.
    pub estimated_h: f64,
    /// Hours of which nothing is known.
    pub missing_h: f64,
    /// Most that can have been moved in them, kWh.
    pub bound_kwh: f64,
}

impl std::ops::AddAssign for Cover {
    fn add_assign(&mut self, other: Self) {
        self.known_h += other.known_h;
        self.estimated_h += other.estimated_h;
        self.missing_h += other.missing_h;
        self.bound_kwh += other.bound_kwh;
    }
}

/// A day as it is kept: four numbers and two a zone.
#[derive(Debug, Clone, PartialEq, Default)]
struct Record {
    day: i32,
    cover: [f32; 4],
    zones: Vec<[f32; 2]>,
}

/// Closed days, the oldest first. As bytes 11.7 kB for one zone, 32 kB for eight.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Days {
    records: Vec<Record>,
}

impl Days {
    /// Keeps a day that is over. A day that is there already, because the clock was set back, is
    /// added to; what is a year old goes.
    pub fn close(&mut self, day: i32, zones: &[Energies], cover: Cover) {
        let values = |e: &Energies| [e.injected_kwh as f32, e.extracted_kwh as f32];
        let cover = [cover.known_h, cover.estimated_h, cover.missing_h, cover.bound_kwh];
        let cover = cover.map(|value| value as f32);
        self.records.retain(|record| record.day > day - YEAR_DAYS);
        match self.records.binary_search_by_key(&day, |record| record.day) {
            Ok(at) => {
                let record = &mut self.records[at];
                record.cover.iter_mut().zip(cover).for_each(|(sum, more)| *sum += more);
                record.zones.resize(zones.len(), [0.0; 2]);
                for (sum, more) in record.zones.iter_mut().zip(zones.iter().map(values)) {
                    sum[0] += more[0];
                    sum[1] += more[1];
                }
            }
            Err(at) => {
                let zones = zones.iter().map(values).collect();
                self.records.insert(at, Record { day, cover, zones });
            }
        }
    }

    /// For the store: per day its number, four numbers of cover, the count of zones and two numbers
    /// each, little-endian, four bytes a number.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for record in &self.records {
            bytes.extend(record.day.to_le_bytes());
            record.cover.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
            bytes.extend((record.zones.len() as u32).to_le_bytes());
            record.zones.iter().flatten().for_each(|value| bytes.extend(value.to_le_bytes()));
        }
        bytes
    }

    /// Out of the store; none if that is not what [`Days::to_bytes`] made.
    #[must_use]
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        fn four(bytes: &mut &[u8]) -> Option<[u8; 4]> {
            let (first, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Some(*first)
        }
        let number =
            |bytes: &mut &[u8]| four(bytes).map(f32::from_le_bytes).filter(|v| v.is_finite());
        let mut records = Vec::new();
        while !bytes.is_empty() {
            let day = four(&mut bytes).map(i32::from_le_bytes)?;
            let mut cover = [0.0; 4];
            for value in &mut cover {
                *value = number(&mut bytes)?;
            }
            let zones = four(&mut bytes).map(u32::from_le_bytes)?;
            let zone = |_| Some([number(&mut bytes)?, number(&mut bytes)?]);
            let zones = (0..zones).map(zone).collect::<Option<_>>()?;
            records.push(Record { day, cover, zones });
        }
        Some(Self { records })
    }

    /// Sums of the closed days of the twelve months before `today`. With other zones than
    /// when they were kept, what does not fit goes to the first: the field's sums stay true.
    #[must_use]
    pub fn sums(&self, today: i32, zones: usize) -> (Vec<Energies>, Cover) {
        let mut sums = vec![Energies::default(); zones.max(1)];
        let mut cover = Cover::default();
        let counts = |record: &&Record| (today - YEAR_DAYS..=today).contains(&record.day);
        for record in self.records.iter().filter(counts) {
            let [known_h, estimated_h, missing_h, bound_kwh] = record.cover.map(f64::from);
            cover += Cover { known_h, estimated_h, missing_h, bound_kwh };
            let fits = record.zones.len() == zones;
            for (i, [injected, extracted]) in record.zones.iter().enumerate() {
                let injected_kwh = f64::from(*injected);
                let extracted_kwh = f64::from(*extracted);
                sums[if fits { i } else { 0 }] += Energies { injected_kwh, extracted_kwh };
            }
        }
        (sums, cover)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(injected_kwh: f64) -> [Energies; 1] {
        [Energies { injected_kwh, extracted_kwh: 1.0 }]
    }

    #[test]
    fn day_numbers_follow_each_other() {
        assert_eq!(day_number(1970, 1, 1), 0);
        assert_eq!(day_number(2000, 3, 1) - day_number(2000, 2, 28), 2);
        assert_eq!(day_number(2027, 1, 1) - day_number(2026, 1, 1), 365);
        assert_eq!(day_number(2029, 1, 1) - day_number(2028, 1, 1), 366);
    }

    #[test]
    fn year_old_days_drop_out() {
        let mut days = Days::default();
        (0..1000).for_each(|day| days.close(day, &one(f64::from(day)), Cover::default()));
        let (sums, _) = days.sums(999, 1);
        assert_eq!(sums[0].extracted_kwh, 365.0);
        assert_eq!(sums[0].injected_kwh, (635..1000).sum::<i32>().into());
        assert_eq!(days.records.len(), 365);
    }

    #[test]
    fn day_that_comes_twice_is_kept_once_with_both_parts() {
        let mut days = Days::default();
        days.close(10, &one(5.0), Cover { known_h: 20.0, ..Cover::default() });
        days.close(10, &one(7.0), Cover { known_h: 4.0, ..Cover::default() });
        let (sums, cover) = days.sums(10, 1);
        assert_eq!((sums[0].injected_kwh, cover.known_h), (12.0, 24.0));
        assert_eq!(days.records.len(), 1);
    }

    #[test]
    fn other_zones_keep_the_sums_of_the_field() {
        let mut days = Days::default();
        days.close(1, &[one(2.0)[0], one(3.0)[0]], Cover::default());
        let (sums, _) = days.sums(1, 4);
        assert_eq!(sums.iter().map(|e| e.injected_kwh).sum::<f64>(), 5.0);
    }

    #[test]
    fn year_of_eight_zones_fits_the_store_and_reads_back() {
        let mut days = Days::default();
        let zones = [one(1e5)[0]; 8];
        let cover = Cover { known_h: 24.0, ..Cover::default() };
        (20_000..20_365).for_each(|day| days.close(day, &zones, cover));
        let bytes = days.to_bytes();
        assert_eq!(bytes.len(), 365 * 4 * (2 + 4 + 16));
        assert!(bytes.len() < 64 << 10);
        assert_eq!(Days::from_bytes(&bytes), Some(days));
        assert_eq!(Days::from_bytes(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Days::from_bytes(&[0xff; 40]), None);
    }
}
