//! Searches: filters, orders, pages.

use super::{Lab, feedback, id, span, three, zero};
use domain::{
    Error,
    traces::{self, Doomed, TraceSearch},
    tracking,
};
use serde_json::json;

#[tokio::test]
async fn a_search_finds_what_its_filter_says() {
    let lab = Lab::new().await;
    three(&lab).await;
    traces::assess(&lab.portal, &lab.ada, "vision", feedback(1, "score", json!(0.9))).await.expect("assessed");
    traces::assess(&lab.portal, &lab.ada, "vision", feedback(2, "score", json!("bad"))).await.expect("assessed");
    traces::link_prompts(&lab.portal, &lab.ada, "vision", &id(2), &[("greet".into(), 3)]).await.expect("linked");
    let run = tracking::runs::create(&lab.portal, &lab.ada, "vision", domain::model::NewRun::default()).await.expect("a run").id;
    traces::link_run(&lab.portal, &lab.ada, "vision", &[id(3), id(99)], &run).await.expect("linked");
    let by_run = format!("attributes.run_id = '{run}'");
    let cases: Vec<(&str, Vec<u32>)> = vec![
        ("", vec![3, 2, 1]),
        ("tags.topic = 'weather'", vec![2, 1]),
        ("tags.topic != 'weather'", vec![]),
        ("tag.topic IS NULL", vec![3]),
        ("tags.topic LIKE 'wea%'", vec![2, 1]),
        ("tags.topic ILIKE 'WEA%' AND name = 'ask'", vec![2, 1]),
        ("tags.topic LIKE 'WEA%'", vec![]),
        ("tags.topic RLIKE '^w.*r$'", vec![2, 1]),
        ("attributes.status = 'ERROR'", vec![3]),
        ("trace.status IN ('OK', 'ERROR')", vec![3, 2, 1]),
        ("status NOT IN ('OK')", vec![3]),
        ("trace.name LIKE 'f%'", vec![3]),
        ("tags.`mlflow.traceName` = 'fail'", vec![3]),
        ("timestamp_ms >= 1767225602000", vec![3, 2]),
        ("execution_time_ms > 99.5 AND end_time_ms < 1767225603000", vec![2, 1]),
        ("span.type = 'LLM'", vec![2, 1]),
        ("span.name = 'call' AND span.type = 'TOOL'", vec![]),
        ("span.name LIKE 'c%' AND span.status = 'OK'", vec![2, 1]),
        ("span.attributes.tool RLIKE 'search_[0-9]+'", vec![3]),
        ("span.attributes.tool = 'search_42' AND span.name = 'fail'", vec![3]),
        ("span.attributes.tool LIKE 'search'", vec![]),
        ("trace.text LIKE '%Paris%'", vec![1]),
        ("text ILIKE '%PARIS%'", vec![2, 1]),
        ("span.content LIKE '%Texas%'", vec![2]),
        ("feedback.score > 0.5", vec![1]),
        ("feedback.score = 'bad'", vec![2]),
        ("feedback.score LIKE 'b%'", vec![2]),
        ("feedback.score IS NULL", vec![3]),
        ("feedback.score IS NOT NULL", vec![2, 1]),
        ("expectation.score IS NOT NULL", vec![]),
        ("prompt = 'greet/3'", vec![2]),
        ("issue.id = 'i'", vec![]),
        (&by_run, vec![3]),
        ("request_id = 'tr-00000000000000000000000000000001'", vec![1]),
        ("metadata.`mlflow.trace.tokenUsage` LIKE '%\"total_tokens\":11%'", vec![1]),
    ];
    for (filter, expected) in cases {
        assert_eq!(lab.search(filter).await, expected.into_iter().map(id).collect::<Vec<_>>(), "{filter}");
    }
}

#[tokio::test]
async fn a_filter_that_cannot_be_used_is_refused() {
    let lab = Lab::new().await;
    let before = lab.count("SELECT COUNT(*) FROM audit").await;
    let long = format!("tags.a RLIKE '{}'", "((a{1,100}){1,100}){1,100}");
    for bad in [
        "tags.a = 'x'; DROP TABLE traces--",
        "tags.a = '' OR '1'='1'",
        "nothing.a = 'x'",
        "surprise = 'x'",
        "timestamp_ms = 'x'",
        "timestamp_ms LIKE 'x'",
        "tags.a > 'x'",
        "span.nothing = 'x'",
        "span.attributes. = 'x'",
        "span.content = 'x'",
        "tags.a RLIKE '('",
        &long,
        "prompt = 'a'",
        "prompt LIKE 'a/1'",
        "feedback.a IN ('x')",
        "issue.name = 'x'",
        "status = 1",
    ] {
        assert!(matches!(lab.try_search(bad).await, Err(Error::Invalid(_))), "{bad}");
    }
    assert_eq!(lab.count("SELECT COUNT(*) FROM audit").await, before);
}

