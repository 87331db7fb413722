//! What the registry's searches know of the filter language: names, versions, runs, sources and tags.

use crate::model::{Comparator, Condition, FilterError, Literal, Order, Pattern, TAG_IS_PROMPT, parse_filter, parse_order};

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Name,
    Run,
    Source,
    Number,
    Tag(String),
}

/// Which search it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Models,
    Versions,
}

enum Test {
    Is(String),
    IsNot(String),
    Like(Pattern),
    In(Vec<String>),
    NotIn(Vec<String>),
    Number(Comparator, i64),
}

/// One condition, ready to be tried.
pub(super) struct Rule {
    pub what: What,
    test: Test,
}

impl Rule {
    /// What is not there fits nothing.
    pub(super) fn fits(&self, text: Option<&str>) -> bool {
        let Some(text) = text else { return false };
        match &self.test {
            Test::Is(value) => text == value,
            Test::IsNot(value) => text != value,
            Test::Like(pattern) => pattern.matches(text),
            Test::In(list) => list.iter().any(|v| v == text),
            Test::NotIn(list) => !list.iter().any(|v| v == text),
            Test::Number(..) => false,
        }
    }

    pub(super) fn fits_number(&self, number: i64) -> bool {
        let Test::Number(op, value) = &self.test else { return false };
        match op {
            Comparator::Gt => number > *value,
            Comparator::Ge => number >= *value,
            Comparator::Eq => number == *value,
            Comparator::Ne => number != *value,
            Comparator::Lt => number < *value,
            Comparator::Le => number <= *value,
            _ => false,
        }
    }

    /// The one text that it can be, so that the database can look it up.
    pub(super) fn exactly(&self) -> Option<&str> {
        match &self.test {
            Test::Is(value) => Some(value),
            _ => None,
        }
    }
}

/// A filter, read.
pub(super) struct Rules {
    pub all: Vec<Rule>,
    /// Prompts are found by those who ask for them, and then only they.
    pub prompts: bool,
}

impl Rules {
    pub(super) fn exactly(&self, what: &What) -> Option<&str> {
        self.all.iter().filter(|r| r.what == *what).find_map(Rule::exactly)
    }
}

pub(super) fn read(text: &str, kind: Kind) -> Result<Rules, FilterError> {
    let conditions = parse_filter(text)?;
    let is_about_prompts = |what: &What| matches!(what, What::Tag(key) if key == TAG_IS_PROMPT);
    let mut all = Vec::with_capacity(conditions.len());
    let mut prompts = None;
    for condition in &conditions {
        let what = what(condition, kind)?;
        if is_about_prompts(&what) && prompts.is_none() {
            let value = condition.text().unwrap_or_default().to_lowercase();
            prompts = Some(matches!((condition.op, value.as_str()), (Comparator::Eq, "true") | (Comparator::Ne, "false")));
        }
        let test = test(condition, &what)?;
        all.push(Rule { what, test });
    }
    let prompts = prompts.unwrap_or(false);
    // Models do not have the tag, so a condition on it would find none of them.
    all.retain(|rule| prompts || !is_about_prompts(&rule.what));
    Ok(Rules { all, prompts })
}

fn what(condition: &Condition, kind: Kind) -> Result<What, FilterError> {
    match condition.entity.as_deref() {
        Some("tag" | "tags") => Ok(What::Tag(condition.key.clone())),
        None | Some("attribute" | "attributes" | "attr") => match (condition.key.as_str(), kind) {
            ("name", _) => Ok(What::Name),
            ("run_id", Kind::Versions) => Ok(What::Run),
            ("source_path", Kind::Versions) => Ok(What::Source),
            ("version_number", Kind::Versions) => Ok(What::Number),
            (key, Kind::Models) => Err(condition.refuse(format!("{key} cannot be searched for; use name or tags.<key>"))),
            (key, Kind::Versions) => {
                Err(condition.refuse(format!("{key} cannot be searched for; use name, run_id, source_path, version_number or tags.<key>")))
            }
        },
        Some(entity) => Err(condition.refuse(format!("{entity} is nothing that the registry has; use name or tags.<key>"))),
    }
}

fn test(condition: &Condition, what: &What) -> Result<Test, FilterError> {
    use Comparator as C;
    if *what == What::Number {
        condition.only(&[C::Gt, C::Ge, C::Eq, C::Ne, C::Lt, C::Le])?;
        return whole(condition).map(|number| Test::Number(condition.op, number));
    }
    let lists = matches!(what, What::Name | What::Run);
    if lists {
        condition.only(&[C::Eq, C::Ne, C::Like, C::ILike, C::In, C::NotIn])?;
    } else {
        condition.only(&[C::Eq, C::Ne, C::Like, C::ILike])?;
    }
    let text = || condition.text().map(str::to_owned);
    let texts = || condition.texts().map(|list| list.into_iter().map(str::to_owned).collect::<Vec<_>>());
    match condition.op {
        C::Eq => text().map(Test::Is),
        C::Ne => text().map(Test::IsNot),
        C::In => texts().map(Test::In),
        C::NotIn => texts().map(Test::NotIn),
        op => text().map(|t| Test::Like(Pattern::new(&t, op == C::ILike))),
    }
}

fn whole(condition: &Condition) -> Result<i64, FilterError> {
    let refused = || condition.refuse("The value of version_number must be a whole number");
    match &condition.value {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
        Literal::Number(number) if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 => Ok(*number as i64),
        Literal::Text(text) => text.trim().parse().map_err(|_| refused()),
        _ => Err(refused()),
    }
}

/// What a search is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Name,
    Created,
    Updated,
    Number,
}

/// Reads the entries of an ORDER BY; `true` is ascending.
pub(super) fn order(entries: &[String], kind: Kind) -> Result<Vec<(Key, bool)>, String> {
    let mut keys: Vec<(Key, bool)> = Vec::new();
    for entry in entries {
        let Order { entity, key, ascending } = parse_order(entry).map_err(|e| e.to_string())?;
        let key = match (entity.as_deref(), key.as_str(), kind) {
            (None | Some("attribute" | "attributes"), "name", _) => Key::Name,
            (None | Some("attribute" | "attributes"), "creation_timestamp", _) => Key::Created,
            (None | Some("attribute" | "attributes"), "last_updated_timestamp", _) | (None, "timestamp", Kind::Models) => Key::Updated,
            (None | Some("attribute" | "attributes"), "version_number", Kind::Versions) => Key::Number,
            (_, key, _) => return Err(format!("Nothing is ordered by {key}; use name, creation_timestamp or last_updated_timestamp.")),
        };
        if keys.iter().any(|(known, _)| *known == key) {
            return Err("The same key stands there twice.".to_owned());
        }
        keys.push((key, ascending));
    }
    Ok(keys)
}
