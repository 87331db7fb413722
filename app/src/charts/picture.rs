//! The drawing of a chart, on any backend of plotters.

use super::{
    axis::{Axis, FINE, range, with_room},
    columns::Columns,
    line::Line,
    query::{Outliers, Query, XAxis},
    reduce::per_pixel,
    scale::Scale,
    surface::Target,
    svg::{COLOURS, Ink, Mark, Pen},
    ticks::{self, Ticks},
    values::statistics::quantile,
};
use plotters::{
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    element::{Circle, PathElement, Polygon, Text},
    prelude::DrawingBackend,
    style::{
        Color, IntoFont, RGBColor, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

/// Room for labels, in pixels.
const LEFT: i32 = 62;
const RIGHT: i32 = 14;
const TOP: i32 = 10;
const BOTTOM: i32 = 26;

/// More lines than this are drawn plainly: those of one colour are one element, without dashes.
const PLENTY: usize = 100;

/// What backends use that know no classes.
pub const INK: RGBColor = RGBColor(90, 96, 105);

/// Which lines a picture shows, by their number.
pub struct Part<'a> {
    /// Those that the axes have room for.
    pub shown: &'a dyn Fn(usize) -> bool,
    /// Of these the ones that are drawn.
    pub drawn: &'a dyn Fn(usize) -> bool,
}

/// The lines as SVG of `height` pixels, and as wide as the query says. A line's number gives it its colour; those without a number in `shown`
/// are left out.
#[cfg(any(test, feature = "ssr"))]
pub fn picture(lines: &[Line], query: &Query, height: u32, shown: impl Fn(usize) -> bool) -> String {
    let mut text = String::new();
    draw_on(Target::Svg(&mut text), lines, query, height, &Part { shown: &shown, drawn: &|_| true });
    text
}

/// The same of a part of the lines, on the axes of all that are shown.
pub fn draw_on(target: Target<'_>, lines: &[Line], query: &Query, height: u32, part: &Part<'_>) {
    written(target, lines, query, height, part, true);
}

/// One line of that picture alone, to lie over it.
pub fn lit(lines: &[Line], query: &Query, height: u32, shown: impl Fn(usize) -> bool, line: usize) -> String {
    let mut text = String::new();
    written(Target::Svg(&mut text), lines, query, height, &Part { shown: &shown, drawn: &|i| i == line }, false);
    text
}

fn written(target: Target<'_>, lines: &[Line], query: &Query, height: u32, part: &Part<'_>, framed: bool) {
    let (pen, fine) = (Pen::default(), FINE.unsigned_abs());
    let size = (query.clone().sound().width * fine, height * fine);
    let Some(surface) = target.begin(size, pen.clone()) else { return };
    let area = surface.into_drawing_area();
    // Neither a text nor a canvas can fail.
    _ = draw(&area, &pen, lines, query, part, framed);
    _ = area.present();
}

/// Where a picture shows what: for pointers.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    x: Axis,
    width: f64,
}

impl Frame {
    /// The value below `pixel` of a picture that is shown `wide` pixels wide; none beside the axis.
    pub fn value(&self, pixel: f64, wide: f64) -> Option<f64> {
        let (start, end) = (f64::from(self.x.pixels.0), f64::from(self.x.pixels.1));
        let share = (pixel / wide.max(1.0) * self.width - start) / (end - start);
        (-0.01..=1.01).contains(&share).then(|| self.x.at(share.clamp(0.0, 1.0)))
    }

    /// Where a value is, as a share of the picture's width; none where the picture does not show it.
    pub fn share(&self, value: f64) -> Option<f64> {
        (value >= self.x.first && value <= self.x.last).then(|| f64::from(self.x.place(value)) / self.width)
    }

    /// The value that is `parts` hundredths of the axis further on; from its beginning where there was none.
    pub fn further(&self, value: Option<f64>, parts: i32) -> f64 {
        let (first, last) = (self.x.bend.place(self.x.first), self.x.bend.place(self.x.last));
        let share = value.map_or(0.0, |v| (self.x.bend.place(v) - first) / (last - first) + f64::from(parts) / 100.0);
        self.x.at(share.clamp(0.0, 1.0))
    }
}

/// The frame of the picture that `picture` draws of the same.
pub fn frame_of(lines: &[Line], query: &Query, shown: impl Fn(usize) -> bool) -> Frame {
    let width = i32::try_from(query.clone().sound().width).unwrap_or(i32::MAX) * FINE;
    Frame { x: across(lines, query, width, &shown), width: f64::from(width) }
}

