//! A canvas as a backend of plotters, for the browser. What is drawn on it looks as the style sheet says that it looks as SVG: the style of each mark
//! is read from a hidden element of the same kind and classes.

use super::{
    axis::FINE,
    svg::{Mark, Pen},
};
use leptos::wasm_bindgen::{JsCast, JsValue};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    text_anchor::{HPos, VPos},
};
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    f64::consts::TAU,
    fmt::Write as _,
    rc::Rc,
};
use web_sys::{CanvasRenderingContext2d, CssStyleDeclaration, Element, HtmlCanvasElement};

/// Where elements of a picture come from.
const SVG: &str = "http://www.w3.org/2000/svg";
/// Beyond so many pixels of the screen for one of the page a chart takes more memory than it is worth.
const DENSEST: f64 = 2.0;

/// Lines with more places than this are joined without rounding, which takes Chromium several times as long as the line itself.
const LONG: usize = 100;

/// How something looks; lengths are in the drawing's units.
#[derive(Debug)]
struct Look {
    fill: Option<String>,
    fill_opacity: f64,
    stroke: Option<String>,
    stroke_opacity: f64,
    width: f64,
    dashes: JsValue,
    cap: String,
    join: String,
    /// Of texts: size and font.
    size: f64,
    family: String,
}

impl Look {
    fn of(style: &CssStyleDeclaration) -> Self {
        let text = |name: &str| style.get_property_value(name).unwrap_or_default();
        let number = |text: &str| text.trim().trim_end_matches("px").parse::<f64>().ok();
        let colour = |name: &str| Some(text(name)).filter(|colour| !colour.is_empty() && colour != "none");
        // Lengths are pixels of the page where they do not grow with the picture.
        let unit = if text("vector-effect") == "non-scaling-stroke" { f64::from(FINE) } else { 1.0 };
        let length = |text: &str| number(text).unwrap_or_default() * unit;
        let dashes: js_sys::Array =
            text("stroke-dasharray").split(',').filter_map(number).map(|dash| JsValue::from_f64(dash * unit)).collect();
        Self {
            fill: colour("fill"),
            fill_opacity: number(&text("fill-opacity")).unwrap_or(1.0),
            stroke: colour("stroke"),
            stroke_opacity: number(&text("stroke-opacity")).unwrap_or(1.0),
            width: length(&text("stroke-width")),
            dashes: dashes.into(),
            cap: text("stroke-linecap"),
            join: text("stroke-linejoin"),
            size: number(&text("font-size")).unwrap_or(22.0),
            family: text("font-family"),
        }
    }
}

/// Hidden elements whose styles are read.
struct Probe {
    root: Element,
    looks: HashMap<(&'static str, String), Rc<Look>>,
}

impl Probe {
    fn beside(canvas: &HtmlCanvasElement) -> Option<Self> {
        let root = leptos::prelude::document().create_element_ns(Some(SVG), "svg").ok()?;
        _ = root.set_attribute("class", "chart-probe");
        canvas.parent_element()?.append_child(&root).ok()?;
        Some(Self { root, looks: HashMap::new() })
    }

