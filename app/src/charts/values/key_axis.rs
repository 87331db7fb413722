//! An axis of a key: numbers on a scale, or texts side by side.

use super::{Field, real, short};
use crate::charts::{
    axis::{Axis, range, with_room},
    scale::Scale,
    ticks::{self, Ticks},
};

/// The axis, and which values have a place on it.
#[derive(Clone, Debug)]
pub struct KeyAxis {
    pub key: String,
    axis: Axis,
    scale: Scale,
    labels: Vec<String>,
}

/// Letters of a label that are shown.
const LETTERS: usize = 16;

/// A text in at most so many letters.
pub fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters { text.to_owned() } else { text.chars().take(letters - 1).chain(['…']).collect() }
}

impl KeyAxis {
    /// From the first of the pixels to the last of them.
    pub fn of(field: &Field, scale: Scale, pixels: (i32, i32)) -> Self {
        let key = short(&field.key).to_owned();
        if field.is_text() {
            let ends = (-0.5, real(field.labels.len()) - 0.5);
            return Self { key, axis: Axis::new(Scale::Linear, ends, pixels), scale: Scale::Linear, labels: field.labels.clone() };
        }
        Self::of_numbers(&key, field.values.0.iter().copied(), scale, pixels)
    }

    /// An axis that has a place for all these.
    pub fn of_numbers(key: &str, values: impl Iterator<Item = f64>, scale: Scale, pixels: (i32, i32)) -> Self {
        let log = scale == Scale::Log;
        let ends = with_room(range(values.filter(|v| scale.holds(*v)), log), log);
        Self { key: key.to_owned(), axis: Axis::new(scale, ends, pixels), scale, labels: Vec::new() }
    }

    /// An axis of exactly these ends.
    pub fn between(key: &str, scale: Scale, ends: (f64, f64), pixels: (i32, i32)) -> Self {
        Self { key: key.to_owned(), axis: Axis::new(scale, ends, pixels), scale, labels: Vec::new() }
    }

    /// An axis of texts.
    pub fn of_texts(key: &str, labels: Vec<String>, pixels: (i32, i32)) -> Self {
        Self { key: key.to_owned(), axis: Axis::new(Scale::Linear, (-0.5, real(labels.len()) - 0.5), pixels), scale: Scale::Linear, labels }
    }

    /// Where a value is; none for what has no place here.
    pub fn place(&self, value: f64) -> Option<i32> {
        (value.is_finite() && self.scale.holds(value)).then(|| self.axis.place(value))
    }

    /// The value at a pixel.
    pub fn value(&self, pixel: f64) -> f64 {
        let (start, end) = (f64::from(self.axis.pixels.0), f64::from(self.axis.pixels.1));
        self.axis.at(((pixel - start) / (end - start)).clamp(0.0, 1.0))
    }

    pub fn pixels(&self) -> (i32, i32) {
        self.axis.pixels
    }

    /// How large a value is, from 0 to 1.
    pub fn share(&self, value: f64) -> Option<f64> {
        let (start, end) = self.axis.pixels;
        self.place(value).map(|at| f64::from(at - start) / f64::from(end - start))
    }

    /// About `most` places with what they are called.
    pub fn ticks(&self, most: usize) -> Ticks {
        if !self.labels.is_empty() {
            let every = self.labels.len().div_ceil(most.max(1));
            return self.labels.iter().enumerate().step_by(every).map(|(i, label)| (real(i), cut(label, LETTERS))).collect();
        }
        let (first, last) = (self.axis.first, self.axis.last);
        match self.scale {
            Scale::Linear => ticks::linear(first, last, most),
            Scale::Log => ticks::logarithmic(first, last, most),
            Scale::Symlog => ticks::symmetric(first, last, self.axis.bend.small, most),
        }
    }
}
