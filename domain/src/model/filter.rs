//! MLflow's filter language: conditions joined by AND, for every search; and its ORDER BY.
//!
//! `[entity.]key op value (AND …)*`, keywords in any case, keys with odd characters in backticks or double quotes, text in single or double
//! quotes (<https://mlflow.org/docs/latest/ml/search/search-runs>). Reading is linear in the text. What entities, keys and operators a
//! search knows is said by the search itself; errors carry the place, so that a form can mark the word.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest filter, in bytes: a list of three thousand ids.
pub const FILTER_LENGTH: usize = 128 * 1024;
/// Longest pattern of LIKE, in characters.
pub const PATTERN_LENGTH: usize = 2000;
/// Most conditions of one filter.
pub const CONDITIONS: usize = 64;

/// What cannot be read, and where: bytes `start..end` of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterError {
    pub start: usize,
    pub end: usize,
    pub reason: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at character {})", self.reason, self.start + 1)
    }
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Comparator {
    Gt,
    Ge,
    Eq,
    Ne,
    Lt,
    Le,
    Like,
    ILike,
    RLike,
    In,
    NotIn,
    IsNull,
    IsNotNull,
}

impl Comparator {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Like => "LIKE",
            Self::ILike => "ILIKE",
            Self::RLike => "RLIKE",
            Self::In => "IN",
            Self::NotIn => "NOT IN",
            Self::IsNull => "IS NULL",
            Self::IsNotNull => "IS NOT NULL",
        }
    }
    /// `> >= < <=`
    pub fn is_order(self) -> bool {
        matches!(self, Self::Gt | Self::Ge | Self::Lt | Self::Le)
    }
}

/// What a condition compares with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Literal {
    Number(f64),
    Text(String),
    List(Vec<Literal>),
    /// Of IS NULL and IS NOT NULL.
    Nothing,
}

/// `entity.key op value`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// As written, in lower case; none where the key stands alone.
    pub entity: Option<String>,
    /// Without quotes.
    pub key: String,
    pub op: Comparator,
    pub value: Literal,
    /// Bytes of the text.
    pub start: usize,
    pub end: usize,
}

impl Condition {
    /// This condition cannot be used, because of `reason`.
    pub fn refuse(&self, reason: impl Into<String>) -> FilterError {
        FilterError { start: self.start, end: self.end, reason: reason.into() }
    }

    /// The value as text.
    ///
    /// # Errors
    /// Where it is a number or a list: text must be quoted.
    pub fn text(&self) -> Result<&str, FilterError> {
        match &self.value {
            Literal::Text(text) => Ok(text),
            _ => Err(self.refuse(format!("The value of {} must be text in quotes", self.key))),
        }
    }

    /// The value as a number.
    ///
    /// # Errors
    /// Where it is text or a list.
    pub fn number(&self) -> Result<f64, FilterError> {
        match self.value {
            Literal::Number(number) => Ok(number),
            _ => Err(self.refuse(format!("The value of {} must be a number", self.key))),
        }
    }

    /// The value as a list of texts, which is not empty.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn texts(&self) -> Result<Vec<&str>, FilterError> {
        let refused = || self.refuse(format!("The value of {} must be a list of texts in quotes", self.key));
        let Literal::List(list) = &self.value else { return Err(refused()) };
        list.iter().map(|item| if let Literal::Text(text) = item { Ok(text.as_str()) } else { Err(refused()) }).collect()
    }

    /// Refuses every comparator but these.
    ///
    /// # Errors
    /// Names the ones that are known.
    pub fn only(&self, known: &[Comparator]) -> Result<(), FilterError> {
        if known.contains(&self.op) {
            return Ok(());
        }
        let known: Vec<_> = known.iter().map(|op| op.as_str()).collect();
        Err(self.refuse(format!("{} cannot be compared with {}; use one of {}", self.key, self.op.as_str(), known.join(", "))))
    }
}

/// `entity.key [ASC|DESC]`; without a direction it is ascending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub entity: Option<String>,
    pub key: String,
    pub ascending: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// Letters, digits and what else a bare key may have.
    Word(String),
    Backticked(String),
    DoubleQuoted(String),
    SingleQuoted(String),
    Number(f64),
    Op(Comparator),
    Dot,
    Open,
    Close,
    Comma,
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    start: usize,
    end: usize,
}

fn error(start: usize, end: usize, reason: impl Into<String>) -> FilterError {
    FilterError { start, end, reason: reason.into() }
}

fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let bytes = text.as_bytes();
    let mut all: Vec<Token> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let rest = &text[at..];
        let Some(c) = rest.chars().next() else { break };
        let kind = match c {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '\'' | '"' | '`' => {
                let (content, length) = quoted(rest, c).ok_or_else(|| error(start, text.len(), format!("A closing {c} is missing")))?;
                at += length;
                match c {
                    '`' => Kind::Backticked(content),
                    '"' => Kind::DoubleQuoted(content),
                    _ => Kind::SingleQuoted(content),
                }
            }
            '(' | ')' | ',' => {
                at += 1;
                match c {
                    '(' => Kind::Open,
                    ')' => Kind::Close,
                    _ => Kind::Comma,
                }
            }
            '>' | '<' | '=' | '!' => {
                let signs = [
                    (">=", Comparator::Ge),
                    ("<=", Comparator::Le),
                    ("!=", Comparator::Ne),
                    (">", Comparator::Gt),
                    ("<", Comparator::Lt),
                    ("=", Comparator::Eq),
                ];
                let Some((sign, op)) = signs.into_iter().find(|(sign, _)| rest.starts_with(sign)) else {
                    return Err(error(start, start + 1, "This is no comparison; use one of > >= = != < <="));
                };
                at += sign.len();
                Kind::Op(op)
            }
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) || follows_name(all.last(), start) => {
                at += 1;
                Kind::Dot
            }
            c if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') && !follows_dot(all.last()) => {
                let length =
                    rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '+' | '_' | '/' | ':'))).unwrap_or(rest.len());
                at += length;
                match rest[..length].parse::<f64>() {
                    Ok(number) if number.is_finite() && !follows_dot(all.last()) => Kind::Number(number),
                    // A key may begin with a digit.
                    _ => Kind::Word(rest[..length].to_owned()),
                }
            }
            c if is_word(c) => {
                let length = rest.find(|c: char| !(is_word(c) || matches!(c, '.' | '-'))).unwrap_or(rest.len());
                at += length;
                Kind::Word(rest[..length].to_owned())
            }
            c => {
                return Err(error(
                    start,
                    start + c.len_utf8(),
                    format!("The character {c:?} does not belong here; put names with such characters in backticks"),
                ));
            }
        };
        all.push(Token { kind, start, end: at });
    }
    Ok(all)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '/' | ':' | '@' | '$')
}

fn follows_dot(last: Option<&Token>) -> bool {
    last.is_some_and(|t| match &t.kind {
        Kind::Dot => true,
        Kind::Word(word) => word.ends_with('.'),
        _ => false,
    })
}

fn follows_name(last: Option<&Token>, at: usize) -> bool {
    last.is_some_and(|t| t.end == at && matches!(t.kind, Kind::Word(_) | Kind::Backticked(_) | Kind::DoubleQuoted(_)))
}

