//! SVG as the portal's pages may carry it: classes instead of style attributes (the content security policy refuses those), so that the
//! style sheet gives lines their colours in both themes.

use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    text_anchor::{HPos, VPos},
};
use std::{cell::Cell, convert::Infallible, fmt::Write, rc::Rc};

/// What something that is drawn of values looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ink {
    /// Left aside.
    Off,
    /// By number, as lines have it.
    Own(usize),
    /// From 0 to `LEVELS - 1`: how large a value is.
    Level(usize),
}

/// Shades that a value's size is told by.
pub const LEVELS: usize = 12;

/// What is being drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    #[default]
    Grid,
    Axis,
    /// Line of this number, strong or faint.
    Line(usize, bool),
    /// Of the line of this number.
    Band(usize),
    /// One of many histories, strong or faint; those of one colour are one element.
    Many(usize, bool),
    /// One of many lines; those of one ink are one element.
    Path(Ink),
    /// One of many dots; those of one ink are one element.
    Dot(Ink),
    /// An area.
    Area(Ink),
    /// An area of many pieces, which are one element: there are no seams between them.
    Layer(Ink),
    /// Pieces of a line between areas, one element.
    Contour,
    /// What parts dots from the area that they lie on, one element.
    Halo,
    /// What is drawn on an area, and must be seen against it.
    Over,
    /// The best that there is.
    Front,
    /// What is pointed at.
    Lit,
}

impl Mark {
    /// The classes that the style sheet knows it by.
    pub fn class(self) -> String {
        match self {
            Self::Grid => "grid".to_owned(),
            Self::Axis => "axis".to_owned(),
            Self::Line(line, true) => line_class(line),
            Self::Band(line) => format!("band s{}", line % COLOURS),
            Self::Line(line, false) => format!("{} faint", line_class(line)),
            Self::Many(line, strong) => format!("line s{}{}", line % COLOURS, if strong { "" } else { " faint" }),
            Self::Path(ink) => format!("path {}", ink_class(ink)),
            Self::Dot(ink) => format!("dots {}", ink_class(ink)),
            Self::Area(ink) => format!("area {}", ink_class(ink)),
            Self::Layer(ink) => format!("area layer {}", ink_class(ink)),
            Self::Contour => "contour".to_owned(),
            Self::Halo => "dots halo".to_owned(),
            Self::Over => "over".to_owned(),
            Self::Front => "front".to_owned(),
            Self::Lit => "lit".to_owned(),
        }
    }

    /// Whether marks of its kind are drawn as one element: ten thousand would be slow.
    pub fn is_joined(self) -> bool {
        matches!(self, Self::Many(..) | Self::Path(_) | Self::Dot(_) | Self::Layer(_) | Self::Contour | Self::Halo)
    }
}

/// Tells an `SvgWriter` what is being drawn; the other backends of plotters go by colours.
pub type Pen = Rc<Cell<Mark>>;

/// Colours that are told apart; beyond them the same come again with other dashes.
pub const COLOURS: usize = 10;
/// Ways to dash a line.
const DASHES: usize = 4;

/// The classes of line number `line`.
pub fn line_class(line: usize) -> String {
    format!("line s{} d{}", line % COLOURS, line / COLOURS % DASHES)
}

/// A backend of plotters.
pub struct SvgWriter<'a> {
    text: &'a mut String,
    size: (u32, u32),
    pen: Pen,
    /// The mark whose element is not closed yet.
    open: Option<Mark>,
}

impl<'a> SvgWriter<'a> {
    /// Appends the drawing to `text`; `finish` it afterwards.
    pub fn begin(text: &'a mut String, (width, height): (u32, u32), pen: Pen) -> Self {
        let _ = write!(
            text,
            "<svg viewBox=\"0 0 {width} {height}\" xmlns=\"http://www.w3.org/2000/svg\" aria-hidden=\"true\" focusable=\"false\">"
        );
        Self { text, size: (width, height), pen, open: None }
    }

