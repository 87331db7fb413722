//! Assessments: what they replace, and what of them changes.

use super::{Lab, feedback, id, span};
use domain::{
    Error,
    model::{Assessment, Judgement, Pairs},
    traces::{self, AssessmentChange},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[tokio::test]
async fn an_assessment_that_overrides_another_takes_its_place_until_it_goes() {
    let lab = Lab::new().await;
    lab.log(1, vec![span(1, None, "a", 0, json!({}))]).await;
    let first = traces::assess(&lab.portal, &lab.ada, "vision", feedback(1, "good", json!(false))).await.expect("assessed");
    let second = Assessment { overrides: Some(first.id.clone()), ..feedback(1, "good", json!(true)) };
    let second = traces::assess(&lab.portal, &lab.ada, "vision", second).await.expect("assessed");
    let valid = async || lab.info(1).await.assessments.into_iter().map(|a| (a.id == first.id, a.valid)).collect::<BTreeMap<_, _>>();
    assert_eq!(valid().await, BTreeMap::from([(true, false), (false, true)]));
    traces::remove_assessment(&lab.portal, &lab.ada, "vision", &id(1), &second.id).await.expect("removed");
    traces::remove_assessment(&lab.portal, &lab.ada, "vision", &id(1), &second.id).await.expect("removed again");
    assert_eq!(valid().await, BTreeMap::from([(true, true)]));
    let nothing = Assessment { overrides: Some("a-none".into()), ..feedback(1, "good", json!(true)) };
    assert!(matches!(traces::assess(&lab.portal, &lab.ada, "vision", nothing).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn an_assessment_changes_in_what_it_says_and_not_in_what_it_is() {
    let lab = Lab::new().await;
    lab.log(1, vec![span(1, None, "a", 0, json!({}))]).await;
    let mut new = feedback(1, "good", json!("yes"));
    new.metadata.insert("a".into(), "1".into());
    let made = traces::assess(&lab.portal, &lab.ada, "vision", new).await.expect("assessed");
    assert!(made.id.starts_with("a-") && made.created_at > 0, "{made:?}");
    lab.portal.clock.advance(1000);
    let change = AssessmentChange {
        judgement: Some(Judgement::Feedback { value: json!({ "n": [1, null] }), error: None }),
        rationale: Some("because".into()),
        metadata: Some(Pairs::from([("b".into(), "2".into())])),
        ..AssessmentChange::default()
    };
    let changed = traces::change_assessment(&lab.portal, &lab.ada, "vision", &id(1), &made.id, change).await.expect("changed");
    assert_eq!((changed.rationale.as_deref(), changed.metadata.len(), changed.updated_at - made.updated_at), (Some("because"), 2, 1000));
    assert_eq!(traces::assessment(&lab.portal, &lab.ada, "vision", &id(1), &made.id).await.expect("read"), changed);
    let other = AssessmentChange { judgement: Some(Judgement::Expectation { value: json!(1) }), ..AssessmentChange::default() };
    assert!(matches!(traces::change_assessment(&lab.portal, &lab.ada, "vision", &id(1), &made.id, other).await, Err(Error::Invalid(_))));
    for bad in [
        Assessment { name: String::new(), ..feedback(1, "", json!(1)) },
        Assessment { source_type: "ROOT".into(), ..feedback(1, "x", json!(1)) },
        Assessment { judgement: Judgement::Expectation { value: Value::Null }, ..feedback(1, "x", json!(1)) },
        Assessment { rationale: Some("x".repeat(2 * 1024 * 1024)), ..feedback(1, "x", json!(1)) },
        Assessment { id: "../x".into(), ..feedback(1, "x", json!(1)) },
    ] {
        assert!(matches!(traces::assess(&lab.portal, &lab.ada, "vision", bad).await, Err(Error::Invalid(_))));
    }
    assert!(matches!(traces::assessment(&lab.portal, &lab.eve, "speech", &id(1), &made.id).await, Err(Error::NotFound("trace"))));
}
