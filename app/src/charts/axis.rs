//! An axis: which values it shows, on which scale, and on which pixels.

use super::scale::{Bend, Scale};

/// Units of a drawing for each pixel: plotters counts in whole ones, and lines would look stepped.
pub const FINE: i32 = 2;

/// A range of values and the pixels it fills.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    pub first: f64,
    pub last: f64,
    pub bend: Bend,
    pub pixels: (i32, i32),
}

impl Axis {
    pub fn new(scale: Scale, (first, last): (f64, f64), pixels: (i32, i32)) -> Self {
        Self { first, last, bend: Bend::of(scale, first, last), pixels }
    }

    #[expect(clippy::cast_possible_truncation, reason = "clamped to the pixels")]
    pub fn place(&self, value: f64) -> i32 {
        let of = |v: f64| self.bend.place(v);
        let share = ((of(value) - of(self.first)) / (of(self.last) - of(self.first))).clamp(0.0, 1.0);
        let (start, end) = self.pixels;
        start + (share * f64::from(end - start)).round() as i32
    }

    /// The value at a share of the axis.
    pub fn at(&self, share: f64) -> f64 {
        let (first, last) = (self.bend.place(self.first), self.bend.place(self.last));
        self.bend.value(first + (last - first) * share)
    }
}

/// From the least to the greatest of the finite values; where there are fewer than two, a little around it.
pub fn range(values: impl Iterator<Item = f64>, log: bool) -> (f64, f64) {
    let ends = values
        .filter(|v| v.is_finite())
        .fold(None, |ends: Option<(f64, f64)>, v| Some(ends.map_or((v, v), |(first, last)| (first.min(v), last.max(v)))));
    match ends {
        None => (if log { 0.1 } else { 0.0 }, 1.0),
        Some((v, last)) if v >= last => {
            let around = if v == 0.0 { 1.0 } else { v.abs() / 10.0 };
            ((v - around).max(f64::MIN), (v + around).min(f64::MAX))
        }
        Some(ends) => ends,
    }
}

/// A little wider, so that no line touches the frame; as it is where that would leave the numbers.
pub fn with_room((first, last): (f64, f64), log: bool) -> (f64, f64) {
    let wider = if log {
        let room = (last / first).powf(0.04);
        (first / room, last * room)
    } else {
        let room = last * 0.04 - first * 0.04;
        (first - room, last + room)
    };
    let fits = wider.0.is_finite() && wider.1.is_finite() && !(log && wider.0 <= 0.0);
    if fits { wider } else { (first, last) }
}