fn across(lines: &[Line], query: &Query, width: i32, shown: &dyn Fn(usize) -> bool) -> Axis {
    let visible = lines.iter().enumerate().filter(|(i, _)| shown(*i)).map(|(_, line)| line);
    let (mut first, mut last) = range(visible.flat_map(|line| line.raw.x.iter().copied()), query.across == Scale::Log);
    first = query.from.filter(|from| query.across.holds(*from)).unwrap_or(first);
    // A part that begins beyond the line's end has nothing in it, but a width.
    last = query.to.filter(|to| *to > first).unwrap_or(last.max(first + first.abs().max(1.0) * 1e-9));
    Axis::new(query.across, (first, last), (LEFT * FINE, width - RIGHT * FINE))
}

fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    pen: &Pen,
    lines: &[Line],
    query: &Query,
    part: &Part<'_>,
    framed: bool,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let (width, height) = area.dim_in_pixel();
    let (width, height) = (i32::try_from(width).unwrap_or(i32::MAX), i32::try_from(height).unwrap_or(i32::MAX));
    let visible = || lines.iter().enumerate().filter(|(i, _)| (part.shown)(*i));
    let x = across(lines, query, width, part.shown);
    let ends = upright(lines, query, &x, part.shown);
    let y = Axis::new(query.up, ends, (height - BOTTOM * FINE, TOP * FINE));
    if framed {
        frame(area, pen, query, &x, &y)?;
    }
    // Asked once of each line.
    let drawn: Vec<(usize, &Line)> =
        visible().filter(|(i, _)| (part.drawn)(*i)).map(|(i, line)| (line.colour.unwrap_or(i), line)).collect();
    // What is faint lies below what is not.
    for (colour, line) in &drawn {
        if let Some((low, high)) = &line.band {
            pen.set(Mark::Band(*colour));
            let corners = |edge: &Columns| {
                per_pixel(edge, &x).iter().filter(|(_, y)| !y.is_nan()).map(|(at, v)| (x.place(at), y.place(v))).collect::<Vec<_>>()
            };
            let edge: Vec<_> = corners(low).into_iter().chain(corners(high).into_iter().rev()).collect();
            area.draw(&Polygon::new(edge, INK.mix(0.2)))?;
        }
    }
    if lines.len() > PLENTY {
        return draw_many(area, pen, &drawn, &x, &y);
    }
    for (colour, line) in drawn.iter().filter(|(_, line)| line.smooth.is_some()) {
        pen.set(Mark::Line(*colour, false));
        trace(area, &line.raw, &x, &y)?;
    }
    for (colour, line) in &drawn {
        pen.set(Mark::Line(*colour, true));
        trace(area, strong(line), &x, &y)?;
    }
    Ok(())
}

/// What is drawn strong of a line.
fn strong(line: &Line) -> &Columns {
    line.smooth.as_ref().unwrap_or(&line.raw)
}

/// Lines with their colours, by colour: ten thousand elements, or dashes, or round ends take seconds to paint.
fn draw_many<B: DrawingBackend>(area: &DrawingArea<B, Shift>, pen: &Pen, lines: &[(usize, &Line)], x: &Axis, y: &Axis) -> Drawn<B> {
    let mut colours: [Vec<&Line>; COLOURS] = Default::default();
    for (colour, line) in lines {
        colours[colour % COLOURS].push(line);
    }
    for (own, lines) in colours.iter().enumerate() {
        pen.set(Mark::Many(own, false));
        for line in lines.iter().filter(|line| line.smooth.is_some()) {
            pieces(&line.raw, x, y, |piece| path(area, piece))?;
        }
    }
    for (own, lines) in colours.iter().enumerate() {
        let mut alone = Vec::new();
        pen.set(Mark::Many(own, true));
        for line in lines {
            let draw = |piece: Vec<Place>| match piece[..] {
                [one] => {
                    alone.push(one);
                    Ok(())
                }
                _ => path(area, piece),
            };
            pieces(strong(line), x, y, draw)?;
        }
        pen.set(Mark::Dot(Ink::Own(own)));
        for one in alone {
            area.draw(&Circle::new(one, FINE, INK.filled()))?;
        }
    }
    Ok(())
}

/// The range of the values without those that lie far from the others: further from the quartiles than three times what is between these
/// (Tukey's "far out").
fn within(values: Vec<f64>, log: bool) -> (f64, f64) {
    let place = |v: f64| if log { v.log10() } else { v };
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite() && (!log || *v > 0.0)).collect();
    if sorted.is_empty() {
        return range(values.into_iter(), log);
    }
    sorted.sort_by(f64::total_cmp);
    let (first, third) = (place(quantile(&sorted, 0.25)), place(quantile(&sorted, 0.75)));
    let reach = 3.0 * (third - first);
    range(sorted.into_iter().filter(|v| (first - reach..=third + reach).contains(&place(*v))), log)
}

