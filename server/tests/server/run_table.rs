//! The table of runs as a browser without scripts gets it, and as a file.

use crate::house::House;
use domain::{
    model::{NewRun, Tag},
    tracking,
};

async fn fill(house: &House, runs: i64) {
    let ada = house.test.caller("ada").await;
    for i in 0..runs {
        let tags = vec![Tag::new("number", i.to_string())];
        let new = NewRun { name: format!("n-{i:03}"), start_time: Some(1_700_000_000_000 - i), tags, ..NewRun::default() };
        tracking::runs::create(&house.portal, &ada, "red", new).await.expect("a run");
    }
}

#[tokio::test]
async fn the_table_of_many_runs_is_a_small_page_that_leads_to_the_others_without_scripts() {
    let house = House::new().await;
    fill(&house, 120).await;
    let ada = house.session("ada").await;
    let page = async |query: &str| house.get(&format!("/t/red/experiments/0{query}"), &[("cookie", &ada)]).await.body;
    let first = page("").await;
    assert!(first.contains("120 runs") && first.contains("n-000") && first.contains("n-049") && !first.contains("n-050"), "{first}");
    assert!(first.contains("aria-rowcount=\"121\"") && first.contains("rel=\"next\"") && !first.contains("rel=\"prev\""));
    // The policy of the page refuses these.
    assert!(!first.contains(" style=\""));
    let last = page("?page=3&sort=-name&columns=t.number,*a.status,a.id").await;
    assert!(last.contains("n-019") && last.contains("n-000") && !last.contains("n-020") && !last.contains("rel=\"next\""), "{last}");
    assert!(last.contains("class=\"pin pin1\""), "{last}");
    let found = page("?filter=tags.number%20%3D%20%277%27").await;
    assert!(found.contains("1 run<") && found.contains("n-007") && !found.contains("n-008"), "{found}");
    let refused = page("?filter=attributes.nosuch%20%3D%20%271%27").await;
    assert!(refused.contains("Invalid attribute key") && refused.contains("<mark>attributes.nosuch"), "{refused}");
    let grouped = page("?group=a.status&columns=a.status,t.number").await;
    assert!(
        grouped.contains("120 runs in 1 group") && grouped.contains("Show 120 runs of RUNNING") && !grouped.contains("n-000"),
        "{grouped}"
    );
    let refused = page("?group=a.name").await;
    assert!(refused.contains("Runs cannot be grouped by Run: choose a param"), "{refused}");
    assert!(page("?status=failed").await.contains("No run matches"));
    assert!(page("?page=99&last=x&open=%00&nested=1&columns=%21").await.contains("120 runs"));
}

#[tokio::test]
async fn the_whole_table_is_exported_in_chunks() {
    let house = House::new().await;
    fill(&house, 300).await;
    let ada = house.session("ada").await;
    let answer = house.get("/t/red/experiments/0/runs.csv?columns=t.number&sort=name", &[("cookie", &ada)]).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert_eq!((answer.header("transfer-encoding"), answer.header("content-length")), (Some("chunked"), None));
    assert!(answer.body.matches("\r\n").count() >= 301 && answer.body.contains("\"n-299\""), "{}", answer.body);
    assert!(answer.body.contains("\"Run\",\"Run id\",\"number\""));
    let parquet = house.get("/t/red/experiments/0/runs.parquet?columns=t.number&sort=name", &[("cookie", &ada)]).await;
    assert_eq!((parquet.status, parquet.header("content-type")), (200, Some("application/vnd.apache.parquet")));
    assert!(parquet.body.matches("PAR1").count() == 2 && parquet.body.contains("tags.number"), "{}", parquet.body);
    for file in ["runs.csv", "runs.parquet"] {
        let bad = house.get(&format!("/t/red/experiments/0/{file}?filter=nonsense"), &[("cookie", &ada)]).await;
        assert_eq!(bad.status, 400);
    }
}
