//! Round places on an axis, and how numbers are written there.

use crate::components::{duration, iso_time};

/// Round steps of time, in milliseconds: a second to a year.
const TIMES: [i64; 22] = [
    1000,
    2000,
    5000,
    10_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    1_800_000,
    3_600_000,
    7_200_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
    604_800_000,
    1_209_600_000,
    2_592_000_000,
    7_776_000_000,
    15_552_000_000,
    31_536_000_000,
];

/// The places, each with its label.
pub type Ticks = Vec<(f64, String)>;

/// 1, 2 or 5 times a power of ten, so that about `most` of it fill the range.
fn round_step(first: f64, last: f64, most: usize) -> Option<f64> {
    let rough = (last / 2.0 - first / 2.0) / f64::from(u32::try_from(most).unwrap_or(1).max(1)) * 2.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|n| n * power).into_iter().find(|step| *step >= rough)?;
    (step.is_finite() && step > 0.0).then_some(step)
}

/// The multiples of `step` in the range; more than 50 are none.
fn multiples(first: f64, last: f64, step: f64) -> Vec<f64> {
    let start = (first / step).ceil();
    // Adding half a step's millionth takes in an end that rounding moved.
    let found = (0..=50_u32).map(|i| (start + f64::from(i)) * step).take_while(|v| v.is_finite() && *v <= last + step * 1e-6);
    let mut found: Vec<f64> = found.map(|v| if v == 0.0 { 0.0 } else { v }).collect();
    found.dedup();
    found
}

/// Round numbers from `first` to `last`, about `most` of them.
pub fn linear(first: f64, last: f64, most: usize) -> Ticks {
    let Some(step) = round_step(first, last, most) else { return vec![(first, number(first))] };
    multiples(first, last, step).into_iter().map(|v| (v, rounded(v, step))).collect()
}

/// Powers of ten from `first` to `last`, both above zero; round numbers where the range holds less than two.
pub fn logarithmic(first: f64, last: f64, most: usize) -> Ticks {
    let (low, high) = (first.log10(), last.log10());
    let each = ((high - low) / f64::from(u32::try_from(most).unwrap_or(1).max(1))).ceil().max(1.0);
    let powers = multiples(low, high, each);
    if powers.len() < 2 {
        return linear(first, last, most).into_iter().filter(|(v, _)| *v > 0.0).collect();
    }
    powers.into_iter().map(|power| 10_f64.powf(power)).map(|v| (v, number(v))).collect()
}

/// Zero and powers of ten on both sides of it, none so near to zero that the scale is linear there.
pub fn symmetric(first: f64, last: f64, small: f64, most: usize) -> Ticks {
    let far = first.abs().max(last.abs());
    let each = ((far / small).log10().max(1.0) * 2.0 / f64::from(u32::try_from(most).unwrap_or(1).max(1))).ceil().max(1.0);
    let powers: Vec<f64> = multiples(small.log10(), far.log10(), each).into_iter().map(|power| 10_f64.powf(power)).collect();
    let below = powers.iter().rev().map(|v| -v);
    let all = below.chain(std::iter::once(0.0)).chain(powers.iter().copied());
    all.filter(|v| (first..=last).contains(v)).map(|v| (v, number(v))).collect()
}

/// Round times (epoch milliseconds), in UTC.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "milliseconds since 1970 fit in 53 bits")]
pub fn wall(first: f64, last: f64, most: usize) -> Ticks {
    let rough = (last - first) / most.max(1) as f64;
    let Some(step) = TIMES.into_iter().find(|step| *step as f64 >= rough) else { return linear(first, last, most) };
    let text = |at: f64| {
        let text = iso_time(at as i64);
        let part = match step {
            ..60_000 => text.get(11..19),
            60_000..86_400_000 if last - first < 86_400_000.0 => text.get(11..16),
            60_000..86_400_000 => text.get(5..16),
            _ => text.get(0..10),
        };
        part.unwrap_or(&text).replace('T', " ")
    };
    multiples(first, last, step as f64).into_iter().map(|at| (at, text(at))).collect()
}

/// Round spans, in seconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "milliseconds of a run fit in 53 bits")]
pub fn relative(first: f64, last: f64, most: usize) -> Ticks {
    let rough = (last - first) * 1000.0 / most.max(1) as f64;
    match TIMES.into_iter().find(|step| *step as f64 >= rough) {
        Some(step) if rough > 500.0 => {
            let places = multiples(first, last, step as f64 / 1000.0);
            places.into_iter().map(|s| (s, if s == 0.0 { "0".to_owned() } else { duration((s * 1000.0) as i64) })).collect()
        }
        _ => linear(first, last, most).into_iter().map(|(s, text)| (s, format!("{text} s"))).collect(),
    }
}

/// A multiple of `step` with no more digits than the step has.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few digits")]
fn rounded(value: f64, step: f64) -> String {
    let size = value.abs();
    let digits = |power: f64| (power - step.log10().floor()).clamp(0.0, 12.0) as usize;
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        return format!("{value:.*e}", digits(size.log10().floor()));
    }
    format!("{value:.*}", digits(0.0))
}

/// A number in at most five digits that matter.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        let text = format!("{value:.4e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
        return format!("{digits}e{power}");
    }
    let places = (0..9).find(|places| size >= 10_f64.powi(4 - places)).unwrap_or(9);
    let text = format!("{value:.*}", usize::try_from(places).unwrap_or_default());
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ticks: Ticks) -> Vec<String> {
        ticks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn places_are_round_and_within() {
        assert_eq!(texts(linear(0.0, 1.0, 5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(linear(-3.0, 12.0, 4)), ["0", "5", "10"]);
        assert_eq!(texts(linear(0.000_01, 0.000_03, 2)), ["1e-5", "2e-5", "3e-5"]);
        assert_eq!(texts(logarithmic(0.001, 1000.0, 6)), ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]);
        assert_eq!(texts(symmetric(-10.0, 1000.0, 1.0, 6)), ["-10", "-1", "0", "1", "10", "100", "1000"]);
        assert_eq!(texts(logarithmic(2.0, 5.0, 3)), ["2", "3", "4", "5"]);
        assert_eq!(texts(relative(0.0, 120.0, 4))[0..2], ["0".to_owned(), duration(30_000)]);
        assert_eq!(texts(wall(1_700_000_000_000.0, 1_700_000_060_000.0, 6))[0], "22:13:20");
    }

    #[test]
    fn any_range_has_few_places_in_order() {
        let ends = [0.0, 1.0, -1.0, 1e-300, 1e15, 1e15 + 1.0, 1e300, -1e300, f64::MAX, f64::MIN, 5e-324];
        for first in ends {
            for last in ends {
                if first >= last {
                    continue;
                }
                for ticks in [linear(first, last, 6), wall(first, last, 6), relative(first, last, 6), logarithmic(first.max(1e-9), last, 6)]
                {
                    assert!(ticks.len() <= 51 && ticks.is_sorted_by(|a, b| a.0 < b.0), "{first} {last}");
                }
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        let all = [0.0, 0.1, 1.0 / 3.0, 98.765_43, 123_456.7, 1e6, 2.5e-7, -0.5];
        assert_eq!(all.map(number), ["0", "0.1", "0.33333", "98.765", "123457", "1e6", "2.5e-7", "-0.5"]);
    }
}
