//! Markdown that somebody wrote, as HTML that cannot do anything: made on the server, so that the browser carries no parser.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// HTML that `SafeHtml::of_markdown` made: nothing of it came unescaped from anybody. Empty for an empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SafeHtml(String);

impl SafeHtml {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The HTML.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a Markdown text says. Raw HTML is shown as text, links lead to http, https, mail and the portal's own pages, pictures stay words.
    /// The first level of headings is below an `<h2>`.
    #[cfg(feature = "ssr")]
    pub fn of_markdown(text: &str) -> Self {
        Self(write::html(text))
    }
}

/// The words of a Markdown text's first line, without what sets them: a heading, or the beginning of a paragraph or list.
#[cfg(feature = "ssr")]
pub fn first_words(text: &str) -> String {
    use pulldown_cmark::{Event, Parser};
    let mut words = String::new();
    for event in Parser::new(text) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => words.push_str(&text),
            Event::SoftBreak | Event::HardBreak | Event::End(_) if words.trim().is_empty() => {}
            Event::SoftBreak | Event::HardBreak => break,
            Event::End(end) if !is_within_a_line(end) => break,
            _ => {}
        }
    }
    words.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

#[cfg(feature = "ssr")]
fn is_within_a_line(end: pulldown_cmark::TagEnd) -> bool {
    use pulldown_cmark::TagEnd;
    matches!(end, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image)
}

/// A text that was written in Markdown.
#[component]
pub fn Markdown(#[prop(into)] html: Signal<SafeHtml>) -> impl IntoView {
    view! { <div class="markdown" inner_html=move || html.with(|html| html.as_str().to_owned())></div> }
}

