//! Smoothing of a noisy line. What is not finite stays as it is and counts for nothing; a constant line stays constant.

use serde::{Deserialize, Serialize};

/// How it is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Smoothing {
    #[default]
    Ema,
    /// The same where the distance of the points counts, not their number.
    Time,
    Gaussian,
    Running,
}

impl Smoothing {
    pub const ALL: [(Self, &str, &str); 4] = [
        (Self::Ema, "", "Exponential"),
        (Self::Time, "time", "Exponential, by distance"),
        (Self::Gaussian, "gaussian", "Gaussian"),
        (Self::Running, "running", "Running mean"),
    ];
}

/// Parts that a time-weighted average takes the axis for.
const PARTS: f64 = 1000.0;

/// The values smoothed; `strength` is from 0 (not at all) to below 1. For the Gaussian its sigma, and for the running mean how many points it
/// takes on each side, are `strength / (1 − strength)` points.
pub fn smooth(x: &[f64], values: &[f64], kind: Smoothing, strength: f64) -> Vec<f64> {
    let first = values.first().copied().unwrap_or_default();
    if strength <= 0.0 || values.iter().all(|v| v.to_bits() == first.to_bits()) {
        return values.to_vec();
    }
    let reach = strength / (1.0 - strength);
    match kind {
        Smoothing::Ema => averaged(values, |_| strength),
        Smoothing::Time => {
            let range = x.last().zip(x.first()).map_or(0.0, |(last, first)| last - first);
            // As weights and biases has it: the weight's root, for each thousandth of the axis.
            let distance = |i: usize| if range > 0.0 && i > 0 { (x[i] - x[i - 1]) / range * PARTS } else { 1.0 };
            averaged(values, |i| strength.sqrt().powf(distance(i)))
        }
        Smoothing::Gaussian => {
            let weights: Vec<f64> = (0..=whole(3.0 * reach)).map(|n| (-0.5 * (f64::from(n) / reach).powi(2)).exp()).collect();
            windowed(values, &weights)
        }
        Smoothing::Running => windowed(values, &vec![1.0; whole(reach) as usize + 1]),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 297")]
fn whole(n: f64) -> u32 {
    n.round().clamp(0.0, 1000.0) as u32
}

/// Exponential moving average without the bias of its start: `s = w·s + (1 − w)·v`, divided by the sum of all weights. With one `w` this is
/// `TensorBoard`'s (`classicSmoothing`, from the zero-debias of Adam, arXiv:1412.6980, section 3).
fn averaged(values: &[f64], weight: impl Fn(usize) -> f64) -> Vec<f64> {
    let (mut last, mut bias) = (0.0, 1.0);
    let step = |(i, value): (usize, &f64)| {
        if !value.is_finite() {
            return *value;
        }
        // The first has nothing before it; points at one place have no distance, and count in full.
        let w = weight(i).min(0.999);
        last = last * w + (1.0 - w) * value;
        bias *= w;
        last / (1.0 - bias)
    };
    values.iter().enumerate().map(step).collect()
}

/// A weighted mean of each point and its neighbours; `weights` are by distance in points. At the ends it takes what is there.
fn windowed(values: &[f64], weights: &[f64]) -> Vec<f64> {
    let around = |i: usize| {
        let window = i.saturating_sub(weights.len() - 1)..(i + weights.len()).min(values.len());
        let finite = window.filter(|at| values[*at].is_finite());
        let (sum, all) = finite.fold((0.0, 0.0), |(sum, all), at| {
            let weight = weights[at.abs_diff(i)];
            (sum + weight * values[at], all + weight)
        });
        sum / all
    };
    values.iter().enumerate().map(|(i, value)| if value.is_finite() { around(i) } else { *value }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    fn at(values: &[f64]) -> Vec<f64> {
        (0_u32..).take(values.len()).map(f64::from).collect()
    }

    #[test]
    fn smoothing_is_tensorboards() {
        // Worked out by hand from the formula with w = 0.5: (0.5·1)/0.5, (0.5·0.5 + 0.5·3)/0.75, (0.5·1.75 + 0.5·2)/0.875.
        let values = [1.0, 3.0, f64::NAN, 2.0];
        let smoothed = smooth(&at(&values), &values, Smoothing::Ema, 0.5);
        assert!(close(&smoothed[..2], &[1.0, 7.0 / 3.0]) && smoothed[2].is_nan());
        assert!((smoothed[3] - 1.875 / 0.875).abs() < 1e-12);
    }

    #[test]
    fn a_running_mean_takes_what_is_there() {
        assert!(close(&smooth(&at(&[0.0; 4]), &[1.0, 2.0, 6.0, 3.0], Smoothing::Running, 0.5), &[1.5, 3.0, 11.0 / 3.0, 4.5]));
    }

    #[test]
    fn no_strength_changes_nothing_and_smoothed_lines_stay_between_the_extremes() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from((i * 7919) % 101)).collect();
        for (kind, _, name) in Smoothing::ALL {
            assert_eq!(smooth(&at(&values), &values, kind, 0.0), values);
            assert_eq!(smooth(&at(&[0.1; 50]), &[0.1; 50], kind, 0.9), [0.1; 50]);
            assert!(smooth(&[], &[], kind, 0.9).is_empty());
            assert!(smooth(&at(&values), &values, kind, 0.99).iter().all(|v| (0.0..=100.0).contains(v)), "{name}");
            // All at one place.
            assert!(smooth(&[5.0; 3], &[1.0, 2.0, 3.0], kind, 0.5).iter().all(|v| v.is_finite()), "{name}");
        }
    }
}
