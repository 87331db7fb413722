//! Rules that a promotion's metrics must keep: `val_auc >= champion + 0.5%`, `loss < 0.2`. Read by the same code in the browser and in the domain.

use super::{FilterError, validate_alias_shape, validate_key};
use std::{fmt, str::FromStr};

/// Longest rule, in bytes.
pub const RULE_LENGTH: usize = 500;

/// How a metric compares with its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    Over,
    AtLeast,
    Under,
    AtMost,
}

impl Least {
    const ALL: [(&'static str, Self); 4] = [(">=", Self::AtLeast), ("<=", Self::AtMost), (">", Self::Over), ("<", Self::Under)];

    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, one)| *one == self).map_or(">=", |(sign, _)| sign)
    }
    /// Nothing compares with what is not a number.
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Over => value > bound,
            Self::AtLeast => value >= bound,
            Self::Under => value < bound,
            Self::AtMost => value <= bound,
        }
    }
}

/// What a metric is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    Number(f64),
    /// The same metric of the version that holds this alias, changed by a number or by a share of its own size in percent.
    Holder {
        alias: String,
        change: f64,
        percent: bool,
    },
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricRule {
    pub metric: String,
    pub least: Least,
    pub bound: Bound,
}

impl Bound {
    /// The bound in numbers, where the holder has this value.
    pub fn against(&self, holder: f64) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Holder { change, percent: true, .. } => holder + holder.abs() * change / 100.0,
            Self::Holder { change, .. } => holder + change,
        }
    }
}

impl fmt::Display for MetricRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = !self.metric.contains([' ', '<', '>', '=', '`', '"']);
        let metric = if plain { self.metric.clone() } else { format!("`{}`", self.metric) };
        write!(f, "{metric} {} ", self.least.as_str())?;
        match &self.bound {
            Bound::Number(number) => write!(f, "{number}"),
            Bound::Holder { alias, change, percent } => {
                f.write_str(alias)?;
                if *change == 0.0 {
                    return Ok(());
                }
                let sign = if *change < 0.0 { '-' } else { '+' };
                write!(f, " {sign} {}{}", change.abs(), if *percent { "%" } else { "" })
            }
        }
    }
}

/// A word of a rule and where it stands, in bytes.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    start: usize,
}

impl Word<'_> {
    fn refuse(self, reason: impl Into<String>) -> FilterError {
        FilterError { start: self.start, end: self.start + self.text.len().max(1), reason: reason.into() }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        &self.text[self.at..]
    }

    /// Takes this many bytes.
    fn take(&mut self, bytes: usize) -> Word<'a> {
        let word = Word { text: &self.text[self.at..self.at + bytes], start: self.at };
        self.at += bytes;
        word
    }

    /// Up to a space or one of these.
    fn word(&mut self, ends: &[char]) -> Word<'a> {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || ends.contains(&c)).unwrap_or(rest.len());
        self.take(end)
    }

    /// The name of a metric; one with odd characters in backticks or double quotes.
    fn metric(&mut self) -> Result<String, FilterError> {
        let rest = self.rest();
        let quote = rest.chars().next().filter(|c| matches!(c, '`' | '"'));
        let Some(quote) = quote else {
            let word = self.word(&['<', '>', '=']);
            if word.text.is_empty() {
                return Err(word.refuse("Begin with the name of a metric, for example: val_auc >= 0.9"));
            }
            validate_key(word.text).map_err(|reason| word.refuse(reason))?;
            return Ok(word.text.to_owned());
        };
        let Some(length) = rest[1..].find(quote) else {
            let whole = self.take(rest.len());
            return Err(whole.refuse(format!("Close the name of the metric with {quote}.")));
        };
        let word = self.take(length + 2);
        let name = &word.text[1..=length];
        validate_key(name).map_err(|reason| word.refuse(reason))?;
        Ok(name.to_owned())
    }

    fn least(&mut self) -> Result<Least, FilterError> {
        let rest = self.rest();
        if let Some((sign, least)) = Least::ALL.into_iter().find(|(sign, _)| rest.starts_with(sign)) {
            self.take(sign.len());
            return Ok(least);
        }
        Err(self.word(&[]).refuse("Compare with one of >=, >, <= and <."))
    }

    fn bound(&mut self) -> Result<Bound, FilterError> {
        let word = self.word(&['+', '%']);
        if word.text.is_empty() && !self.rest().starts_with('+') {
            return Err(word.refuse("Say what to compare with: a number, or an alias such as champion."));
        }
        if let Ok(number) = word.text.parse::<f64>() {
            if !number.is_finite() {
                return Err(word.refuse("Use a number that is not infinite, or an alias."));
            }
            if self.rest().starts_with('%') {
                return Err(self.take(1).refuse("A percentage is of a holder's value: write for example champion + 0.5%"));
            }
            return Ok(Bound::Number(number));
        }
        validate_alias_shape(word.text).map_err(|_| word.refuse(format!("\"{}\" is neither a number nor an alias.", word.text)))?;
        let (change, percent) = self.change()?;
        Ok(Bound::Holder { alias: word.text.to_owned(), change, percent })
    }

    /// `+ 0.5%`, `- 2`, or nothing.
    fn change(&mut self) -> Result<(f64, bool), FilterError> {
        let rest = self.rest();
        let sign = match rest.chars().next() {
            None => return Ok((0.0, false)),
            Some('+') => 1.0,
            Some('-') => -1.0,
            Some(_) => return Err(self.word(&[]).refuse("After the alias comes + or - and a number, or nothing.")),
        };
        self.take(1);
        let word = self.word(&['%']);
        let number = word.text.parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
        let number = number.ok_or_else(|| word.refuse("Write a number here, for example 0.5 or 0.5%"))?;
        let percent = self.rest().starts_with('%');
        if percent {
            self.take(1);
        }
        Ok((sign * number, percent))
    }
}

