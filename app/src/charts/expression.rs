//! Expressions over metrics: `train_loss / val_loss`, ``log(`val/loss` + 1)``.

use std::fmt::Write as _;

/// Most metrics of one expression.
pub const METRICS: usize = 8;
/// Most letters of one.
const LETTERS: usize = 500;
/// Brackets and signs within each other.
const DEPTH: usize = 40;

/// What is worked out at every step.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    root: Node,
    /// Names that are in it, each once.
    pub metrics: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Number(f64),
    /// By its place among the metrics.
    Metric(usize),
    Minus(Box<Node>),
    Two(char, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Abs,
    Exp,
    Log,
    Log10,
    Max,
    Min,
    Sqrt,
}

const FUNCTIONS: [(&str, Function, usize); 7] = [
    ("abs", Function::Abs, 1),
    ("exp", Function::Exp, 1),
    ("log", Function::Log, 1),
    ("log10", Function::Log10, 1),
    ("max", Function::Max, 2),
    ("min", Function::Min, 2),
    ("sqrt", Function::Sqrt, 1),
];

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Number(f64),
    Name(String),
    Sign(char),
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong, and where, in words for the one who typed it.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.chars().count() > LETTERS {
            return Err(format!("An expression has at most {LETTERS} letters."));
        }
        let mut reader = Reader { words: words(text)?, at: 0, depth: 0, metrics: Vec::new() };
        let root = reader.sum()?;
        if let Some((word, place)) = reader.words.get(reader.at) {
            return Err(format!("{} at letter {place} does not belong here.", said(word)));
        }
        if reader.metrics.len() > METRICS {
            return Err(format!("An expression has at most {METRICS} metrics."));
        }
        if reader.metrics.is_empty() {
            return Err("An expression needs a metric.".to_owned());
        }
        Ok(Self { root, metrics: reader.metrics })
    }

    /// Its value where the metrics have these values, in their order. NaN where there is none.
    pub fn value(&self, values: &[f64]) -> f64 {
        self.root.value(values)
    }
}

impl Node {
    fn value(&self, values: &[f64]) -> f64 {
        match self {
            Self::Number(n) => *n,
            Self::Metric(i) => values.get(*i).copied().unwrap_or(f64::NAN),
            Self::Minus(of) => -of.value(values),
            Self::Two(sign, a, b) => {
                let (a, b) = (a.value(values), b.value(values));
                match sign {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    '/' => a / b,
                    _ => a.powf(b),
                }
            }
            Self::Call(function, of) => {
                let of: Vec<f64> = of.iter().map(|node| node.value(values)).collect();
                match function {
                    Function::Abs => of[0].abs(),
                    Function::Exp => of[0].exp(),
                    Function::Log => of[0].ln(),
                    Function::Log10 => of[0].log10(),
                    Function::Max => of[0].max(of[1]),
                    Function::Min => of[0].min(of[1]),
                    Function::Sqrt => of[0].sqrt(),
                }
            }
        }
    }
}

fn said(word: &Word) -> String {
    match word {
        Word::Number(n) => n.to_string(),
        Word::Name(name) => name.clone(),
        Word::Sign(sign) => sign.to_string(),
    }
}

/// The words of a text, each with the number of its first letter.
fn words(text: &str) -> Result<Vec<(Word, usize)>, String> {
    let letters: Vec<char> = text.chars().collect();
    let (mut words, mut at) = (Vec::new(), 0);
    let run = |from: usize, fits: &dyn Fn(char) -> bool| letters[from..].iter().take_while(|c| fits(**c)).count();
    while at < letters.len() {
        let (letter, start) = (letters[at], at);
        let word = match letter {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '0'..='9' | '.' => {
                at += run(at, &|c| c.is_ascii_digit() || c == '.');
                if at < letters.len() && matches!(letters[at], 'e' | 'E') {
                    let signed = usize::from(letters.get(at + 1).is_some_and(|c| matches!(c, '+' | '-')));
                    let digits = run((at + 1 + signed).min(letters.len()), &|c| c.is_ascii_digit());
                    at += if digits > 0 { 1 + signed + digits } else { 0 };
                }
                let number: String = letters[start..at].iter().collect();
                Word::Number(number.parse().map_err(|_| format!("{number} at letter {} is no number.", start + 1))?)
            }
            '`' => {
                let long = run(at + 1, &|c| c != '`');
                if at + 1 + long >= letters.len() {
                    return Err(format!("The name that begins at letter {} has no second `.", start + 1));
                }
                at += long + 2;
                Word::Name(letters[start + 1..at - 1].iter().collect())
            }
            c if c.is_alphabetic() || c == '_' => {
                at += run(at, &|c| c.is_alphanumeric() || c == '_' || c == '.');
                Word::Name(letters[start..at].iter().collect())
            }
            '+' | '-' | '*' | '/' | '^' | '(' | ')' | ',' => {
                at += 1;
                Word::Sign(letter)
            }
            other => {
                let mut text = format!("{other} at letter {} does not belong here.", start + 1);
                _ = write!(text, " A name with other letters is put between two `.");
                return Err(text);
            }
        };
        words.push((word, start + 1));
    }
    Ok(words)
}

struct Reader {
    words: Vec<(Word, usize)>,
    at: usize,
    depth: usize,
    metrics: Vec<String>,
}

impl Reader {
    fn takes(&mut self, signs: &[char]) -> Option<char> {
        match self.words.get(self.at) {
            Some((Word::Sign(sign), _)) if signs.contains(sign) => {
                self.at += 1;
                Some(*sign)
            }
            _ => None,
        }
    }

