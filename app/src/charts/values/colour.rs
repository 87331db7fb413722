//! Which colour a run has by its value of a key, and what says so.

use super::{
    Field,
    key_axis::{KeyAxis, cut},
    scene::{Scene, Shape, Side},
    short,
};
use crate::charts::{
    axis::FINE,
    scale::Scale,
    svg::{COLOURS, Ink, LEVELS, Mark},
};

/// Gives runs their ink.
pub struct Colour<'a> {
    field: Option<&'a Field>,
    axis: Option<KeyAxis>,
}

/// The level of a share of the range.
pub fn level(share: f64) -> Ink {
    Ink::Level(super::place(share.clamp(0.0, 1.0) * super::real(LEVELS)).unwrap_or_default().min(LEVELS - 1))
}

impl<'a> Colour<'a> {
    pub fn of(field: Option<&'a Field>) -> Self {
        let axis = field.filter(|field| !field.is_text()).map(|field| KeyAxis::of(field, Scale::Linear, (0, 10_000)));
        Self { field, axis }
    }

    pub fn ink(&self, run: usize) -> Ink {
        let Some(field) = self.field else { return Ink::Own(0) };
        let value = field.of(run);
        match &self.axis {
            _ if value.is_nan() => Ink::Off,
            Some(axis) => axis.share(value).map_or(Ink::Off, level),
            None => super::place(value).map_or(Ink::Off, |n| Ink::Own(n % COLOURS)),
        }
    }

    /// Draws what the colours mean, from the right edge leftwards.
    pub fn explain(&self, scene: &mut Scene, right: i32, y: i32) {
        let Some(field) = self.field else { return };
        if let Some(axis) = &self.axis {
            let width = 8 * FINE;
            let ends = (axis.value(0.0), axis.value(10_000.0));
            let levels = i32::try_from(LEVELS).unwrap_or(12);
            let text = |value: f64| crate::charts::ticks::number(rounded(value, ends.1 - ends.0));
            scene.text(text(ends.1), (right, y), Side::Left);
            let end = right - 44 * FINE;
            for (i, n) in (0..levels).zip(0..) {
                let left = end - width * (levels - i);
                scene.shape(Mark::Area(Ink::Level(n)), Shape::Rect((left, y - 5 * FINE), (left + width, y + 5 * FINE)));
            }
            let start = end - width * levels - 6 * FINE;
            scene.text(format!("{}: {}", cut(short(&field.key), 20), text(ends.0)), (start, y), Side::Left);
            return;
        }
        names(scene, right, y, &field.labels);
    }
}

/// The names of the first colours, from the right edge leftwards.
pub fn names(scene: &mut Scene, right: i32, y: i32, labels: &[String]) {
    let mut x = right;
    let shown: Vec<(usize, String)> = labels.iter().map(|label| cut(label, 14)).enumerate().take(COLOURS).collect();
    if labels.len() > COLOURS {
        let more = format!("+ {}", labels.len() - COLOURS);
        x -= wide(&more) + 8 * FINE;
        scene.text(more, (right, y), Side::Left);
    }
    // What has no room is told by pointing at it.
    for (n, label) in shown.into_iter().rev() {
        let width = wide(&label);
        if x < width + 80 * FINE {
            break;
        }
        scene.text(label, (x, y), Side::Left);
        scene.shape(Mark::Dot(Ink::Own(n)), Shape::Dot((x - width - 8 * FINE, y)));
        x -= width + 22 * FINE;
    }
}

/// About how wide a text of eleven pixels is.
fn wide(text: &str) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(20) * 13 * FINE / 2
}

/// To three digits of the range.
fn rounded(value: f64, range: f64) -> f64 {
    let step = 10_f64.powf((range.abs() / 1000.0).log10().ceil());
    if step > 0.0 && step.is_finite() { (value / step).round() * step } else { value }
}
