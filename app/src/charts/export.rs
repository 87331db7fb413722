//! A chart as a file: a picture that needs no style sheet, or all of its points.

use super::{
    api::Comparison,
    line::Line,
    picture::picture,
    query::Kind,
    values::{Look, Sheet, scene},
};
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
.path{fill:none;stroke-width:2.4;stroke-opacity:.75}.dots{fill:none;stroke-width:14;stroke-linecap:round;stroke-opacity:.85}.area{fill-opacity:.85;stroke:none}.off{stroke:#c9ccd1;stroke-opacity:.45}.front{fill:none;stroke:#1d2026;stroke-width:3;stroke-dasharray:10 6}.over{fill:none;stroke:#1d2026;stroke-width:3}.h0{stroke:#b6d7e8}.area.h0{fill:#b6d7e8}.h1{stroke:#9ccbe3}.area.h1{fill:#9ccbe3}.h2{stroke:#7fbddc}.area.h2{fill:#7fbddc}.h3{stroke:#62acd4}.area.h3{fill:#62acd4}.h4{stroke:#489acb}.area.h4{fill:#489acb}.h5{stroke:#3686c0}.area.h5{fill:#3686c0}.h6{stroke:#2b72b4}.area.h6{fill:#2b72b4}.h7{stroke:#2a5da4}.area.h7{fill:#2a5da4}.h8{stroke:#2f4891}.area.h8{fill:#2f4891}.h9{stroke:#34337a}.area.h9{fill:#34337a}.h10{stroke:#341f60}.area.h10{fill:#341f60}.h11{stroke:#2c0f45}.area.h11{fill:#2c0f45}.s0{stroke:#0072b2}.area.s0{fill:#0072b2}.s1{stroke:#b8520a}.area.s1{fill:#b8520a}.s2{stroke:#00785a}.area.s2{fill:#00785a}.s3{stroke:#a8467f}.area.s3{fill:#a8467f}.s4{stroke:#7a6a00}.area.s4{fill:#7a6a00}.s5{stroke:#2f7fb8}.area.s5{fill:#2f7fb8}.s6{stroke:#825}.area.s6{fill:#825}.s7{stroke:#44528f}.area.s7{fill:#44528f}.s8{stroke:#6b6b6b}.area.s8{fill:#6b6b6b}.s9{stroke:#a3272c}.area.s9{fill:#a3272c}\
.d1{stroke-dasharray:14 8}.d2{stroke-dasharray:4 8}.d3{stroke-dasharray:18 6 4 6}</style>";

/// The chart as an SVG file; lines without a number in `shown` are left out.
pub fn svg(found: &Comparison, look: &Look, shown: impl Fn(usize) -> bool) -> String {
    let drawn = if found.query.chart == Kind::Line {
        picture(&found.lines, &found.query, HEIGHT, shown)
    } else {
        scene(&found.values, &found.query, look, HEIGHT).svg()
    };
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

/// Every point of the lines as CSV, a gap as an empty field; the lines are to be whole, not reduced. Or the values that a chart of them shows.
pub fn csv(found: &Comparison, look: &Look, shown: impl Fn(usize) -> bool) -> String {
    if found.query.chart != Kind::Line {
        return of_values(found, &scene(&found.values, &found.query, look, HEIGHT).sheet);
    }
    let mut text = "name,run,x,value,smoothed,low,high\n".to_owned();
    for (_, line) in found.lines.iter().enumerate().filter(|(i, _)| shown(*i)) {
        rows(&mut text, line);
    }
    text
}

fn of_values(found: &Comparison, sheet: &Sheet) -> String {
    let mut text = std::iter::once(sheet.first.to_lowercase())
        .chain(["id".to_owned()])
        .chain(sheet.heads.iter().map(|head| field(head)))
        .collect::<Vec<_>>()
        .join(",")
        + "\n";
    for row in &sheet.rows {
        let id = row.run.and_then(|run| found.values.runs.get(run)).map_or("", |named| named.id.as_str());
        let cells = [field(&row.name), field(id)].into_iter().chain(row.cells.iter().map(|cell| field(cell)));
        text += &cells.collect::<Vec<_>>().join(",");
        text.push('\n');
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
