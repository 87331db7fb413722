//! The drawing of a chart, on any backend of plotters.

use super::{
    columns::Columns,
    line::Line,
    query::{Query, XAxis},
    svg::{Mark, Pen, SvgWriter},
    ticks::{self, Ticks},
};
use plotters::{
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    element::{PathElement, Text},
    prelude::DrawingBackend,
    style::{
        Color, IntoFont, RGBColor, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

/// Units of the drawing for each pixel: plotters counts in whole ones, and lines would look stepped.
const FINE: i32 = 2;
/// Room for labels, in pixels.
const LEFT: i32 = 62;
const RIGHT: i32 = 14;
const TOP: i32 = 10;
const BOTTOM: i32 = 26;

/// What backends use that know no classes.
const INK: RGBColor = RGBColor(90, 96, 105);

/// The lines as SVG of `height` pixels, and as wide as the query says. A line's number gives it its colour; those without a number in `shown`
/// are left out.
pub fn picture(lines: &[Line], query: &Query, height: u32, shown: impl Fn(usize) -> bool) -> String {
    let (mut text, pen) = (String::new(), Pen::default());
    let fine = FINE.unsigned_abs();
    let size = (query.clone().sound().width * fine, height * fine);
    let area = SvgWriter::begin(&mut text, size, pen.clone()).into_drawing_area();
    // Writing to a string cannot fail.
    _ = draw(&area, &pen, lines, query, &shown);
    _ = area.present();
    drop(area);
    text
}

/// A range of values and the pixels it fills.
struct Scale {
    first: f64,
    last: f64,
    log: bool,
    pixels: (i32, i32),
}

impl Scale {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the pixels")]
    fn place(&self, value: f64) -> i32 {
        // Halves, since the whole of a range may be beyond the numbers.
        let of = |v: f64| if self.log { v.log10() / 2.0 } else { v / 2.0 };
        let share = ((of(value) - of(self.first)) / (of(self.last) - of(self.first))).clamp(0.0, 1.0);
        let (start, end) = self.pixels;
        start + (share * f64::from(end - start)).round() as i32
    }
}

/// From the least to the greatest of the finite values; where there are fewer than two, a little around it.
fn range(values: impl Iterator<Item = f64>, log: bool) -> (f64, f64) {
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
fn with_room((first, last): (f64, f64), log: bool) -> (f64, f64) {
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

fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    pen: &Pen,
    lines: &[Line],
    query: &Query,
    shown: &impl Fn(usize) -> bool,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let (width, height) = area.dim_in_pixel();
    let (width, height) = (i32::try_from(width).unwrap_or(i32::MAX), i32::try_from(height).unwrap_or(i32::MAX));
    let visible = || lines.iter().enumerate().filter(|(i, _)| shown(*i));
    let columns = || visible().flat_map(|(_, line)| std::iter::once(&line.raw).chain(&line.smooth));
    let (mut first, mut last) = range(columns().flat_map(|c| c.x.iter().copied()), false);
    first = query.from.unwrap_or(first);
    last = query.to.filter(|to| *to > first).unwrap_or(last.max(first + f64::EPSILON));
    let x = Scale { first, last, log: false, pixels: (LEFT * FINE, width - RIGHT * FINE) };
    let (first, last) = with_room(range(columns().flat_map(|c| c.y.iter().copied()), query.log), query.log);
    let y = Scale { first, last, log: query.log, pixels: (height - BOTTOM * FINE, TOP * FINE) };
    frame(area, pen, query, &x, &y)?;
    // What is faint lies below what is not.
    for (i, line) in visible() {
        if line.smooth.is_some() {
            pen.set(Mark::Line(i, false));
            trace(area, &line.raw, &x, &y)?;
        }
    }
    for (i, line) in visible() {
        pen.set(Mark::Line(i, true));
        trace(area, line.smooth.as_ref().unwrap_or(&line.raw), &x, &y)?;
    }
    Ok(())
}

/// The axes with their labels, and a grid.
fn frame<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    pen: &Pen,
    query: &Query,
    x: &Scale,
    y: &Scale,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let ((left, right), (bottom, top)) = (x.pixels, y.pixels);
    let font = || TextStyle::from(("sans-serif", 11 * FINE).into_font()).color(&INK);
    let across: Ticks = match query.x {
        XAxis::Step => ticks::linear(x.first, x.last, 6),
        XAxis::Wall => ticks::wall(x.first, x.last, 4),
        XAxis::Relative => ticks::relative(x.first, x.last, 4),
    };
    let up = if query.log { ticks::logarithmic(y.first, y.last, 5) } else { ticks::linear(y.first, y.last, 5) };
    for (value, label) in up {
        let at = y.place(value);
        pen.set(Mark::Grid);
        area.draw(&PathElement::new(vec![(left, at), (right, at)], INK.mix(0.3)))?;
        area.draw(&Text::new(label, (left - 6 * FINE, at), font().pos(Pos::new(HPos::Right, VPos::Center))))?;
    }
    pen.set(Mark::Axis);
    area.draw(&PathElement::new(vec![(left, top), (left, bottom), (right, bottom)], INK))?;
    for (value, label) in across {
        let at = x.place(value);
        area.draw(&PathElement::new(vec![(at, bottom), (at, bottom + 4 * FINE)], INK))?;
        area.draw(&Text::new(label, (at, bottom + 7 * FINE), font().pos(Pos::new(HPos::Center, VPos::Top))))?;
    }
    Ok(())
}

/// A line, in pieces between its gaps. A point alone is drawn as a dot.
fn trace<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    line: &Columns,
    x: &Scale,
    y: &Scale,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let mut piece: Vec<(i32, i32)> = Vec::new();
    for (at, value) in line.iter().chain(std::iter::once((0.0, f64::NAN))) {
        if !value.is_nan() {
            let place = (x.place(at), y.place(value));
            if piece.last() != Some(&place) {
                piece.push(place);
            }
        } else if !piece.is_empty() {
            if let [alone] = piece[..] {
                piece.push(alone);
            }
            area.draw(&PathElement::new(std::mem::take(&mut piece), INK))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::model::{Point, RunId};

    fn line(values: &[f64], query: &Query) -> Line {
        let point = |(i, value): (usize, &f64)| Point { step: i64::try_from(i).expect("few"), timestamp: 0, value: *value };
        Line::of(RunId::from("r"), "r".into(), values.iter().enumerate().map(point).collect(), query)
    }

    fn paths(svg: &str, class: &str) -> Vec<Vec<(i32, i32)>> {
        let points = |text: &str| {
            let pair = |pair: &str| pair.split_once(',').map(|(x, y)| (x.parse().expect("x"), y.parse().expect("y"))).expect("a pair");
            text.split(' ').map(pair).collect()
        };
        svg.split(&format!("<polyline class=\"{class}\" points=\""))
            .skip(1)
            .map(|rest| points(rest.split('"').next().expect("points")))
            .collect()
    }

    #[test]
    fn a_picture_has_classes_and_no_styles() {
        let query = Query { smooth: 0.5, ..Query::default() }.sound();
        let lines = [line(&[1.0, 5.0, 2.0], &query), line(&[3.0, 3.0], &query)];
        let svg = picture(&lines, &query, 200, |_| true);
        assert!(svg.starts_with("<svg viewBox=\"0 0 200 400\"") && svg.ends_with("</svg>") && svg.matches("</svg>").count() == 1, "{svg}");
        assert!(!svg.contains("style") && !svg.contains("fill=") && !svg.contains("stroke="), "{svg}");
        assert_eq!((paths(&svg, "line s0 d0").len(), paths(&svg, "line s0 d0 faint").len(), paths(&svg, "line s1 d0").len()), (1, 1, 1));
        assert!(picture(&lines, &query, 200, |i| i == 1).matches("s0").count() == 0);
    }

    #[test]
    fn a_gap_parts_the_line_and_a_point_alone_is_a_dot() {
        let query = Query::default().sound();
        let svg = picture(&[line(&[1.0, 2.0, f64::NAN, 4.0], &query)], &query, 200, |_| true);
        let (pieces, dots) = (paths(&svg, "line s0 d0"), paths(&svg, "line s0 d0 dot"));
        assert_eq!(pieces.iter().chain(&dots).map(Vec::len).collect::<Vec<_>>(), [2, 2], "{svg}");
        assert_eq!(dots[0][0], dots[0][1]);
    }

    #[test]
    fn the_extremes_that_are_drawn_are_those_of_the_history() {
        let mut values = vec![0.5; 200_000];
        (values[77_777], values[150_000]) = (3.0, -3.0);
        let query = Query::default().sound();
        let [drawn] = &paths(&picture(&[line(&values, &query)], &query, 300, |_| true), "line s0 d0")[..] else { panic!("one line") };
        let (top, bottom) = (drawn.iter().map(|p| p.1).min().expect("top"), drawn.iter().map(|p| p.1).max().expect("bottom"));
        let level = drawn[0].1;
        // 2.5 above the level and 3.5 below it.
        assert!((f64::from(level - top) / f64::from(bottom - level) - 2.5 / 3.5).abs() < 0.01, "{top} {level} {bottom}");
    }

    #[test]
    fn odd_values_draw_something() {
        for log in [false, true] {
            let query = Query { log, ..Query::default() }.sound();
            for values in [&[][..], &[f64::NAN], &[0.0], &[f64::MAX, f64::MIN], &[5e-324, 1.0, f64::MAX], &[7.0; 3], &[1e15, 1e15 + 1.0]] {
                let svg = picture(&[line(values, &query)], &query, 200, |_| true);
                assert!(svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            }
        }
    }

    #[test]
    fn the_eleventh_line_has_the_first_colour_and_other_dashes() {
        let query = Query::default().sound();
        let lines = vec![line(&[1.0, 2.0], &query); 12];
        let svg = picture(&lines, &query, 200, |_| true);
        assert_eq!((paths(&svg, "line s0 d0").len(), paths(&svg, "line s0 d1").len(), paths(&svg, "line s1 d1").len()), (1, 1, 1));
    }
}
