//! Where the bores of a field stand.

/// A field of equal vertical bores.
#[derive(Debug, Clone, PartialEq)]
pub struct Borefield {
    /// Where each bore stands, m.
    pub at_m: Vec<[f64; 2]>,
    /// Active depth of one bore, m.
    pub depth_m: f64,
    /// Depth of a bore's upper end below the surface, m.
    pub buried_m: f64,
    /// Bore radius, m.
    pub radius_m: f64,
}

impl Borefield {
    /// Bores at given places.
    ///
    /// # Errors
    /// Without a bore, with two bores closer than two radii, or with a measure that is none.
    pub fn new(
        at_m: Vec<[f64; 2]>,
        depth_m: f64,
        buried_m: f64,
        radius_m: f64,
    ) -> Result<Self, BorefieldError> {
        for (what, value, least) in [
            ("active depth", depth_m, f64::MIN_POSITIVE),
            ("buried depth", buried_m, 0.0),
            ("bore radius", radius_m, f64::MIN_POSITIVE),
        ] {
            if !value.is_finite() || value < least {
                return Err(BorefieldError::Measure { what, value });
            }
        }
        if at_m.is_empty() {
            return Err(BorefieldError::Empty);
        }
        if let Some(bore) = at_m.iter().position(|at| !at.iter().all(|c| c.is_finite())) {
            return Err(BorefieldError::Place { bore });
        }
        let field = Self { at_m, depth_m, buried_m, radius_m };
        match field.closest() {
            Some((first, second, metres)) if metres < 2.0 * radius_m => {
                Err(BorefieldError::TooClose { first, second, metres })
            }
            _ => Ok(field),
        }
    }

    /// A full rectangle of `columns` × `rows`. This and the shapes below: 2 m buried, 75 mm radius.
    #[must_use]
    pub fn rectangle(columns: u16, rows: u16, spacing_m: f64, depth_m: f64) -> Self {
        Self::shape(columns, rows, spacing_m, depth_m, |_, _| true)
    }

    /// A row of `columns` and a column of `rows` that share a corner.
    #[must_use]
    pub fn l_shape(columns: u16, rows: u16, spacing_m: f64, depth_m: f64) -> Self {
        Self::shape(columns, rows, spacing_m, depth_m, |x, y| x == 0 || y == 0)
    }

    /// A row of `columns` with a column of `rows` at either end.
    #[must_use]
    pub fn u_shape(columns: u16, rows: u16, spacing_m: f64, depth_m: f64) -> Self {
        Self::shape(columns, rows, spacing_m, depth_m, |x, y| x == 0 || y == 0 || x + 1 == columns)
    }

    /// The outline of a rectangle, nothing inside.
    #[must_use]
    pub fn open_box(columns: u16, rows: u16, spacing_m: f64, depth_m: f64) -> Self {
        Self::shape(columns, rows, spacing_m, depth_m, |x, y| {
            x == 0 || y == 0 || x + 1 == columns || y + 1 == rows
        })
    }

    fn shape(
        columns: u16,
        rows: u16,
        spacing_m: f64,
        depth_m: f64,
        stands: impl Fn(u16, u16) -> bool,
    ) -> Self {
        let places = (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y)));
        let at_m = places
            .filter(|(x, y)| stands(*x, *y))
            .map(|(x, y)| [f64::from(x) * spacing_m, f64::from(y) * spacing_m])
            .collect();
        Self { at_m, depth_m, buried_m: 2.0, radius_m: 0.075 }
    }

    /// Number of bores.
    #[must_use]
    pub fn bores(&self) -> usize {
        self.at_m.len()
    }

    /// Metres of bore in the field.
    #[must_use]
    pub fn length_m(&self) -> f64 {
        self.bores() as f64 * self.depth_m
    }

    /// Distance between the two bores that stand closest, m; infinite for one bore.
    #[must_use]
    pub fn spacing_m(&self) -> f64 {
        self.closest().map_or(f64::INFINITY, |(.., metres)| metres)
    }

    fn closest(&self) -> Option<(usize, usize, f64)> {
        let mut closest: Option<(usize, usize, f64)> = None;
        for (i, a) in self.at_m.iter().enumerate() {
            for (j, b) in self.at_m.iter().enumerate().skip(i + 1) {
                let metres = (a[0] - b[0]).hypot(a[1] - b[1]);
                if closest.is_none_or(|(.., least)| metres < least) {
                    closest = Some((i, j, metres));
                }
            }
        }
        closest
    }
}

/// Why bores make no field.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BorefieldError {
    /// A measure is not a length.
    #[error("{what} of {value} m: give a length in metres")]
    Measure {
        /// Which.
        what: &'static str,
        /// What was given.
        value: f64,
    },
    /// There is no bore.
    #[error("a field needs at least one bore")]
    Empty,
    /// A place is not a number.
    #[error("bore {bore} (counted from 0): its place is not a number")]
    Place {
        /// Which bore.
        bore: usize,
    },
    /// Two bores overlap.
    #[error(
        "bores {first} and {second} (counted from 0) stand {metres} m apart, inside each other"
    )]
    TooClose {
        /// One.
        first: usize,
        /// The other.
        second: usize,
        /// How far apart.
        metres: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_the_bores_their_names_say() {
        let count = |field: Borefield| field.bores();
        assert_eq!(count(Borefield::rectangle(8, 19, 5.0, 150.0)), 152);
        assert_eq!(count(Borefield::l_shape(6, 4, 5.0, 100.0)), 9);
        assert_eq!(count(Borefield::u_shape(6, 4, 5.0, 100.0)), 12);
        assert_eq!(count(Borefield::open_box(6, 4, 5.0, 100.0)), 16);
        assert!((Borefield::l_shape(6, 4, 5.0, 100.0).spacing_m() - 5.0).abs() < 1e-12);
    }

    #[test]
    fn bores_that_make_no_field_are_refused() {
        let field = |at: &[[f64; 2]], depth| Borefield::new(at.to_vec(), depth, 2.0, 0.075);
        assert_eq!(field(&[], 100.0), Err(BorefieldError::Empty));
        assert!(matches!(field(&[[0.0, 0.0]], -1.0), Err(BorefieldError::Measure { .. })));
        assert!(matches!(field(&[[0.0, f64::NAN]], 90.0), Err(BorefieldError::Place { bore: 0 })));
        let close = field(&[[0.0, 0.0], [5.0, 0.0], [5.1, 0.0]], 100.0);
        assert!(matches!(close, Err(BorefieldError::TooClose { first: 1, second: 2, .. })));
        assert!(field(&[[0.0, 0.0], [3.0, 4.0]], 100.0).is_ok());
    }
}