    fn needs(&mut self, sign: char) -> Result<(), String> {
        self.takes(&[sign]).map(|_| ()).ok_or_else(|| self.missing(&format!("a {sign}")))
    }

    fn missing(&self, what: &str) -> String {
        match self.words.get(self.at) {
            Some((word, place)) => format!("There should be {what} instead of {} at letter {place}.", said(word)),
            None => format!("There should be {what} at the end."),
        }
    }

    fn sum(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("The brackets are too deep.".to_owned());
        }
        let mut node = self.product()?;
        while let Some(sign) = self.takes(&['+', '-']) {
            node = Node::Two(sign, Box::new(node), Box::new(self.product()?));
        }
        self.depth -= 1;
        Ok(node)
    }

    fn product(&mut self) -> Result<Node, String> {
        let mut node = self.signed()?;
        while let Some(sign) = self.takes(&['*', '/']) {
            node = Node::Two(sign, Box::new(node), Box::new(self.signed()?));
        }
        Ok(node)
    }

    fn signed(&mut self) -> Result<Node, String> {
        if self.takes(&['-']).is_none() {
            return self.power();
        }
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("There are too many signs.".to_owned());
        }
        let of = self.signed()?;
        self.depth -= 1;
        Ok(Node::Minus(Box::new(of)))
    }

    fn power(&mut self) -> Result<Node, String> {
        let base = self.atom()?;
        // From the right, and before a sign: -x^2 is -(x^2).
        if self.takes(&['^']).is_some() { Ok(Node::Two('^', Box::new(base), Box::new(self.signed()?))) } else { Ok(base) }
    }

    fn atom(&mut self) -> Result<Node, String> {
        if self.takes(&['(']).is_some() {
            let node = self.sum()?;
            self.needs(')')?;
            return Ok(node);
        }
        let Some((word, _)) = self.words.get(self.at).cloned() else { return Err(self.missing("a metric or a number")) };
        match word {
            Word::Number(n) => {
                self.at += 1;
                Ok(Node::Number(n))
            }
            Word::Name(name) => {
                self.at += 1;
                let function = FUNCTIONS.iter().find(|(known, _, _)| *known == name);
                match function {
                    Some((_, function, takes)) if self.takes(&['(']).is_some() => self.call(*function, *takes),
                    _ => Ok(self.metric(name)),
                }
            }
            Word::Sign(_) => Err(self.missing("a metric or a number")),
        }
    }

    fn call(&mut self, function: Function, takes: usize) -> Result<Node, String> {
        let mut of = vec![self.sum()?];
        while of.len() < takes {
            self.needs(',')?;
            of.push(self.sum()?);
        }
        self.needs(')')?;
        Ok(Node::Call(function, of))
    }

    fn metric(&mut self, name: String) -> Node {
        let place = self.metrics.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.metrics.push(name);
            self.metrics.len() - 1
        });
        Node::Metric(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> f64 {
        let expression = Expression::read(text).expect(text);
        let values: Vec<f64> = expression
            .metrics
            .iter()
            .map(|name| match name.as_str() {
                "a" => 2.0,
                "b" => 5.0,
                "val/loss" => 8.0,
                _ => f64::NAN,
            })
            .collect();
        expression.value(&values)
    }

    #[test]
    fn expressions_are_worked_out_as_they_are_in_school() {
        for (text, wanted) in [
            ("a", 2.0),
            ("a + b * 2", 12.0),
            ("(a + b) * 2", 14.0),
            ("b - a - 1", 2.0),
            ("b / a / 2", 1.25),
            ("-a^2", -4.0),
            ("a^-1", 0.5),
            ("2^a^3", 256.0),
            ("`val/loss` / a", 4.0),
            ("max(a, b) - min(a, b)", 3.0),
            ("sqrt(abs(-`val/loss` * a))", 4.0),
            ("1.5e1 * a", 30.0),
            ("log(exp(b))", 5.0),
            ("log10(a * 50)", 2.0),
        ] {
            assert!((value(text) - wanted).abs() < 1e-12, "{text}: {}", value(text));
        }
        assert!(value("a + unknown").is_nan());
        assert_eq!(Expression::read("b / (a + b)").expect("read").metrics, ["b", "a"]);
        // A metric may be called like a function.
        assert_eq!(Expression::read("log + 1").expect("read").metrics, ["log"]);
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_place() {
        for (text, told) in [
            ("", "There should be a metric or a number at the end."),
            ("a +", "There should be a metric or a number at the end."),
            ("a b", "b at letter 3 does not belong here."),
            ("(a", "There should be a ) at the end."),
            ("a + * b", "There should be a metric or a number instead of * at letter 5."),
            ("`val", "The name that begins at letter 1 has no second `."),
            ("1 + 2", "An expression needs a metric."),
            ("1.2.3 * a", "1.2.3 at letter 1 is no number."),
            ("min(a)", "There should be a , instead of ) at letter 6."),
            ("a % b", "% at letter 3 does not belong here. A name with other letters is put between two `."),
        ] {
            assert_eq!(Expression::read(text), Err(told.to_owned()), "{text}");
        }
        assert!(Expression::read(&"(".repeat(400)).is_err() && Expression::read(&"-".repeat(400)).is_err());
        assert!(Expression::read(&"a".repeat(501)).is_err());
        assert!(Expression::read("a+b+c+d+e+f+g+h+i").is_err());
    }
}