    fn class(&self) -> String {
        self.pen.get().class()
    }

    /// Begins the element of the pen's mark, unless it is being written already.
    fn join(&mut self) {
        if self.open != Some(self.pen.get()) {
            self.close();
            self.open = Some(self.pen.get());
            _ = write!(self.text, "<path class=\"{}\" d=\"", self.class());
        }
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.text.push_str("\"/>");
        }
    }
}

fn ink_class(ink: Ink) -> String {
    match ink {
        Ink::Off => "off".to_owned(),
        Ink::Own(n) => format!("s{}", n % COLOURS),
        Ink::Level(n) => format!("h{}", n.min(LEVELS - 1)),
    }
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for SvgWriter<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        self.close();
        self.text.push_str("</svg>");
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, _: BackendColor) -> Drawn {
        self.close();
        let _ = write!(self.text, "<rect class=\"{}\" x=\"{x}\" y=\"{y}\" width=\"1\" height=\"1\"/>", self.class());
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, _: &S) -> Drawn {
        if self.pen.get().is_joined() {
            self.join();
            for (i, (x, y)) in corners.into_iter().enumerate() {
                let _ = write!(self.text, "{}{x} {y}", if i > 0 { "L" } else { "M" });
            }
            self.text.push('Z');
            return Ok(());
        }
        self.close();
        let _ = write!(self.text, "<polygon class=\"{}\" points=\"", self.class());
        for (i, (x, y)) in corners.into_iter().enumerate() {
            let _ = write!(self.text, "{}{x},{y}", if i > 0 { " " } else { "" });
        }
        self.text.push_str("\"/>");
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, _: &S) -> Drawn {
        let path: Vec<BackendCoord> = path.into_iter().collect();
        if self.pen.get().is_joined() {
            self.join();
            // From place to place, which is shorter than where each is.
            let mut last = None;
            for (x, y) in path {
                let _ = match last.replace((x, y)) {
                    None => write!(self.text, "M{x} {y}"),
                    Some((a, b)) => write!(self.text, "l{} {}", x - a, y - b),
                };
            }
            return Ok(());
        }
        self.close();
        // A line that goes nowhere is a point, which is seen only where it is larger than the line is wide.
        let dot = if path.iter().all(|place| Some(place) == path.first()) { " dot" } else { "" };
        let _ = write!(self.text, "<polyline class=\"{}{dot}\" points=\"", self.class());
        for (i, (x, y)) in path.into_iter().enumerate() {
            let _ = write!(self.text, "{}{x},{y}", if i > 0 { " " } else { "" });
        }
        self.text.push_str("\"/>");
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, (x, y): BackendCoord, radius: u32, _: &S, _: bool) -> Drawn {
        if self.pen.get().is_joined() {
            self.join();
            // A line that goes nowhere has round ends.
            let _ = write!(self.text, "M{x} {y}h0");
        } else {
            self.close();
            let _ = write!(self.text, "<circle class=\"{}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>", self.class());
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(&mut self, (left, top): BackendCoord, (right, bottom): BackendCoord, _: &S, _: bool) -> Drawn {
        self.close();
        let (x, y, width, height) = (left.min(right), top.min(bottom), left.abs_diff(right), top.abs_diff(bottom));
        let _ = write!(self.text, "<rect class=\"{}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>", self.class());
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        self.close();
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        let dy = match style.anchor().v_pos {
            VPos::Top => "0.8em",
            VPos::Center => "0.35em",
            VPos::Bottom => "-0.3em",
        };
        let _ = write!(self.text, "<text x=\"{x}\" y=\"{y}\" dy=\"{dy}\" text-anchor=\"{anchor}\">");
        for c in text.chars() {
            match c {
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '&' => self.text.push_str("&amp;"),
                c => self.text.push(c),
            }
        }
        self.text.push_str("</text>");
        Ok(())
    }
}