#[tokio::test]
async fn a_regular_expression_takes_linear_time() {
    let lab = Lab::new().await;
    lab.log(1, vec![span(1, None, "a", 0, json!({ "text": "a".repeat(100_000) }))]).await;
    let begun = std::time::Instant::now();
    assert_eq!(lab.search("span.attributes.text RLIKE '^(a+)+$'").await, [id(1)]);
    assert!(lab.search("span.attributes.text RLIKE '^(a+)+b$'").await.is_empty());
    assert!(lab.search("trace.text LIKE '%a%a%a%a%a%a%b%c%'").await.is_empty());
    assert!(begun.elapsed().as_secs() < 20);
}

#[tokio::test]
async fn pages_follow_each_other_and_a_token_belongs_to_its_search() {
    let lab = Lab::new().await;
    for n in 1..=7 {
        lab.log(n, vec![span(1, None, if n % 2 == 0 { "even" } else { "odd" }, i64::from(n), json!({}))]).await;
    }
    for filter in ["", "name RLIKE 'even|odd'"] {
        let (mut found, mut token, mut pages) = (Vec::new(), None, 0);
        loop {
            let search =
                TraceSearch { experiments: vec![zero()], filter: filter.into(), most: 3, page_token: token, ..TraceSearch::default() };
            let page = traces::search(&lab.portal, &lab.ada, "vision", &search).await.expect("a page");
            found.extend(page.traces.into_iter().map(|t| t.id));
            pages += 1;
            if pages == 1 {
                // One that comes meanwhile pushes nothing from page to page.
                lab.log(100 + u32::try_from(filter.len()).expect("small"), vec![span(1, None, "odd", 9000, json!({}))]).await;
            }
            token = page.next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(found[found.len() - 7..], (1..=7).rev().map(id).collect::<Vec<_>>(), "{filter}");
        traces::delete(&lab.portal, &lab.ada, "vision", &zero(), Doomed { ids: vec![id(100), id(121)], ..Doomed::default() })
            .await
            .expect("gone");
    }
    let first = TraceSearch { experiments: vec![zero()], most: 3, ..TraceSearch::default() };
    let token = traces::search(&lab.portal, &lab.ada, "vision", &first).await.expect("a page").next.expect("more");
    for other in [
        TraceSearch { filter: "name = 'odd'".into(), ..first.clone() },
        TraceSearch { order_by: vec!["timestamp ASC".into()], ..first.clone() },
        TraceSearch { experiments: vec![], ..first.clone() },
    ] {
        let other = TraceSearch { page_token: Some(token.clone()), ..other };
        assert!(matches!(traces::search(&lab.portal, &lab.ada, "vision", &other).await, Err(Error::Invalid(_))), "{other:?}");
    }
    let hers = TraceSearch { page_token: Some(token), ..first.clone() };
    assert!(matches!(traces::search(&lab.portal, &lab.eve, "speech", &hers).await, Err(Error::Invalid(_))), "of another team");
    for (most, token) in [(0, None), (-1, None), (501, None), (5, Some("bm9wZQ".to_owned())), (5, Some("../x".to_owned()))] {
        let bad = TraceSearch { most, page_token: token, ..first.clone() };
        assert!(matches!(traces::search(&lab.portal, &lab.ada, "vision", &bad).await, Err(Error::Invalid(_))), "{bad:?}");
    }
}

#[tokio::test]
async fn traces_come_in_the_order_that_was_asked_for() {
    let lab = Lab::new().await;
    three(&lab).await;
    let ordered = async |by: &[&str]| {
        let order_by = by.iter().map(|&s| s.to_owned()).collect();
        let search = TraceSearch { experiments: vec![zero()], order_by, most: 10, ..TraceSearch::default() };
        traces::search(&lab.portal, &lab.ada, "vision", &search).await.map(|page| page.traces.into_iter().map(|t| t.id).collect::<Vec<_>>())
    };
    for (by, expected) in [
        (&["timestamp_ms ASC"][..], [1, 2, 3]),
        (&["tags.topic", "timestamp ASC"], [1, 2, 3]),
        (&["tags.topic DESC", "timestamp DESC"], [2, 1, 3]),
        (&["name DESC"], [3, 2, 1]),
        (&["status ASC", "execution_time_ms DESC"], [3, 2, 1]),
    ] {
        assert_eq!(ordered(by).await.expect("ordered"), expected.map(id), "{by:?}");
    }
    for bad in [&["nothing"][..], &["name ASC; --"], &["timestamp", "timestamp_ms DESC"], &["tags.a", "tags.a"], &["span.name"]] {
        assert!(matches!(ordered(bad).await, Err(Error::Invalid(_))), "{bad:?}");
    }
}