/// The ends of the upright axis, for what the other shows.
fn upright(lines: &[Line], query: &Query, x: &Axis, shown: &dyn Fn(usize) -> bool) -> (f64, f64) {
    let columns = lines.iter().enumerate().filter(|(i, _)| shown(*i)).flat_map(|(_, line)| {
        let band = line.band.iter().flat_map(|(low, high)| [low, high]);
        std::iter::once(&line.raw).chain(&line.smooth).chain(band)
    });
    let log = query.up == Scale::Log;
    let values = columns.flat_map(|c| c.y[c.within(x.first, x.last)].iter().copied());
    with_room(if query.outliers == Outliers::Beyond { within(values.collect(), log) } else { range(values, log) }, log)
}

/// How many of the points that are drawn lie beyond the axis.
pub fn beyond(lines: &[Line], query: &Query, shown: impl Fn(usize) -> bool) -> usize {
    if query.outliers == Outliers::Shown {
        return 0;
    }
    let x = across(lines, query, 1, &shown);
    let (low, high) = upright(lines, query, &x, &shown);
    let drawn = lines.iter().enumerate().filter(|(i, _)| shown(*i)).flat_map(|(_, line)| std::iter::once(&line.raw).chain(&line.smooth));
    drawn.flat_map(|c| &c.y[c.within(x.first, x.last)]).filter(|v| v.is_finite() && !(low..=high).contains(*v)).count()
}

/// The axes with their labels, and a grid.
fn frame<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    pen: &Pen,
    query: &Query,
    x: &Axis,
    y: &Axis,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let ((left, right), (bottom, top)) = (x.pixels, y.pixels);
    let font = || TextStyle::from(("sans-serif", 11 * FINE).into_font()).color(&INK);
    // As many as there is room for.
    let most = usize::try_from((right - left) / (150 * FINE)).unwrap_or_default().clamp(2, 6);
    let across: Ticks = match (query.across, query.x) {
        (Scale::Log, _) => ticks::logarithmic(x.first, x.last, most),
        (Scale::Symlog, _) => ticks::symmetric(x.first, x.last, x.bend.small, most),
        (_, XAxis::Step | XAxis::Metric) => ticks::linear(x.first, x.last, most),
        (_, XAxis::Wall) => ticks::wall(x.first, x.last, most.min(4)),
        (_, XAxis::Relative) => ticks::relative(x.first, x.last, most.min(4)),
    };
    let up = match query.up {
        Scale::Linear => ticks::linear(y.first, y.last, 5),
        Scale::Log => ticks::logarithmic(y.first, y.last, 5),
        Scale::Symlog => ticks::symmetric(y.first, y.last, y.bend.small, 6),
    };
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

/// A place in the drawing's units.
type Place = (i32, i32);
type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// A line, in pieces between its gaps. A point alone is drawn as a dot.
fn trace<B: DrawingBackend>(area: &DrawingArea<B, Shift>, line: &Columns, x: &Axis, y: &Axis) -> Drawn<B> {
    pieces(line, x, y, |mut piece| {
        if let [alone] = piece[..] {
            piece.push(alone);
        }
        path(area, piece)
    })
}

fn path<B: DrawingBackend>(area: &DrawingArea<B, Shift>, piece: Vec<Place>) -> Drawn<B> {
    area.draw(&PathElement::new(piece, INK))
}

