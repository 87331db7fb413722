//! What charts are drawn on: SVG on the server, for the first paint and in files, and a canvas in the browser.

use super::{
    canvas::Canvas,
    svg::{Pen, SvgWriter},
};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};
use std::{convert::Infallible, sync::Arc};
use web_sys::HtmlCanvasElement;

/// Where a drawing goes.
pub enum Target<'a> {
    /// To the end of a text, as SVG.
    Svg(&'a mut String),
    /// In place of what was on it.
    Canvas(HtmlCanvasElement),
}

impl<'a> Target<'a> {
    /// The backend for a drawing of `size` units; none where the browser has no canvas to draw on.
    pub fn begin(self, size: (u32, u32), pen: Pen) -> Option<Surface<'a>> {
        match self {
            Self::Svg(text) => Some(Surface::Svg(SvgWriter::begin(text, size, pen))),
            Self::Canvas(element) => Canvas::begin(element, size, pen).map(|canvas| Surface::Canvas(Box::new(canvas))),
        }
    }
}

/// Either backend of plotters.
pub enum Surface<'a> {
    Svg(SvgWriter<'a>),
    Canvas(Box<Canvas>),
}

/// A chart that can be drawn: as SVG, or on a canvas, by the same code.
#[derive(Clone)]
pub struct Drawing(Arc<dyn Fn(Target<'_>) + Send + Sync>);

impl Drawing {
    pub fn new(draw: impl Fn(Target<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(draw))
    }

    pub fn on(&self, target: Target<'_>) {
        (self.0)(target);
    }

    /// As SVG.
    pub fn svg(&self) -> String {
        let mut text = String::new();
        self.on(Target::Svg(&mut text));
        text
    }
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

macro_rules! either {
    ($surface:ident, $backend:ident => $call:expr) => {
        match $surface {
            Surface::Svg($backend) => $call,
            Surface::Canvas($backend) => $call,
        }
    };
}

impl DrawingBackend for Surface<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        either!(self, backend => backend.get_size())
    }

    fn ensure_prepared(&mut self) -> Drawn {
        either!(self, backend => backend.ensure_prepared())
    }

    fn present(&mut self) -> Drawn {
        either!(self, backend => backend.present())
    }

    fn draw_pixel(&mut self, at: BackendCoord, colour: BackendColor) -> Drawn {
        either!(self, backend => backend.draw_pixel(at, colour))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, style: &S) -> Drawn {
        either!(self, backend => backend.fill_polygon(corners, style))
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        either!(self, backend => backend.draw_line(from, to, style))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        either!(self, backend => backend.draw_path(path, style))
    }

    fn draw_circle<S: BackendStyle>(&mut self, at: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        either!(self, backend => backend.draw_circle(at, radius, style, fill))
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Drawn {
        either!(self, backend => backend.draw_rect(from, to, style, fill))
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        either!(self, backend => backend.draw_text(text, style, at))
    }
}