#[cfg(feature = "ssr")]
mod write {
    use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag};

    /// Longest text that is read as Markdown, in bytes; the rest is left out, and that is said.
    const LONGEST: usize = 256 * 1024;
    /// Elements within one another; what is deeper loses its own element and keeps its words.
    const DEEPEST: usize = 32;
    /// The heading that the text stands under.
    const ABOVE: u8 = 2;

    pub(super) fn html(text: &str) -> String {
        let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
        let mut writer = Writer { heading: ABOVE, ..Writer::default() };
        for event in Parser::new_ext(&text[..end], options) {
            writer.take(event);
        }
        if end < text.len() {
            writer.html.push_str("<p><em>The text goes on; this is its beginning.</em></p>");
        }
        writer.html
    }

    #[derive(Default)]
    struct Writer {
        html: String,
        /// What closes each open element; empty where it has none of its own.
        open: Vec<&'static str>,
        in_table_head: bool,
        /// Level of the last heading.
        heading: u8,
    }

    impl Writer {
        fn take(&mut self, event: Event<'_>) {
            match event {
                Event::Start(tag) => self.start(tag),
                Event::End(_) => {
                    let close = self.open.pop().unwrap_or_default();
                    self.in_table_head &= close != "</tr></thead>";
                    self.html.push_str(close);
                }
                Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                    self.text(&text);
                }
                Event::Code(text) => {
                    self.html.push_str("<code>");
                    self.text(&text);
                    self.html.push_str("</code>");
                }
                Event::FootnoteReference(name) => {
                    self.text("[^");
                    self.text(&name);
                    self.text("]");
                }
                Event::SoftBreak => self.html.push('\n'),
                Event::HardBreak => self.html.push_str("<br>"),
                Event::Rule => self.html.push_str("<hr>"),
                Event::TaskListMarker(done) => self.html.push_str(if done { "☑ " } else { "☐ " }),
            }
        }

        fn start(&mut self, tag: Tag<'_>) {
            if self.open.len() >= DEEPEST {
                self.open.push("");
                return;
            }
            let close = match tag {
                Tag::Heading { level, .. } => self.heading(level),
                Tag::Link { dest_url, .. } => self.link(&dest_url),
                Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                    self.plain("<pre tabindex=\"0\"><code>", "</code></pre>")
                }
                Tag::List(Some(first)) if first != 1 => {
                    self.html.push_str("<ol start=\"");
                    self.text(&first.to_string());
                    self.plain("\">", "</ol>")
                }
                Tag::List(Some(_)) => self.plain("<ol>", "</ol>"),
                Tag::List(None) => self.plain("<ul>", "</ul>"),
                Tag::TableHead => {
                    self.in_table_head = true;
                    self.plain("<thead><tr>", "</tr></thead>")
                }
                Tag::TableCell if self.in_table_head => self.plain("<th scope=\"col\">", "</th>"),
                Tag::TableCell => self.plain("<td>", "</td>"),
                Tag::TableRow => self.plain("<tr>", "</tr>"),
                Tag::Table(_) => self.plain("<div class=\"table-wrap\" tabindex=\"0\"><table class=\"table\">", "</table></div>"),
                Tag::Paragraph | Tag::HtmlBlock => self.plain("<p>", "</p>"),
                Tag::BlockQuote(_) => self.plain("<blockquote>", "</blockquote>"),
                Tag::Item => self.plain("<li>", "</li>"),
                Tag::Emphasis => self.plain("<em>", "</em>"),
                Tag::Strong => self.plain("<strong>", "</strong>"),
                Tag::Strikethrough => self.plain("<del>", "</del>"),
                // A picture would be fetched from wherever the text says.
                Tag::Image { .. } => self.plain("<span class=\"md-picture\">Picture: ", "</span>"),
                _ => "",
            };
            self.open.push(close);
        }

        fn plain(&mut self, open: &str, close: &'static str) -> &'static str {
            self.html.push_str(open);
            close
        }

        /// Levels never jump, whatever the text does, so that the page's outline stays whole.
        fn heading(&mut self, level: HeadingLevel) -> &'static str {
            self.heading = (ABOVE + level as u8).min(self.heading + 1).min(6);
            match self.heading {
                ..=3 => self.plain("<h3>", "</h3>"),
                4 => self.plain("<h4>", "</h4>"),
                5 => self.plain("<h5>", "</h5>"),
                _ => self.plain("<h6>", "</h6>"),
            }
        }

        fn link(&mut self, url: &str) -> &'static str {
            let rel = match place(url) {
                Place::Refused => return "",
                Place::Here => "",
                Place::Elsewhere => "\" rel=\"external noopener noreferrer nofollow",
            };
            self.html.push_str("<a href=\"");
            self.text(url);
            self.html.push_str(rel);
            self.plain("\">", "</a>")
        }

        fn text(&mut self, text: &str) {
            for c in text.chars() {
                match c {
                    '<' => self.html.push_str("&lt;"),
                    '>' => self.html.push_str("&gt;"),
                    '&' => self.html.push_str("&amp;"),
                    '"' => self.html.push_str("&quot;"),
                    '\'' => self.html.push_str("&#39;"),
                    c if is_hidden(c) => self.html.push('\u{fffd}'),
                    c => self.html.push(c),
                }
            }
        }
    }

    /// What turns text around or ends it early.
    fn is_hidden(c: char) -> bool {
        (c.is_control() && !matches!(c, '\n' | '\t' | '\r')) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    }

    enum Place {
        Elsewhere,
        /// A page of this portal.
        Here,
        Refused,
    }

    /// Where a link leads; what a browser may read in another way than this is refused.
    fn place(url: &str) -> Place {
        let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\' || is_hidden(c);
        if url.chars().any(odd) {
            return Place::Refused;
        }
        let lower = url.to_ascii_lowercase();
        if ["http://", "https://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme)) {
            return Place::Elsewhere;
        }
        // `//host` is another host; a path that does not begin at the root would depend on the page that shows it.
        if url.starts_with('/') && !url.starts_with("//") { Place::Here } else { Place::Refused }
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::{SafeHtml, first_words};

    fn html(text: &str) -> String {
        SafeHtml::of_markdown(text).0
    }

    #[test]
    fn markdown_says_what_it_means() {
        for (text, expected) in [
            ("# One\n\n### Two", "<h3>One</h3><h4>Two</h4>"),
            ("a *b* **c** ~~d~~ `e<`", "<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e&lt;</code></p>"),
            ("- a\n- [x] b", "<ul><li>a</li><li>☑ b</li></ul>"),
            ("3. a", "<ol start=\"3\"><li>a</li></ol>"),
            ("```python\na < b\n```", "<pre tabindex=\"0\"><code>a &lt; b\n</code></pre>"),
            ("[x](/t/vision/runs/1)", "<p><a href=\"/t/vision/runs/1\">x</a></p>"),
            (
                "[x](https://a.example/?a=1&b=\"2\")",
                "<p><a href=\"https://a.example/?a=1&amp;b=&quot;2&quot;\" rel=\"external noopener noreferrer nofollow\">x</a></p>",
            ),
            (
                "|a|b|\n|-|-|\n|1|2|",
                "<div class=\"table-wrap\" tabindex=\"0\"><table class=\"table\"><thead><tr><th scope=\"col\">a</th><th scope=\"col\">b</th></tr></thead>\
                 <tr><td>1</td><td>2</td></tr></table></div>",
            ),
            ("", ""),
        ] {
            assert_eq!(html(text), expected, "{text}");
        }
    }

    #[test]
    fn the_first_words_are_those_of_the_first_line_without_what_sets_them() {
        for (text, words) in [
            ("## What *it* is `for`\n\nmore", "What it is for"),
            ("\n\n- **one** [two](https://a.example)\n- three", "one two"),
            ("plain\nsecond", "plain"),
            ("a\\\nb", "a"),
            ("<script>alert(1)</script>\n", "<script>alert(1)</script>"),
            ("---\n\n> quoted", "quoted"),
            ("", ""),
        ] {
            assert_eq!(first_words(text), words, "{text:?}");
        }
    }

    /// Every element and attribute that may ever be written.
    fn is_inert(html: &str) -> bool {
        const ELEMENTS: [&str; 27] = [
            "h3",
            "h4",
            "h5",
            "h6",
            "p",
            "em",
            "strong",
            "del",
            "code",
            "pre",
            "ul",
            "ol",
            "li",
            "blockquote",
            "table",
            "thead",
            "tr",
            "th",
            "td",
            "div",
            "span",
            "a",
            "br",
            "hr",
            "tbody",
            "sub",
            "sup",
        ];
        const ATTRIBUTES: [&str; 6] = ["tabindex", "class", "scope", "start", "rel", "href"];
        html.split('<').skip(1).all(|rest| {
            let Some((tag, _)) = rest.split_once('>') else { return false };
            let (name, rest) = tag.trim_start_matches('/').split_once(' ').unwrap_or((tag.trim_start_matches('/'), ""));
            let mut pieces = rest.split('"');
            let mut fine = ELEMENTS.contains(&name);
            while let Some(attribute) = pieces.next().map(str::trim).filter(|a| !a.is_empty()) {
                let value = pieces.next().unwrap_or_default();
                let attribute = attribute.trim_end_matches('=');
                let link =
                    attribute != "href" || ["http://", "https://", "mailto:", "/"].iter().any(|s| value.to_lowercase().starts_with(s));
                fine &= ATTRIBUTES.contains(&attribute) && link && !value.starts_with("//");
            }
            fine
        })
    }

    #[test]
    fn nothing_of_what_attackers_write_becomes_active() {
        for bad in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "a <b onmouseover=alert(1)>b</b>",
            "<svg><script>alert(1)</script></svg>",
            "<iframe src=https://evil.example></iframe>",
            "<div\nonclick=alert(1)>\n\ntext\n\n</div>",
            "<!-- --><script>alert(1)</script>",
            "<![CDATA[<script>]]>",
            "<?php echo 1 ?>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](java\tscript:alert(1))",
            "[x](<java\nscript:alert(1)>)",
            "[x](&#106;avascript:alert(1))",
            "[x](javascript&colon;alert(1))",
            "[x](\u{1}javascript:alert(1))",
            "[x](data:text/html,<script>alert(1)</script>)",
            "[x](vbscript:msgbox(1))",
            "[x](//evil.example)",
            "[x](/\\evil.example)",
            "[x](\\\\evil.example)",
            "[x](/\t/evil.example)",
            "[x](https://a.example/\"onmouseover=\"alert(1))",
            "[x](https://a.example \"t\\\" onmouseover=alert(1)\")",
            "<javascript:alert(1)>",
            "<https://a.example/\"><script>alert(1)</script>>",
            "![x](https://evil.example/pixel.png)",
            "![x\" onerror=alert(1)](x)",
            "[![x](x)](javascript:alert(1))",
            "[x][1]\n\n[1]: javascript:alert(1)",
            "```\"><script>\n</code></pre><script>alert(1)</script>\n```",
            "`</code><script>alert(1)</script>`",
            "|<script>|a|\n|-|-|\n|<img src=x onerror=alert(1)>|[x](javascript:1)|",
            "# <script>alert(1)</script>",
            "$\\href{javascript:alert(1)}{x}$",
            "{{constructor.constructor('alert(1)')()}}",
            "\0<script>alert(1)</script>",
        ] {
            let html = html(bad);
            assert!(is_inert(&html), "{bad:?} became {html}");
            for active in ["<script", "<img", "<svg", "<iframe", "href=\"javascript", "href=\"data"] {
                assert!(!html.to_lowercase().contains(active), "{bad:?} became {html}");
            }
        }
        assert!(!html("a\u{202e}b").contains('\u{202e}'));
        assert!(!is_inert("<p onclick=\"x\">a</p>") && !is_inert("<script>"), "the check itself finds something");
    }

    #[test]
    fn what_is_deep_or_long_stays_bounded() {
        let deep = html(&format!("{} x", ">".repeat(5000)));
        assert!(deep.matches("<blockquote>").count() <= 32 && deep.contains('x') && is_inert(&deep));
        let long = html(&"word ".repeat(200_000));
        assert!(long.len() < 300_000 && long.contains("The text goes on"));
        assert!(is_inert(&html(&"*_`[(<".repeat(20_000))));
    }
}