/// Gives `draw` the places of each piece of a line between its gaps; places that are the same are one.
fn pieces<E>(line: &Columns, x: &Axis, y: &Axis, mut draw: impl FnMut(Vec<Place>) -> Result<(), E>) -> Result<(), E> {
    let mut piece: Vec<Place> = Vec::new();
    for (at, value) in per_pixel(line, x).iter().chain(std::iter::once((0.0, f64::NAN))) {
        if !value.is_nan() {
            let place = (x.place(at), y.place(value));
            if piece.last() != Some(&place) {
                piece.push(place);
            }
        } else if !piece.is_empty() {
            draw(std::mem::take(&mut piece))?;
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
        Line::of(RunId::from("r"), "r".into(), None, values.iter().enumerate().map(point).collect(), query, Some(query.width as usize))
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
    fn two_widths_draw_the_same_extremes() {
        let values: Vec<f64> = (0..300_000_u32).map(|i| f64::from(i.wrapping_mul(2_654_435_761) >> 8)).collect();
        let ends = |width: u32| {
            let query = Query { width, ..Query::default() }.sound();
            let drawn = paths(&picture(&[line(&values, &query)], &query, 300, |_| true), "line s0 d0").concat();
            (drawn.iter().map(|p| p.1).min(), drawn.iter().map(|p| p.1).max())
        };
        assert_eq!(ends(350), ends(960));
    }

    #[test]
    fn what_lies_far_out_is_beyond_the_axis_and_counted() {
        let mut values: Vec<f64> = (0..100).map(|i| 1.0 + f64::from(i) / 100.0).collect();
        (values[3], values[50]) = (1e6, -1e6);
        let query = Query { outliers: Outliers::Beyond, width: 960, ..Query::default() }.sound();
        let lines = [line(&values, &query)];
        assert_eq!(beyond(&lines, &query, |_| true), 2);
        let [drawn] = &paths(&picture(&lines, &query, 300, |_| true), "line s0 d0")[..] else { panic!("one line") };
        // The others fill the chart.
        let highs: std::collections::BTreeSet<i32> = drawn.iter().map(|p| p.1).collect();
        assert!(highs.len() > 90, "{highs:?}");
        let whole = Query { outliers: Outliers::Shown, ..query };
        assert_eq!(beyond(&lines, &whole, |_| true), 0);
    }

    #[test]
    fn a_part_is_drawn_on_the_axes_of_the_whole() {
        let query = Query::default().sound();
        let lines = [line(&[0.0, 10.0], &query), line(&[4.0, 6.0], &query)];
        let mut part = String::new();
        draw_on(Target::Svg(&mut part), &lines, &query, 200, &Part { shown: &|_| true, drawn: &|i| i == 1 });
        assert_eq!(
            (paths(&part, "line s0 d0").len(), &paths(&part, "line s1 d0")),
            (0, &paths(&picture(&lines, &query, 200, |_| true), "line s1 d0"))
        );
    }

    #[test]
    fn a_pointer_finds_the_value_below_it() {
        let query = Query { width: 500, ..Query::default() }.sound();
        let frame = frame_of(&[line(&[1.0; 101], &query)], &query, |_| true);
        let pixel = frame.share(50.0).expect("shown") * 320.0;
        assert!((frame.value(pixel, 320.0).expect("on the axis") - 50.0).abs() < 0.2);
        assert!(frame.value(0.0, 320.0).is_none() && frame.share(101.0).is_none());
        assert!((frame.further(Some(50.0), 1) - 51.0).abs() < 1e-9 && (frame.further(None, -1) - 0.0).abs() < 1e-9);
    }

    #[test]
    fn odd_values_draw_something() {
        for (up, across) in [(Scale::Linear, Scale::Log), (Scale::Log, Scale::Linear), (Scale::Symlog, Scale::Symlog)] {
            let query = Query { across, up, ..Query::default() }.sound();
            for values in [&[][..], &[f64::NAN], &[0.0], &[f64::MAX, f64::MIN], &[5e-324, 1.0, f64::MAX], &[7.0; 3], &[1e15, 1e15 + 1.0]] {
                let svg = picture(&[line(values, &query)], &query, 200, |_| true);
                assert!(svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            }
        }
    }

    #[test]
    fn of_many_lines_those_of_one_colour_are_one_element_and_none_is_lost() {
        let query = Query::default().sound();
        let lines: Vec<Line> =
            (0..1000).map(|i| line(if i % 10 == 3 { &[2.0] } else { &[1.0, 2.0, f64::NAN, 3.0, 5.0] }, &query)).collect();
        let svg = picture(&lines, &query, 200, |i| i != 7);
        let element = |class: &str| {
            let path = svg.split(&format!("<path class=\"{class}\" d=\"")).nth(1).expect(class);
            path.split('"').next().expect("its places").to_owned()
        };
        assert_eq!((svg.matches("<path").count(), svg.matches("<polyline class=\"line").count()), (10, 0), "{svg}");
        assert_eq!([0, 7, 9].map(|own| element(&format!("line s{own}")).matches('M').count()), [200, 198, 200]);
        assert_eq!(element("dots s3").matches('M').count(), 100);
    }

    #[test]
    fn the_eleventh_line_has_the_first_colour_and_other_dashes() {
        let query = Query::default().sound();
        let lines = vec![line(&[1.0, 2.0], &query); 12];
        let svg = picture(&lines, &query, 200, |_| true);
        assert_eq!((paths(&svg, "line s0 d0").len(), paths(&svg, "line s0 d1").len(), paths(&svg, "line s1 d1").len()), (1, 1, 1));
    }
}