    fn look(&mut self, tag: &'static str, class: String) -> Option<Rc<Look>> {
        if let Some(look) = self.looks.get(&(tag, class.clone())) {
            return Some(Rc::clone(look));
        }
        let element = leptos::prelude::document().create_element_ns(Some(SVG), tag).ok()?;
        _ = element.set_attribute("class", &class);
        self.root.append_child(&element).ok()?;
        let look = Rc::new(Look::of(&leptos::prelude::window().get_computed_style(&element).ok()??));
        self.looks.insert((tag, class), Rc::clone(&look));
        Some(look)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.root.remove();
    }
}

/// A backend of plotters.
pub struct Canvas {
    element: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    probe: Probe,
    size: (u32, u32),
    pen: Pen,
    /// The mark whose path is not painted yet, and its look.
    open: Option<(Mark, Rc<Look>)>,
    /// How many of each mark are drawn, by their classes.
    marks: BTreeMap<String, u32>,
}

impl Canvas {
    /// Clears `element`, which has a parent, and draws on it in units, of which `FINE` are a pixel of the page.
    pub fn begin(element: HtmlCanvasElement, size: (u32, u32), pen: Pen) -> Option<Self> {
        let scale = leptos::prelude::window().device_pixel_ratio().clamp(1.0, DENSEST) / f64::from(FINE);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand pixels")]
        let pixels = |units: u32| (f64::from(units) * scale).round() as u32;
        element.set_width(pixels(size.0));
        element.set_height(pixels(size.1));
        let context: CanvasRenderingContext2d = element.get_context("2d").ok()??.dyn_into().ok()?;
        context.scale(scale, scale).ok()?;
        // As SVG has it.
        context.set_miter_limit(4.0);
        Some(Self { probe: Probe::beside(&element)?, element, context, size, pen, open: None, marks: BTreeMap::new() })
    }

    fn count(&mut self, class: String) {
        *self.marks.entry(class).or_default() += 1;
    }

    fn apply(&self, look: &Look, join: &str) {
        self.context.set_line_width(look.width);
        self.context.set_line_cap(&look.cap);
        self.context.set_line_join(join);
        _ = self.context.set_line_dash(&look.dashes);
    }

    /// Strokes the present path.
    fn stroke(&self, look: &Look, join: &str) {
        if let Some(stroke) = &look.stroke {
            self.apply(look, join);
            self.context.set_global_alpha(look.stroke_opacity);
            self.context.set_stroke_style_str(stroke);
            self.context.stroke();
        }
    }

    /// Paints the present path as `look` says.
    fn paint(&self, look: &Look) {
        if let Some(fill) = &look.fill {
            self.context.set_global_alpha(look.fill_opacity);
            self.context.set_fill_style_str(fill);
            self.context.fill();
        }
        self.stroke(look, &look.join);
    }

    /// Paints the present path, which is of dots, in the colour that lines of that look have: a line that goes nowhere is nothing on a canvas.
    fn paint_dots(&self, look: &Look) {
        if let Some(stroke) = &look.stroke {
            self.context.set_global_alpha(look.stroke_opacity);
            self.context.set_fill_style_str(stroke);
            self.context.fill();
        }
    }

    fn dot(&self, (x, y): (f64, f64), radius: f64) {
        self.context.move_to(x + radius, y);
        _ = self.context.arc(x, y, radius, 0.0, TAU);
    }

    /// The look of the path that is being collected for the pen's mark; begins it unless it is begun.
    fn join(&mut self) -> Option<Rc<Look>> {
        let mark = self.pen.get();
        if let Some((_, look)) = self.open.as_ref().filter(|(open, _)| *open == mark) {
            return Some(Rc::clone(look));
        }
        self.close();
        let look = self.probe.look("path", mark.class())?;
        self.context.begin_path();
        self.open = Some((mark, Rc::clone(&look)));
        Some(look)
    }

    fn close(&mut self) {
        if let Some((mark, look)) = self.open.take() {
            if matches!(mark, Mark::Dot(_) | Mark::Halo) { self.paint_dots(&look) } else { self.paint(&look) }
        }
    }

    fn go(&self, path: impl IntoIterator<Item = BackendCoord>) {
        for (i, (x, y)) in path.into_iter().enumerate() {
            let (x, y) = (f64::from(x), f64::from(y));
            if i == 0 { self.context.move_to(x, y) } else { self.context.line_to(x, y) }
        }
    }

