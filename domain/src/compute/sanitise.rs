//! What a program prints is shown to people: only text and colours may pass.

/// The line as it is safe to show: SGR colour sequences and tabs stay; every other control sequence, control character and
/// bidirectional override goes. A progress line that was overwritten shows its last state.
pub(super) fn sanitise(line: &str) -> String {
    let line = line.trim_end_matches(['\r', '\n']);
    let line = line.rsplit('\r').next().unwrap_or_default();
    let mut out = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => escape(&mut rest, &mut out),
            '\u{9b}' => csi(&mut rest, &mut out),
            // DCS, SOS, OSC, PM and APC in one character.
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut rest),
            '\t' => out.push('\t'),
            '\u{2028}' | '\u{2029}' => out.push(' '),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn escape(rest: &mut std::str::Chars<'_>, out: &mut String) {
    match rest.clone().next() {
        Some('[') => {
            rest.next();
            csi(rest, out);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(rest),
        // Two-character sequences, with any intermediates before the last.
        Some(' '..='~') => while rest.next().is_some_and(|c| (' '..='/').contains(&c)) {},
        _ => {}
    }
}

/// Up to the final byte; kept only where it sets colours.
fn csi(rest: &mut std::str::Chars<'_>, out: &mut String) {
    let mut parameters = String::new();
    loop {
        match rest.clone().next() {
            Some('m') if parameters.len() <= 64 && parameters.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':') => {
                rest.next();
                out.push_str("\u{1b}[");
                out.push_str(&parameters);
                out.push('m');
                return;
            }
            Some('@'..='~') => {
                rest.next();
                return;
            }
            Some(c @ ' '..='?') => {
                rest.next();
                parameters.push(c);
            }
            // Not a sequence after all; what follows is judged anew.
            _ => return,
        }
    }
}

/// Up to BEL or ST; where it never ends, all of the line.
fn skip_string(rest: &mut std::str::Chars<'_>) {
    while let Some(c) = rest.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' if rest.clone().next() == Some('\\') => {
                rest.next();
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sanitise;

    #[test]
    fn only_text_and_colours_pass() {
        let cases = [
            ("plain <script>\t&", "plain <script>\t&"),
            ("\u{1b}[31;1mred\u{1b}[0m", "\u{1b}[31;1mred\u{1b}[0m"),
            ("\u{1b}]8;;javascript:alert(1)\u{1b}\\click\u{1b}]8;;\u{7}", "click"),
            ("\u{1b}]52;c;ZXZpbA==\u{7}x", "x"),
            ("\u{1b}]0;title\u{9c}x", "x"),
            ("a\u{1b}[2Jb\u{1b}cc\u{1b}[?25ld", "abcd"),
            ("\u{1b}(Bx\u{1b}[>4;1my", "xy"),
            ("\u{9b}2Jx\u{9d}0;t\u{7}y", "xy"),
            ("\u{1b}Pdcs\u{1b}\\x", "x"),
            ("\u{1b}]0;never ends", ""),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
            ("a\u{202e}b\u{2066}c\u{0}d\u{8}", "abcd"),
            ("10%\r50%\r100%\r\n", "100%"),
            ("\u{1b}[31\u{1b}]0;x\u{7}y", "y"),
            ("\u{1b}\u{1b}[2Jx", "x"),
        ];
        for (dirty, clean) in cases {
            assert_eq!(sanitise(dirty), clean, "{dirty:?}");
            assert_eq!(sanitise(clean), clean, "stable: {clean:?}");
        }
    }

    #[test]
    fn a_hostile_line_takes_linear_time() {
        let start = std::time::Instant::now();
        for hostile in ["\u{1b}[1;", "\u{1b}]", "\u{1b}[", "\u{1b}\u{1b}"] {
            sanitise(&hostile.repeat(500_000));
        }
        assert!(start.elapsed().as_secs() < 5);
    }
}
