//! A line of any length in a few points for each column of pixels, without losing what stands out.

use super::{
    axis::{Axis, FINE},
    columns::Columns,
    scale::{Bend, Scale},
};
use std::{borrow::Cow, ops::Range};

/// Columns with at most this many points for each of them stay as they are.
const PLENTY: usize = 4;

/// The column of `x` when `first..=last` is, on its scale, as wide as `columns` columns.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the columns before")]
fn column(x: f64, (first, last): (f64, f64), bend: Bend, columns: usize) -> usize {
    let (first, last) = (bend.place(first), bend.place(last));
    let share = (bend.place(x) - first) / (last - first);
    let most = f64::from(u32::try_from(columns).unwrap_or(u32::MAX));
    // NaN, where all points are at one place, becomes the first column.
    ((share * most) as usize).min(columns.saturating_sub(1))
}

/// The line, whose `x` never falls, as at most five points for each column: its first, least, greatest and last, and one gap (a `y` of NaN).
/// Every minimum and maximum of a column is kept. Lines of at most four points a column come back whole.
pub fn reduce(line: Columns, scale: Scale, columns: usize) -> Columns {
    if line.x.len() <= PLENTY * columns {
        return line;
    }
    let Some(ends) = line.x.first().copied().zip(line.x.last().copied()) else { return line };
    thin(&line, 0..line.x.len(), ends, Bend::of(scale, ends.0, ends.1), columns)
}

/// What an axis shows of the line, whose `x` never falls, in as few points for each pixel of the page.
pub fn per_pixel<'a>(line: &'a Columns, axis: &Axis) -> Cow<'a, Columns> {
    let part = line.within(axis.first, axis.last);
    let pixels = usize::try_from((axis.pixels.1 - axis.pixels.0) / FINE).unwrap_or(1).max(1);
    if part.len() > PLENTY * pixels {
        Cow::Owned(thin(line, part, (axis.first, axis.last), axis.bend, pixels))
    } else if part.len() < line.x.len() {
        Cow::Owned(Columns { x: line.x[part.clone()].to_vec(), y: line.y[part].to_vec(), rough: line.rough })
    } else {
        Cow::Borrowed(line)
    }
}

fn thin(line: &Columns, part: Range<usize>, ends: (f64, f64), bend: Bend, columns: usize) -> Columns {
    let mut reduced = Columns { rough: line.rough, ..Columns::default() };
    let mut start = part.start;
    while start < part.end {
        let here = column(line.x[start], ends, bend, columns);
        let length = line.x[start..part.end].partition_point(|x| column(*x, ends, bend, columns) <= here).max(1);
        for i in outstanding(&line.y[start..start + length]) {
            reduced.push(line.x[start + i], line.y[start + i]);
        }
        start += length;
    }
    reduced
}

