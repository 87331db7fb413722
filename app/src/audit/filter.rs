//! The audit page's filter as it stands in the URL.

use domain::model::{AuditFilter, Millis};
use leptos_router::params::ParamsMap;

/// Records on one page.
pub const PAGE: u32 = 100;

/// The kinds of things that are audited, as the prefix of an action.
pub const KINDS: [&str; 22] = [
    "notebook",
    "volume",
    "environment",
    "experiment",
    "run",
    "artifact",
    "dataset",
    "trace",
    "logged_model",
    "model",
    "model_version",
    "promotion",
    "scorer",
    "webhook",
    "import",
    "team",
    "user",
    "identity",
    "sso",
    "demo",
    "session",
    "token",
];

/// The start of a day, `2026-11-23`, in UTC.
fn day(text: &str) -> Option<Millis> {
    let mut parts = text.split('-').map(str::parse::<i64>);
    let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day)), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days from civil (Hinnant), with March as the first month.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * m + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some(days * 86_400_000)
}

/// What the query asks for; `team` overrides it where the page is about one team.
pub fn from_query(query: &ParamsMap, team: Option<&str>) -> AuditFilter {
    let get = |name: &str| query.get_str(name).unwrap_or_default().trim().to_owned();
    AuditFilter {
        team: team.map_or_else(|| get("team"), str::to_owned),
        actor: get("actor"),
        action: get("action"),
        object: get("object"),
        from: day(&get("from")),
        // The last day counts whole.
        until: day(&get("until")).map(|start| start + 86_400_000 - 1),
        oldest_first: get("sort") == "when",
        past_seq: get("past").parse().ok(),
        limit: PAGE,
    }
}

/// The query of the CSV export with the same filter.
pub fn export_query(filter: &AuditFilter, whole: bool) -> String {
    let mut query = ParamsMap::new();
    let mut add = |name: &'static str, value: String| {
        if !value.is_empty() {
            query.insert(name, value);
        }
    };
    if whole {
        add("team", filter.team.clone());
    }
    add("actor", filter.actor.clone());
    add("action", filter.action.clone());
    add("object", filter.object.clone());
    add("from", filter.from.map(|at| at.to_string()).unwrap_or_default());
    add("until", filter.until.map(|at| at.to_string()).unwrap_or_default());
    add("oldest_first", if filter.oldest_first { "true".to_owned() } else { String::new() });
    query.to_query_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_in_utc_and_nonsense_is_no_filter() {
        assert_eq!(day("1970-01-01"), Some(0));
        assert_eq!(day("2026-11-23"), Some(1_795_392_000_000));
        assert_eq!(day("2000-02-29"), Some(951_782_400_000));
        for bad in ["", "2026-13-01", "2026-1", "yesterday", "2026-11-23-1"] {
            assert_eq!(day(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_url_names_the_filter_and_a_team_page_stays_in_its_team() {
        let query: ParamsMap =
            [("actor", "ada"), ("team", "other"), ("until", "1970-01-01"), ("past", "7"), ("sort", "when")].into_iter().collect();
        let filter = from_query(&query, Some("vision"));
        assert_eq!(
            (filter.team.as_str(), filter.actor.as_str(), filter.until, filter.past_seq, filter.oldest_first),
            ("vision", "ada", Some(86_399_999), Some(7), true)
        );
        assert_eq!(from_query(&query, None).team, "other");
        assert_eq!(export_query(&filter, false), "?actor=ada&until=86399999&oldest%5Ffirst=true");
    }
}
