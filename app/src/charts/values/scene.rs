//! Shapes that make up a chart of values, and which of them can be pointed at.

use super::{
    Values, bars, boxes, contour, heat, histogram, importance,
    key_axis::KeyAxis,
    look::Look,
    parallel, scatter,
    sheet::{Sheet, SheetRow},
};
use crate::charts::{
    Query,
    axis::FINE,
    picture::INK,
    query::Kind,
    surface::Target,
    svg::{Mark, Pen},
};
use plotters::{
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    element::{Circle, PathElement, Polygon, Rectangle, Text},
    prelude::DrawingBackend,
    style::{
        Color, IntoFont, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

/// A place in the drawing's units.
pub type Spot = (i32, i32);

/// On which side of its place a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
    Middle,
    Below,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Path(Vec<Spot>),
    Dot(Spot),
    Rect(Spot, Spot),
    Polygon(Vec<Spot>),
    Text(String, Spot, Side),
}

/// What can be pointed at.
#[derive(Clone, Debug)]
pub struct Item {
    pub mark: Mark,
    pub shape: Shape,
    /// The place of the run that it is.
    pub run: Option<usize>,
    /// What it is, where it is no run.
    pub words: String,
}

/// A chart of values, laid out.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    pub size: Spot,
    shapes: Vec<(Mark, Shape)>,
    /// In the order that a keyboard goes through them.
    pub items: Vec<Item>,
    /// Upright axes that a range can be chosen on: key, place across.
    pub axes: Vec<(String, i32, KeyAxis)>,
    /// Runs that are drawn.
    pub runs: usize,
    /// What is said of them beside their number.
    pub said: Vec<String>,
    pub sheet: Sheet,
}

/// Room around the axes, in units.
pub const LEFT: i32 = 66 * FINE;
pub const RIGHT: i32 = 16 * FINE;
pub const TOP: i32 = 30 * FINE;
pub const BOTTOM: i32 = 46 * FINE;

/// Nothing further away than this is meant.
const NEAR: f64 = 24.0;

/// The chart of `values` that `query` asks for, so wide as it says and `height` pixels high.
pub fn scene(values: &Values, query: &Query, look: &Look, height: u32) -> Scene {
    let wide = i32::try_from(query.clone().sound().width).unwrap_or(i32::MAX) * FINE;
    let mut scene = Scene { size: (wide, i32::try_from(height).unwrap_or(i32::MAX) * FINE), ..Scene::default() };
    match query.chart {
        Kind::Line => {}
        Kind::Scatter => scatter::lay_out(&mut scene, values, query, look),
        Kind::Parallel => parallel::lay_out(&mut scene, values, query, look),
        Kind::Heat => heat::lay_out(&mut scene, values, query),
        Kind::Contour => contour::lay_out(&mut scene, values, query),
        Kind::Bar => bars::lay_out(&mut scene, values, query),
        Kind::Box => boxes::lay_out(&mut scene, values, query, false),
        Kind::Violin => boxes::lay_out(&mut scene, values, query, true),
        Kind::Histogram => histogram::lay_out(&mut scene, values, query),
        Kind::Importance => importance::lay_out(&mut scene, values, query),
    }
    scene
}

impl Scene {
    pub fn shape(&mut self, mark: Mark, shape: Shape) {
        self.shapes.push((mark, shape));
    }

    pub fn text(&mut self, text: impl Into<String>, at: Spot, side: Side) {
        self.shapes.push((Mark::Axis, Shape::Text(text.into(), at, side)));
    }

    /// A row of the table beside what is drawn.
    pub fn row(&mut self, name: &str, cells: Vec<String>) {
        self.sheet.rows.push(SheetRow { name: name.to_owned(), run: None, cells });
    }

    /// The pixels of the two axes.
    pub fn plane(&self) -> (Spot, Spot) {
        ((LEFT, self.size.0 - RIGHT), (self.size.1 - BOTTOM, TOP))
    }

    /// Two axes with their ticks and titles, and a grid.
    pub fn frame(&mut self, x: &KeyAxis, y: &KeyAxis) {
        let ((left, right), (bottom, top)) = self.plane();
        for (value, label) in y.ticks(usize::try_from((bottom - top) / (44 * FINE)).unwrap_or(4).max(2)) {
            let Some(at) = y.place(value) else { continue };
            self.shape(Mark::Grid, Shape::Path(vec![(left, at), (right, at)]));
            self.text(label, (left - 6 * FINE, at), Side::Left);
        }
        self.shape(Mark::Axis, Shape::Path(vec![(left, top), (left, bottom), (right, bottom)]));
        for (value, label) in x.ticks(usize::try_from((right - left) / (110 * FINE)).unwrap_or(4).max(2)) {
            let Some(at) = x.place(value) else { continue };
            self.shape(Mark::Axis, Shape::Path(vec![(at, bottom), (at, bottom + 4 * FINE)]));
            self.text(label, (at, bottom + 7 * FINE), Side::Below);
        }
        self.text(y.key.clone(), (6 * FINE, 12 * FINE), Side::Right);
        self.text(x.key.clone(), (right, bottom + 34 * FINE), Side::Left);
    }

    /// Puts marks of one kind together, so that they become one element, and those that step back first.
    pub fn in_order(&self) -> Vec<&Item> {
        let mut items: Vec<&Item> = self.items.iter().collect();
        items.sort_by_key(|item| item.mark);
        items
    }