/// What stands between the quotes, and how long it is with them. A quote that is doubled is one of the text.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut content = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((i, c)) = chars.next() {
        if c != quote {
            content.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            content.push(c);
            chars.next();
        } else {
            return Some((content, i + 1));
        }
    }
    None
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Result<Self, FilterError> {
        if text.len() > FILTER_LENGTH {
            return Err(error(0, text.len(), format!("The filter is longer than {FILTER_LENGTH} bytes")));
        }
        Ok(Self { text, tokens: tokens(text)?, at: 0 })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self, expected: &str) -> Result<Token, FilterError> {
        let token =
            self.peek().cloned().ok_or_else(|| error(self.text.len(), self.text.len(), format!("{expected} is missing at the end")))?;
        self.at += 1;
        Ok(token)
    }

    /// Takes the next word, if it is this one in any case.
    fn takes(&mut self, keyword: &str) -> bool {
        let is = matches!(self.peek().map(|t| &t.kind), Some(Kind::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(is);
        is
    }

    /// `entity.key`, `key`, `entity.'quoted key'`, each part bare or quoted. What comes after the first dot is the key.
    fn name(&mut self) -> Result<(Option<String>, String, usize), FilterError> {
        let first = self.next("A name")?;
        let (mut entity, mut key, mut more) = match first.kind {
            Kind::Word(word) => match word.split_once('.') {
                Some((entity, "")) => (Some(entity.to_ascii_lowercase()), None, true),
                Some((entity, key)) => (Some(entity.to_ascii_lowercase()), Some(key.to_owned()), false),
                None => (None, Some(word), false),
            },
            Kind::Backticked(word) | Kind::DoubleQuoted(word) => (None, Some(word), false),
            _ => return Err(error(first.start, first.end, "A name such as metrics.loss belongs here")),
        };
        if entity.is_none() && matches!(self.peek().map(|t| &t.kind), Some(Kind::Dot)) {
            self.at += 1;
            entity = key.take().map(|k| k.to_ascii_lowercase());
            more = true;
        }
        if more {
            let part = self.next("The name after the dot")?;
            key = match part.kind {
                Kind::Word(word) | Kind::Backticked(word) | Kind::DoubleQuoted(word) => Some(word),
                _ => return Err(error(part.start, part.end, "A name belongs after the dot")),
            };
        }
        // MLflow spells one attribute in two words: "run name".
        if entity.is_none() && key.as_deref().is_some_and(|k| k.eq_ignore_ascii_case("run")) && self.takes("name") {
            key = Some("run name".to_owned());
        }
        let key = key.filter(|k| !k.is_empty()).ok_or_else(|| error(first.start, first.end, "The name is empty"))?;
        Ok((entity, key, first.start))
    }

    fn comparator(&mut self) -> Result<Comparator, FilterError> {
        let token = self.next("A comparison such as = or LIKE")?;
        let unknown = |token: &Token| {
            error(token.start, token.end, "A comparison belongs here: > >= = != < <= LIKE, ILIKE, IN, NOT IN, IS NULL or IS NOT NULL")
        };
        match &token.kind {
            Kind::Op(op) => Ok(*op),
            Kind::Word(word) => match word.to_ascii_uppercase().as_str() {
                "LIKE" => Ok(Comparator::Like),
                "ILIKE" => Ok(Comparator::ILike),
                "RLIKE" => Ok(Comparator::RLike),
                "IN" => Ok(Comparator::In),
                "NOT" if self.takes("IN") => Ok(Comparator::NotIn),
                "IS" if self.takes("NULL") => Ok(Comparator::IsNull),
                "IS" if self.takes("NOT") && self.takes("NULL") => Ok(Comparator::IsNotNull),
                _ => Err(unknown(&token)),
            },
            _ => Err(unknown(&token)),
        }
    }

    fn literal(&mut self) -> Result<Literal, FilterError> {
        let token = self.next("A value")?;
        match token.kind {
            Kind::Number(number) => Ok(Literal::Number(number)),
            Kind::SingleQuoted(text) | Kind::DoubleQuoted(text) => Ok(Literal::Text(text)),
            _ => Err(error(token.start, token.end, "A value belongs here: a number, or text in quotes")),
        }
    }

    fn list(&mut self) -> Result<Literal, FilterError> {
        let open = self.next("A list in brackets")?;
        if open.kind != Kind::Open {
            return Err(error(open.start, open.end, "A list such as ('a', 'b') belongs here"));
        }
        let mut list = vec![self.literal()?];
        loop {
            let token = self.next("A closing bracket")?;
            match token.kind {
                // MLflow's own clients leave a comma at the end.
                Kind::Comma if matches!(self.peek().map(|t| &t.kind), Some(Kind::Close)) => {}
                Kind::Comma => list.push(self.literal()?),
                Kind::Close => return Ok(Literal::List(list)),
                _ => return Err(error(token.start, token.end, "A comma or a closing bracket belongs here")),
            }
        }
    }

    fn condition(&mut self) -> Result<Condition, FilterError> {
        let (entity, key, start) = self.name()?;
        let op = self.comparator()?;
        let value = match op {
            Comparator::In | Comparator::NotIn => self.list()?,
            Comparator::IsNull | Comparator::IsNotNull => Literal::Nothing,
            _ => self.literal()?,
        };
        let end = self.tokens[self.at - 1].end;
        if matches!(op, Comparator::Like | Comparator::ILike | Comparator::RLike)
            && matches!(&value, Literal::Text(pattern) if pattern.chars().nth(PATTERN_LENGTH).is_some())
        {
            return Err(error(start, end, format!("A pattern has at most {PATTERN_LENGTH} characters")));
        }
        Ok(Condition { entity, key, op, value, start, end })
    }
}

/// Reads a filter. A blank one has no conditions.
///
/// # Errors
/// What cannot be read, and where.
pub fn parse_filter(text: &str) -> Result<Vec<Condition>, FilterError> {
    let mut reader = Reader::new(text)?;
    let mut conditions = Vec::new();
    while reader.peek().is_some() {
        conditions.push(reader.condition()?);
        if conditions.len() > CONDITIONS {
            return Err(error(0, text.len(), format!("A filter has at most {CONDITIONS} conditions")));
        }
        if let Some(next) = reader.peek().cloned() {
            if !reader.takes("AND") {
                return Err(error(next.start, next.end, "Conditions are joined by AND, and by nothing else"));
            }
            if reader.peek().is_none() {
                return Err(error(next.start, next.end, "A condition is missing after AND"));
            }
        }
    }
    Ok(conditions)
}

/// Reads one entry of an ORDER BY.
///
/// # Errors
/// What cannot be read, and where.
pub fn parse_order(text: &str) -> Result<Order, FilterError> {
    let mut reader = Reader::new(text)?;
    let (entity, key, _) = reader.name()?;
    let ascending = if reader.takes("DESC") { false } else { reader.takes("ASC") || reader.peek().is_none() };
    match reader.peek() {
        None => Ok(Order { entity, key, ascending }),
        Some(token) => Err(error(token.start, token.end, "ASC or DESC belongs here, and nothing after it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Condition {
        let mut all = parse_filter(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0)
    }

    #[test]
    fn names_come_bare_and_quoted() {
        for (text, entity, key) in [
            ("metrics.acc > 0.1", Some("metrics"), "acc"),
            ("METRICS.acc>0.1", Some("metrics"), "acc"),
            ("tags.mlflow.source.name = 's1'", Some("tags"), "mlflow.source.name"),
            ("tags.`mlflow.source.name` = 's1'", Some("tags"), "mlflow.source.name"),
            ("tags.\"mlflow.source.name\" = \"s3\"", Some("tags"), "mlflow.source.name"),
            ("tags . `a b` = 'x'", Some("tags"), "a b"),
            ("run_name = 'x'", None, "run_name"),
            ("run name = 'x'", None, "run name"),
            ("`run name` = 'x'", None, "run name"),
            ("attributes.`run name` LIKE 'x%'", Some("attributes"), "run name"),
            ("metrics.loss-2 < 1", Some("metrics"), "loss-2"),
            ("metrics.a/b:c = 1", Some("metrics"), "a/b:c"),
            ("metrics.`a/b c` = 1", Some("metrics"), "a/b c"),
            ("params.2nd = 'x'", Some("params"), "2nd"),
            ("params.`2` = 'x'", Some("params"), "2"),
        ] {
            let condition = one(text);
            assert_eq!((condition.entity.as_deref(), condition.key.as_str()), (entity, key), "{text}");
        }
    }

    #[test]
    fn values_are_numbers_texts_and_lists() {
        assert_eq!(one("metrics.a >= -1.5e3").value, Literal::Number(-1500.0));
        assert_eq!(one("metrics.a >= .5").value, Literal::Number(0.5));
        assert_eq!(one("params.a != 'it''s'").value, Literal::Text("it's".into()));
        assert_eq!(one("run_id IN ('a', \"b\",)").texts().expect("texts"), ["a", "b"]);
        assert_eq!(one("run_id not in ('a')").op, Comparator::NotIn);
        assert_eq!(one("tags.a IS NOT NULL").op, Comparator::IsNotNull);
        assert_eq!(one("tags.a is null").op, Comparator::IsNull);
        assert_eq!(parse_filter("  ").expect("blank"), []);
        assert_eq!(parse_filter("metrics.a > 0 AND params.o = 'Adam' and tags.k='b'").expect("three").len(), 3);
        assert_eq!(parse_filter("tags.and = 'and' AND tags.k='b'").expect("two").len(), 2);
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        for (text, at) in [
            ("metrics.acc >", 13),
            ("metrics.acc > 0 OR metrics.acc < 1", 16),
            ("(metrics.acc > 0)", 0),
            ("tags.k = a", 9),
            ("name ==== 'x'", 6),
            ("metrics.a > 1; DROP TABLE runs--", 13),
            ("params.x = '' OR '1'='1'", 14),
            ("params.x = 'open", 11),
            ("metrics.a > 1 AND", 14),
            ("metrics. > 1", 9),
            ("run_id IN ()", 11),
            ("run_id IN 'a'", 10),
            ("a = 1 b = 2", 6),
        ] {
            let error = parse_filter(text).expect_err(text);
            assert_eq!(error.start, at, "{text}: {error}");
        }
    }

    #[test]
    fn orders_have_a_key_and_a_direction() {
        let order = |text: &str| parse_order(text).map(|o| (o.entity, o.key, o.ascending));
        assert_eq!(order("metrics.acc DESC"), Ok((Some("metrics".into()), "acc".into(), false)));
        assert_eq!(order("run_name"), Ok((None, "run_name".into(), true)));
        assert_eq!(order("params.`a b` asc"), Ok((Some("params".into()), "a b".into(), true)));
        for bad in ["metrics.acc UPWARDS", "metrics.a ASC; --", "", "metrics.a ASC DESC", "> 1"] {
            assert!(order(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hostile_filters_take_linear_time() {
        let start = std::time::Instant::now();
        for text in [
            "(".repeat(131_000),
            "'".repeat(130_999),
            "a.".repeat(65_000),
            "metrics.a > 1 AND ".repeat(7000),
            "-".repeat(131_000),
            "1".repeat(131_000),
            "`".repeat(130_001),
            format!("a LIKE '{}'", "%_".repeat(1001)),
        ] {
            let _ = parse_filter(&text);
            let _ = parse_order(&text);
        }
        assert!(start.elapsed().as_secs() < 5);
    }
}
