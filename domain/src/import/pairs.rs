//! Params and tags of runs: what is not here yet and fits is logged, what does not fit is reported.

use super::{
    Import,
    answers::{Pair, Run as From},
    client::Fault,
    imported_store::Kind,
};
use crate::model::{
    BATCH_PARAMS, Batch, PARAM_LENGTH, Run, TAG_LENGTH, TAG_PARENT, TAG_RUN_NAME, Tag, validate_key, validate_unreserved, validate_value,
};
use std::collections::HashMap;

impl Import<'_> {
    /// Whether all of them are in.
    pub(super) async fn params(&self, from: &From, before: &Run) -> Result<bool, Fault> {
        let fits = |pair: &Pair| fits(pair, PARAM_LENGTH);
        let (new, mut whole) = self.new_pairs(from, "param", &from.data.params, &before.params, fits);
        let (mut copied, mut other) = (Vec::with_capacity(new.len()), 0);
        for param in new {
            if before.params.iter().any(|p| p.key == param.key) {
                other += 1;
                self.report.problem(
                    format!("param \"{}\" of run {}", param.key, from.id()),
                    "it has another value here, and params do not change",
                );
            } else {
                copied.push(param);
            }
        }
        for params in copied.chunks(BATCH_PARAMS) {
            self.log(&before.id, Batch { params: params.to_vec(), ..Batch::default() }).await?;
        }
        whole &= other == 0;
        self.report.count(|c| {
            c.params.copy(copied.len());
            c.params.fail(other);
        });
        Ok(whole)
    }

    pub(super) async fn tags(&self, from: &From, before: &Run) -> Result<bool, Fault> {
        let mut said = from.data.tags.clone();
        for tag in said.iter_mut().filter(|tag| tag.key == TAG_PARENT && !tag.value.is_empty()) {
            // Where the parent is called otherwise here, its children say so.
            tag.value = self.local_id(Kind::Run, &tag.value).await?;
        }
        // An empty name is no name; the run has one.
        said.retain(|tag| tag.key != TAG_RUN_NAME || !tag.value.is_empty());
        let fits = |pair: &Pair| fits(pair, TAG_LENGTH).and_then(|()| validate_unreserved(&pair.key));
        let (tags, whole) = self.new_pairs(from, "tag", &said, &before.tags, fits);
        for tags in tags.chunks(BATCH_PARAMS) {
            self.log(&before.id, Batch { tags: tags.to_vec(), ..Batch::default() }).await?;
        }
        self.report.count(|c| c.tags.copy(tags.len()));
        Ok(whole)
    }

    /// Those that are not here as they are there, and whether none had to be left out.
    fn new_pairs(
        &self,
        from: &From,
        kind: &'static str,
        said: &[Pair],
        here: &[Tag],
        fits: impl Fn(&Pair) -> Result<(), String>,
    ) -> (Vec<Tag>, bool) {
        let here: HashMap<&str, &str> = here.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
        let (mut new, mut there, mut failed) = (Vec::new(), 0, 0);
        for pair in said {
            if here.get(pair.key.as_str()) == Some(&pair.value.as_str()) {
                there += 1;
            } else if let Err(why) = fits(pair) {
                failed += 1;
                let key: String = pair.key.chars().take(100).collect();
                self.report.problem(format!("{kind} \"{key}\" of run {}", from.id()), why);
            } else {
                new.push(Tag::new(&pair.key, &pair.value));
            }
        }
        self.report.count(|c| {
            let tally = if kind == "param" { &mut c.params } else { &mut c.tags };
            tally.there(there);
            tally.fail(failed);
        });
        (new, failed == 0)
    }
}

/// Whether a key and a value can be kept as they are.
fn fits(pair: &Pair, most: usize) -> Result<(), String> {
    validate_key(&pair.key)?;
    if pair.value.chars().count() > most {
        return Err(format!("its value is longer than {most} characters"));
    }
    validate_value(&pair.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_have_to_be_cut_does_not_fit() {
        let pair = |key: &str, value: String| Pair { key: key.to_owned(), value };
        assert_eq!(fits(&pair("a/b", "ä".repeat(6000)), PARAM_LENGTH), Ok(()));
        for bad in [pair("a", "ä".repeat(6001)), pair("a@b", String::new()), pair("a", "\0".to_owned()), pair("", String::new())] {
            assert!(fits(&bad, PARAM_LENGTH).is_err(), "{bad:?}");
        }
    }
}
