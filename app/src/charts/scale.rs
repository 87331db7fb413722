//! How values lie along an axis: evenly, by their logarithm, or by it on both sides of zero.

use serde::{Deserialize, Serialize};

/// An axis' scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    #[default]
    Linear,
    /// Has no place for what is not above zero.
    Log,
    /// Linear around zero, logarithmic further out.
    Symlog,
}

impl Scale {
    pub const ALL: [(Self, &str, &str); 3] =
        [(Self::Linear, "", "Linear"), (Self::Log, "log", "Logarithmic"), (Self::Symlog, "symlog", "Symmetric log")];

    /// Whether the axis has a place for `value`; a gap (NaN) keeps its own.
    pub fn holds(self, value: f64) -> bool {
        self != Self::Log || value.is_nan() || value > 0.0
    }
}

/// A scale between two ends.
#[derive(Clone, Copy, Debug)]
pub struct Bend {
    scale: Scale,
    /// Up to here a symmetric logarithm is about linear: three decades below the far end.
    pub small: f64,
}

impl Bend {
    pub fn of(scale: Scale, first: f64, last: f64) -> Self {
        let small = first.abs().max(last.abs()) / 1000.0;
        Self { scale, small: if small > 0.0 && small.is_finite() { small } else { 1.0 } }
    }

    /// Where `value` lies; only differences of places mean something.
    pub fn place(self, value: f64) -> f64 {
        match self.scale {
            // Halves, since the whole of a range may be beyond the numbers.
            Scale::Linear => value / 2.0,
            Scale::Log => value.log10(),
            Scale::Symlog => value.signum() * (value.abs() / self.small).ln_1p(),
        }
    }

    /// The value at a place: the other way round.
    pub fn value(self, place: f64) -> f64 {
        match self.scale {
            Scale::Linear => place * 2.0,
            Scale::Log => 10_f64.powf(place),
            Scale::Symlog => place.signum() * place.abs().exp_m1() * self.small,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_leads_back_to_its_value() {
        for (scale, _, _) in Scale::ALL {
            let bend = Bend::of(scale, -200.0, 1000.0);
            for value in [0.001, 1.0, 999.0, -5.0, 0.0].into_iter().filter(|v| scale.holds(*v)) {
                assert!((bend.value(bend.place(value)) - value).abs() < 1e-9, "{scale:?} {value}");
            }
            assert!(bend.place(1.0) < bend.place(2.0));
        }
    }
}
