//! Units in which figures of the validation are written.

/// What kind of quantity a figure is. Results have times in ns and rates in bit/s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dimension {
    Time,
    Rate,
    /// Packets, bytes, ratios and whatever else has no unit to convert.
    Plain,
}

impl Dimension {
    fn described(self) -> &'static str {
        match self {
            Dimension::Time => "a time",
            Dimension::Rate => "a rate",
            Dimension::Plain => "a count or a ratio",
        }
    }
}

/// A unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Unit {
    /// As it is written behind a figure.
    pub name: &'static str,
    dimension: Dimension,
    /// What one of it is in the results' unit.
    scale: f64,
}

const UNITS: &[Unit] = &[
    Unit { name: "ns", dimension: Dimension::Time, scale: 1.0 },
    Unit { name: "us", dimension: Dimension::Time, scale: 1e3 },
    Unit { name: "ms", dimension: Dimension::Time, scale: 1e6 },
    Unit { name: "s", dimension: Dimension::Time, scale: 1e9 },
    Unit { name: "bit/s", dimension: Dimension::Rate, scale: 1.0 },
    Unit { name: "kbit/s", dimension: Dimension::Rate, scale: 1e3 },
    Unit { name: "Mbit/s", dimension: Dimension::Rate, scale: 1e6 },
    Unit { name: "Gbit/s", dimension: Dimension::Rate, scale: 1e9 },
    Unit { name: "B", dimension: Dimension::Plain, scale: 1.0 },
    Unit { name: "packets", dimension: Dimension::Plain, scale: 1.0 },
    Unit { name: "%", dimension: Dimension::Plain, scale: 0.01 },
    Unit { name: "", dimension: Dimension::Plain, scale: 1.0 },
];

impl Unit {
    /// The unit called `name`, for a figure of `dimension`; or a sentence on what it should be.
    pub fn parse(name: &str, dimension: Dimension) -> Result<Unit, String> {
        let fitting = || {
            let names =
                UNITS.iter().filter(|unit| unit.dimension == dimension).map(|unit| format!("\"{}\"", unit.name));
            names.collect::<Vec<_>>().join(", ")
        };
        match UNITS.iter().find(|unit| unit.name == name) {
            Some(unit) if unit.dimension == dimension => Ok(*unit),
            Some(unit) => {
                let (what, this) = (dimension.described(), unit.dimension.described());
                Err(format!(
                    "\"{name}\" is the unit of {this}, and the figure is {what}; expected one of: {}",
                    fitting()
                ))
            }
            None => Err(format!("unknown unit \"{name}\"; expected one of: {}", fitting())),
        }
    }

    /// `value`, which is in the results' unit, in this one.
    pub fn of(self, value: f64) -> f64 {
        value / self.scale
    }
}

/// `figure` with four significant digits, or all those before its point.
pub(crate) fn number(figure: f64) -> String {
    const DIGITS: i32 = 4;
    if figure == 0.0 || !figure.is_finite() {
        return if figure == 0.0 { "0".to_owned() } else { "none".to_owned() };
    }
    let magnitude = libm::floor(libm::log10(figure.abs())) as i32;
    if magnitude < -5 {
        return format!("{figure:.2e}");
    }
    let text = format!("{figure:.*}", (DIGITS - 1 - magnitude).max(0) as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_four_digits_and_no_idle_zeros() {
        let written = [26.37712, 210.797, 0.99698, 1875.0, 869_123.4, 0.0, 2.0, 0.00012345, 1.5e-9].map(number);
        assert_eq!(written, ["26.38", "210.8", "0.997", "1875", "869123", "0", "2", "0.0001234", "1.50e-9"]);
    }

    #[test]
    fn a_unit_fits_what_it_measures() {
        let ms = Unit::parse("ms", Dimension::Time).unwrap();
        assert_eq!((ms.of(26_377_000.0), ms.name), (26.377, "ms"));
        let error = Unit::parse("packets", Dimension::Time).unwrap_err();
        assert!(error.contains("the figure is a time; expected one of: \"ns\""), "{error}");
        assert!(Unit::parse("mile", Dimension::Plain).unwrap_err().contains("unknown unit"));
    }
}