/// Where the first, least, greatest and last value and the first gap are, in order and each once.
fn outstanding(values: &[f64]) -> Vec<usize> {
    let mut gap = None;
    let mut ends: Option<[usize; 4]> = None;
    for (i, value) in values.iter().enumerate() {
        if value.is_nan() {
            gap = gap.or(Some(i));
            continue;
        }
        let [_, least, greatest, last] = ends.get_or_insert([i; 4]);
        if *value < values[*least] {
            *least = i;
        }
        if *value > values[*greatest] {
            *greatest = i;
        }
        *last = i;
    }
    let mut found: Vec<usize> = ends.into_iter().flatten().chain(gap).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// xorshift64*, so that a failing seed can be tried again.
    struct Random(u64);

    impl Random {
        fn draw(&mut self) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
        }

        fn below(&mut self, n: u32) -> u32 {
            u32::try_from(self.draw() >> 33).expect("31 bits") % n
        }

        fn unit(&mut self) -> f64 {
            f64::from(self.below(1 << 30)) / f64::from(1 << 30)
        }
    }

    /// Minimum, maximum and whether there is a gap, by column.
    fn extremes(line: &Columns, ends: (f64, f64), scale: Scale, columns: usize) -> BTreeMap<usize, (u64, u64, bool)> {
        let mut found: BTreeMap<usize, (f64, f64, bool)> = BTreeMap::new();
        for (x, y) in line.iter() {
            let entry =
                found.entry(column(x, ends, Bend::of(scale, ends.0, ends.1), columns)).or_insert((f64::INFINITY, f64::NEG_INFINITY, false));
            *entry = (entry.0.min(y), entry.1.max(y), entry.2 || y.is_nan());
        }
        found.into_iter().map(|(c, (lo, hi, gap))| (c, (lo.to_bits(), hi.to_bits(), gap))).collect()
    }

    #[test]
    fn the_extremes_of_every_column_are_kept_whatever_the_line() {
        for seed in 1..=400 {
            let mut random = Random(seed);
            let (count, columns) = (random.below(6000) as usize, 1 + random.below(300) as usize);
            let (mut line, mut x) = (Columns::default(), -500.0);
            for _ in 0..count {
                // Some at the same place, some far apart.
                x += match random.below(10) {
                    0 => 0.0,
                    1 => random.unit() * 1000.0,
                    _ => random.unit(),
                };
                let y = match random.below(50) {
                    0 => f64::NAN,
                    1 => random.unit() * 1e12,
                    _ => random.unit() - 0.5,
                };
                line.push(x, y);
            }
            let scale = [Scale::Linear, Scale::Symlog, Scale::Log][usize::try_from(seed).expect("small") % 3];
            if scale == Scale::Log {
                line.x.iter_mut().for_each(|x| *x += 501.0);
            }
            let reduced = reduce(line.clone(), scale, columns);
            assert_drawn(&line, scale, columns, seed);
            let ends = (line.x.first().copied().unwrap_or(0.0), line.x.last().copied().unwrap_or(0.0));
            assert_eq!(extremes(&line, ends, scale, columns), extremes(&reduced, ends, scale, columns), "seed {seed}");
            assert!(reduced.x.len() <= 5 * columns && reduced.x.is_sorted(), "seed {seed}");
        }
    }

    /// What the browser draws of what the server sends (columns of half a pixel) is, in every pixel, what it would draw of every point.
    fn assert_drawn(line: &Columns, scale: Scale, pixels: usize, seed: u64) {
        let Some(ends) = line.x.first().copied().zip(line.x.last().copied()) else { return };
        let wide = i32::try_from(pixels).expect("few");
        let axis = |ends| Axis::new(scale, ends, (62 * FINE, (62 + wide) * FINE));
        let sent = reduce(line.clone(), scale, 2 * pixels);
        let drawn = per_pixel(&sent, &axis(ends));
        assert_eq!(extremes(line, ends, scale, pixels), extremes(&drawn, ends, scale, pixels), "seed {seed}");
        assert!(drawn.x.len() <= 5 * pixels && drawn.x.is_sorted(), "seed {seed}");
        // A part, drawn larger from the same: nothing beside it, and nothing of what was sent stands out more.
        let part = (line.x[line.x.len() / 3], line.x[line.x.len() * 2 / 3]);
        if part.0 < part.1 {
            let larger = per_pixel(&sent, &axis(part));
            let within = sent.within(part.0, part.1);
            let here = Columns { x: sent.x[within.clone()].to_vec(), y: sent.y[within].to_vec(), rough: false };
            assert_eq!(extremes(&here, part, scale, pixels), extremes(&larger, part, scale, pixels), "seed {seed}");
        }
    }

    #[test]
    fn one_spike_among_ten_million_points_stays() {
        for spike in [0, 7_777_777, 9_999_999] {
            let mut line = Columns { x: (0..10_000_000).map(f64::from).collect(), y: vec![0.25; 10_000_000], ..Columns::default() };
            line.y[spike] = 9.0;
            let reduced = reduce(line, Scale::Linear, 500);
            assert!(reduced.x.len() <= 2500);
            assert_eq!(reduced.iter().filter(|(_, y)| *y > 1.0).count(), 1, "{spike}");
        }
    }

    #[test]
    fn a_short_line_comes_back_whole_and_points_at_one_place_are_one_column() {
        let line = Columns { x: vec![1.0, 1.0, 2.0, 9.0], y: vec![1.0, f64::NAN, 3.0, 2.0], ..Columns::default() };
        assert_eq!(reduce(line.clone(), Scale::Linear, 1).x, line.x);
        let reduced =
            reduce(Columns { x: vec![5.0; 1000], y: (0..1000).map(f64::from).collect(), ..Columns::default() }, Scale::Linear, 100);
        assert_eq!(reduced.y, [0.0, 999.0]);
    }
}