    /// Draws all of it.
    pub fn draw_on(&self, target: Target<'_>) {
        let shapes = self.shapes.iter().map(|(mark, shape)| (*mark, shape));
        let items = self.in_order();
        // Lines over marks, such as the front, come after these, and texts last.
        let is_over = |mark: Mark, shape: &Shape| matches!(mark, Mark::Front | Mark::Over) || matches!(shape, Shape::Text(..));
        let (mut over, under): (Vec<_>, Vec<_>) = shapes.partition(|(mark, shape)| is_over(*mark, shape));
        over.sort_by_key(|(_, shape)| matches!(shape, Shape::Text(..)));
        let all = under.into_iter().chain(items.into_iter().map(|item| (item.mark, &item.shape))).chain(over);
        self.written(target, all);
    }

    /// The SVG of all of it.
    #[cfg(any(test, feature = "ssr"))]
    pub fn svg(&self) -> String {
        let mut text = String::new();
        self.draw_on(Target::Svg(&mut text));
        text
    }

    /// An item alone, to lie over the picture.
    pub fn lit(&self, item: usize) -> String {
        let mut text = String::new();
        self.written(Target::Svg(&mut text), self.items.get(item).map(|item| (Mark::Lit, &item.shape)).into_iter());
        text
    }

    fn written<'a>(&self, target: Target<'_>, shapes: impl Iterator<Item = (Mark, &'a Shape)>) {
        let pen = Pen::default();
        let size = (self.size.0.unsigned_abs(), self.size.1.unsigned_abs());
        let Some(surface) = target.begin(size, pen.clone()) else { return };
        let area = surface.into_drawing_area();
        for (mark, shape) in shapes {
            pen.set(mark);
            // Neither a text nor a canvas can fail.
            _ = draw(&area, shape);
        }
        _ = area.present();
    }

    /// The item at, or nearest to, a place in units.
    pub fn nearest(&self, at: (f64, f64)) -> Option<usize> {
        let far = |item: &Item| match &item.shape {
            Shape::Dot(spot) => distance(at, *spot, *spot),
            Shape::Path(path) => path.windows(2).map(|pair| distance(at, pair[0], pair[1])).fold(f64::INFINITY, f64::min),
            Shape::Rect(a, b) => outside(at, *a, *b),
            Shape::Polygon(corners) => {
                let (xs, ys) = (corners.iter().map(|c| c.0), corners.iter().map(|c| c.1));
                let ends =
                    |mut of: Box<dyn Iterator<Item = i32> + '_>| of.next().map(|v| of.fold((v, v), |(a, b), v| (a.min(v), b.max(v))));
                ends(Box::new(xs)).zip(ends(Box::new(ys))).map_or(f64::INFINITY, |(x, y)| outside(at, (x.0, y.0), (x.1, y.1)) + 1.0)
            }
            Shape::Text(..) => f64::INFINITY,
        };
        let items = self.items.iter().enumerate().filter(|(_, item)| !matches!(item.mark, Mark::Path(crate::charts::svg::Ink::Off)));
        let nearest = items.map(|(i, item)| (i, far(item))).min_by(|a, b| a.1.total_cmp(&b.1))?;
        (nearest.1 <= NEAR * f64::from(FINE)).then_some(nearest.0)
    }
}

/// From a place to a rectangle.
fn outside((x, y): (f64, f64), a: Spot, b: Spot) -> f64 {
    let away = |v: f64, a: i32, b: i32| (f64::from(a.min(b)) - v).max(v - f64::from(a.max(b))).max(0.0);
    away(x, a.0, b.0).hypot(away(y, a.1, b.1))
}

/// From a place to the line between two.
fn distance((x, y): (f64, f64), a: Spot, b: Spot) -> f64 {
    let (ax, ay, bx, by) = (f64::from(a.0), f64::from(a.1), f64::from(b.0), f64::from(b.1));
    let (dx, dy) = (bx - ax, by - ay);
    let long = dx * dx + dy * dy;
    let share = if long > 0.0 { (((x - ax) * dx + (y - ay) * dy) / long).clamp(0.0, 1.0) } else { 0.0 };
    (x - ax - share * dx).hypot(y - ay - share * dy)
}

fn draw<B: DrawingBackend>(area: &DrawingArea<B, Shift>, shape: &Shape) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    match shape {
        Shape::Path(path) => area.draw(&PathElement::new(path.clone(), INK)),
        Shape::Dot(spot) => area.draw(&Circle::new(*spot, 4 * FINE, INK.filled())),
        Shape::Rect(a, b) => area.draw(&Rectangle::new([*a, *b], INK.filled())),
        Shape::Polygon(corners) => area.draw(&Polygon::new(corners.clone(), INK.mix(0.4))),
        Shape::Text(text, at, side) => {
            let (across, up) = match side {
                Side::Left => (HPos::Right, VPos::Center),
                Side::Right => (HPos::Left, VPos::Center),
                Side::Middle => (HPos::Center, VPos::Center),
                Side::Below => (HPos::Center, VPos::Top),
            };
            let style = TextStyle::from(("sans-serif", 11 * FINE).into_font()).color(&INK).pos(Pos::new(across, up));
            area.draw(&Text::new(text.clone(), *at, style))
        }
    }
}