    /// Something that is painted by itself: its element in SVG, and its path.
    fn single(&mut self, tag: &'static str, class: String, path: impl FnOnce(&Self)) {
        self.close();
        if let Some(look) = self.probe.look(tag, class.clone()) {
            self.context.begin_path();
            path(self);
            self.paint(&look);
        }
        self.count(class);
    }
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Canvas {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    /// Says on the element what is drawn on it, as SVG would: `2 line s0 d0, 1 band s0`.
    fn present(&mut self) -> Drawn {
        self.close();
        let mut text = String::new();
        for (class, count) in &self.marks {
            _ = write!(text, "{}{count} {class}", if text.is_empty() { "" } else { ", " });
        }
        _ = self.element.set_attribute("data-marks", &text);
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, _: BackendColor) -> Drawn {
        let class = self.pen.get().class();
        self.single("rect", class, |canvas| canvas.context.rect(f64::from(x), f64::from(y), 1.0, 1.0));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, _: &S) -> Drawn {
        let mark = self.pen.get();
        if mark.is_joined() {
            self.join();
            self.go(corners);
            self.context.close_path();
            self.count(mark.class());
        } else {
            self.single("polygon", mark.class(), |canvas| {
                canvas.go(corners);
                canvas.context.close_path();
            });
        }
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, _: &S) -> Drawn {
        let (mark, path): (Mark, Vec<BackendCoord>) = (self.pen.get(), path.into_iter().collect());
        if mark.is_joined() {
            self.join();
            self.go(path);
            self.count(mark.class());
            return Ok(());
        }
        let Some((x, y)) = path.first().copied().filter(|first| path.iter().all(|place| place == first)) else {
            let long = path.len() > LONG;
            self.close();
            if let Some(look) = self.probe.look("polyline", mark.class()) {
                self.context.begin_path();
                self.go(path);
                self.stroke(&look, if long { "bevel" } else { &look.join });
            }
            self.count(mark.class());
            return Ok(());
        };
        // A line that goes nowhere is a point, which is seen only where it is larger than the line is wide.
        self.close();
        let class = format!("{} dot", mark.class());
        if let Some(look) = self.probe.look("polyline", class.clone()) {
            self.context.begin_path();
            self.dot((f64::from(x), f64::from(y)), look.width / 2.0);
            self.paint_dots(&look);
        }
        self.count(class);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, (x, y): BackendCoord, radius: u32, _: &S, _: bool) -> Drawn {
        let (mark, at) = (self.pen.get(), (f64::from(x), f64::from(y)));
        if mark.is_joined() {
            if let Some(look) = self.join() {
                self.dot(at, look.width / 2.0);
            }
            self.count(mark.class());
        } else {
            self.single("circle", mark.class(), |canvas| canvas.dot(at, f64::from(radius)));
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(&mut self, (left, top): BackendCoord, (right, bottom): BackendCoord, _: &S, _: bool) -> Drawn {
        let (x, y, width, height) = (left.min(right), top.min(bottom), left.abs_diff(right), top.abs_diff(bottom));
        let class = self.pen.get().class();
        self.single("rect", class, |canvas| canvas.context.rect(f64::from(x), f64::from(y), f64::from(width), f64::from(height)));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        self.close();
        let Some(look) = self.probe.look("text", String::new()) else { return Ok(()) };
        let align = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "center",
            HPos::Right => "end",
        };
        let down = match style.anchor().v_pos {
            VPos::Top => 0.8,
            VPos::Center => 0.35,
            VPos::Bottom => -0.3,
        };
        let (x, y) = (f64::from(x), f64::from(y) + down * look.size);
        self.context.set_font(&format!("{}px {}", look.size, look.family));
        self.context.set_text_align(align);
        self.context.set_global_alpha(1.0);
        // A rim in the ground's colour below it, as `paint-order: stroke` does.
        if let Some(rim) = &look.stroke {
            self.apply(&look, &look.join);
            self.context.set_stroke_style_str(rim);
            _ = self.context.stroke_text(text, x, y);
        }
        if let Some(fill) = &look.fill {
            self.context.set_fill_style_str(fill);
            _ = self.context.fill_text(text, x, y);
        }
        self.count("text".to_owned());
        Ok(())
    }
}