impl FromStr for MetricRule {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        if text.len() > RULE_LENGTH {
            return Err(FilterError { start: 0, end: text.len(), reason: format!("A rule has at most {RULE_LENGTH} bytes.") });
        }
        let mut reader = Reader { text, at: 0 };
        let rule = Self { metric: reader.metric()?, least: reader.least()?, bound: reader.bound()? };
        if reader.rest().is_empty() {
            Ok(rule)
        } else {
            Err(reader.word(&[]).refuse("The rule ends before this. Write each rule on a line of its own."))
        }
    }
}

/// The lines that are rules: blank ones are not.
pub fn rule_lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Says what is wrong with the first wrong line, and with which word.
pub fn validate_rules(text: &str) -> Result<(), String> {
    for line in rule_lines(text) {
        if let Err(error) = line.parse::<MetricRule>() {
            let wrong = line.get(error.start..error.end.min(line.len())).unwrap_or_default();
            let place = if wrong.is_empty() { format!("After \"{line}\"") } else { format!("At \"{wrong}\" in \"{line}\"") };
            return Err(format!("{place}: {}", error.reason));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(text: &str) -> Bound {
        text.parse::<MetricRule>().expect(text).bound
    }

    #[test]
    fn a_rule_is_read_and_written_the_same() {
        for (text, written) in [
            ("val_auc >= champion + 0.5%", "val_auc >= champion + 0.5%"),
            ("val_auc>=champion+0.5 %", "val_auc >= champion + 0.5%"),
            ("  loss < 0.2 ", "loss < 0.2"),
            ("val/loss <= champion - 1e-3", "val/loss <= champion - 0.001"),
            ("`my metric` > -4", "`my metric` > -4"),
            ("\"a b\" >= old-one", "`a b` >= old-one"),
            ("accuracy/5 > staging", "accuracy/5 > staging"),
        ] {
            let rule: MetricRule = text.parse().expect(text);
            assert_eq!(rule.to_string(), written);
            assert_eq!(written.parse::<MetricRule>(), Ok(rule));
        }
    }

    #[test]
    fn an_error_points_at_the_wrong_word() {
        for (text, wrong) in [
            ("", ""),
            (">= 3", ""),
            ("auc", ""),
            ("auc = 3", "="),
            ("auc is 3", "is"),
            ("auc >=", ""),
            ("auc >= 0.5%", "%"),
            ("auc >= @x", "@x"),
            ("auc >= inf", "inf"),
            ("auc >= champion * 2", "*"),
            ("auc >= champion + much", "much"),
            ("auc >= champion + -1", "-1"),
            ("auc >= champion + 1% more", "more"),
            ("auc >= 3 and loss < 2", "and"),
            ("`auc >= 3", "`auc >= 3"),
            ("ä >= ünd€", "ünd€"),
        ] {
            let error = text.parse::<MetricRule>().expect_err(text);
            assert_eq!(text.get(error.start..error.end.min(text.len())).unwrap_or_default().trim_matches('>'), wrong, "{text}: {error:?}");
        }
        let long = "x".repeat(501);
        assert!(long.parse::<MetricRule>().is_err());
        assert_eq!(
            validate_rules("a >= 1\n\n b >= champion + much"),
            Err("At \"much\" in \"b >= champion + much\": Write a number here, for example 0.5 or 0.5%".to_owned())
        );
    }

    #[test]
    fn a_share_is_of_the_holders_own_size() {
        assert!((bound("a >= champion + 10%").against(0.8) - 0.88).abs() < 1e-12);
        assert!((bound("a >= champion - 10%").against(-2.0) + 2.2).abs() < 1e-12);
        assert!((bound("a >= champion + 0.1").against(0.8) - 0.9).abs() < 1e-12);
        assert!((bound("a >= 0.3").against(f64::NAN) - 0.3).abs() < 1e-12);
        assert!(!Least::AtLeast.holds(f64::NAN, 0.0) && !Least::Under.holds(0.0, f64::NAN));
    }
}
