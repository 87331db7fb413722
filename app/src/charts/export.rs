//! A chart as a file: a picture that needs no style sheet, or all of its points.

use super::{api::Comparison, line::Line, picture::picture};
use std::fmt::Write as _;

/// Pixels of an exported picture.
pub const WIDTH: u32 = 960;
const HEIGHT: u32 = 420;

/// What the portal's style sheet says of charts, in its light theme.
const STYLE: &str = "<style>svg{background:#fff}text{fill:#5a6069;font:22px sans-serif}polyline{fill:none;stroke-width:3.2;stroke-linecap:round;stroke-linejoin:round}\
.grid{stroke:#dcdfe4;stroke-width:2}.axis{stroke:#9aa0a8;stroke-width:2}.dot{stroke-width:14}.faint{stroke-opacity:.3;stroke-width:2}.band{fill-opacity:.16}\
.line.s0{stroke:#0072b2}.line.s1{stroke:#b8520a}.line.s2{stroke:#00785a}.line.s3{stroke:#a8467f}.line.s4{stroke:#7a6a00}\
.line.s5{stroke:#2f7fb8}.line.s6{stroke:#825}.line.s7{stroke:#44528f}.line.s8{stroke:#6b6b6b}.line.s9{stroke:#a3272c}\
.band.s0{fill:#0072b2}.band.s1{fill:#b8520a}.band.s2{fill:#00785a}.band.s3{fill:#a8467f}.band.s4{fill:#7a6a00}\
.band.s5{fill:#2f7fb8}.band.s6{fill:#825}.band.s7{fill:#44528f}.band.s8{fill:#6b6b6b}.band.s9{fill:#a3272c}\
.d1{stroke-dasharray:14 8}.d2{stroke-dasharray:4 8}.d3{stroke-dasharray:18 6 4 6}</style>";

/// The chart as an SVG file; lines without a number in `shown` are left out.
pub fn svg(found: &Comparison, shown: impl Fn(usize) -> bool) -> String {
    let drawn = picture(&found.lines, &found.query, HEIGHT, shown);
    match drawn.split_once('>') {
        Some((head, rest)) => format!("{head} width=\"{}\" height=\"{HEIGHT}\">{STYLE}{rest}", found.query.width),
        None => drawn,
    }
}

/// A field of CSV. What a table program would take for a formula is a text there; a number stays one.
fn field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err() {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Every point of the lines as CSV, a gap as an empty field. The lines are to be whole, not reduced.
pub fn csv(found: &Comparison, shown: impl Fn(usize) -> bool) -> String {
    let mut text = "name,run,x,value,smoothed,low,high\n".to_owned();
    for (_, line) in found.lines.iter().enumerate().filter(|(i, _)| shown(*i)) {
        rows(&mut text, line);
    }
    text
}

fn rows(text: &mut String, line: &Line) {
    let number = |v: Option<f64>| v.filter(|v| v.is_finite()).map(|v| v.to_string()).unwrap_or_default();
    let (name, run) = (field(&line.name), field(line.run.as_str()));
    for (i, (x, value)) in line.raw.iter().enumerate() {
        let smooth = line.smooth.as_ref().and_then(|smooth| smooth.y.get(i)).copied();
        let (low, high) = line.band.as_ref().map(|(low, high)| (low.y.get(i).copied(), high.y.get(i).copied())).unwrap_or_default();
        _ = writeln!(text, "{name},{run},{x},{},{},{},{}", number(Some(value)), number(smooth), number(low), number(high));
    }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn fields_are_quoted_and_no_formulas() {
        for (text, written) in
            [("a", "a"), ("a,b", "\"a,b\""), ("say \"a\"", "\"say \"\"a\"\"\""), ("=1+1", "'=1+1"), ("-1", "-1"), ("-x", "'-x")]
        {
            assert_eq!(field(text), written);
        }
    }
}
