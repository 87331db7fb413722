//! Charts as a browser without scripts gets them.

use crate::house::House;
use domain::{
    model::{Batch, Metric, NewRun, RunId, Tag},
    tracking,
};

/// A run of this person with `points` points of `loss`.
async fn run(house: &House, who: &str, team: &str, name: &str, points: i64) -> RunId {
    let caller = house.test.caller(who).await;
    let new = NewRun { name: name.into(), ..NewRun::default() };
    let id = tracking::runs::create(&house.portal, &caller, team, new).await.expect("a run").id;
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let metric = |step: i64| Metric { key: "loss".into(), value: 1.0 / (step + 1) as f64, timestamp: 1_700_000_000_000 + step, step };
    let params = vec![Tag::new("rate", name), Tag::new("depth", "3")];
    let log = async |batch| tracking::runs::log(&house.portal, &caller, team, &id, batch).await.expect("logged");
    log(Batch { params, ..Batch::default() }).await;
    // As many as a batch may have.
    for start in (0..points).step_by(1000) {
        log(Batch { metrics: (start..points.min(start + 1000)).map(metric).collect(), ..Batch::default() }).await;
    }
    id
}

#[tokio::test]
async fn runs_are_compared_without_scripts() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    let (a, b) = (run(&house, "ada", "red", "first", 20_000).await, run(&house, "ada", "red", "second", 10_000).await);
    for address in [format!("runs={a},{b}"), format!("runs={a}&runs={b}"), format!("runs={a},{b},{a}&smooth=0.6&y=log&x=relative")] {
        let page = house.get(&format!("/t/red/compare?{address}"), &[("cookie", &ada)]).await;
        assert_eq!(page.status, 200, "{address}");
        assert!(page.body.contains("2 of 2 runs · 30,000 points"), "{address}: {}", page.body);
        for mark in ["<svg viewBox=\"0 0 1920 760\"", "class=\"line s0 d0\"", "class=\"line s1 d0\"", "first", "second", "Only differences"]
        {
            assert!(page.body.contains(mark), "{address}: {mark}");
        }
        assert_eq!(page.body.contains("class=\"line s0 d0 faint\""), address.contains("smooth"), "{address}");
        // The policy of the page refuses these.
        assert!(!page.body.contains(" style=\""), "{address}");
    }
    let differing = house.get(&format!("/t/red/compare?runs={a},{b}"), &[("cookie", &ada)]).await.body;
    let all = house.get(&format!("/t/red/compare?runs={a},{b}&diff=all&hide=1"), &[("cookie", &ada)]).await.body;
    let row = |key: &str| format!(">{key}<!></th>");
    assert!(differing.contains(&row("rate")) && !differing.contains(&row("depth")) && all.contains(&row("depth")), "{differing}");
    assert!(all.contains("1 of 2 runs · 20,000 points · 1 hidden"), "{all}");
}

#[tokio::test]
async fn another_teams_run_is_not_compared() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    let (mine, theirs) = (run(&house, "ada", "red", "mine", 3).await, run(&house, "eve", "blue", "theirs", 3).await);
    for address in [
        format!("/t/red/compare?runs={mine},{theirs}"),
        "/t/red/compare?runs=none".to_owned(),
        format!("/t/red/runs/{theirs}?tab=charts"),
        format!("/t/red/compare.csv?runs={theirs}"),
        format!("/t/red/compare.svg?runs={mine},{theirs}"),
    ] {
        let page = house.get(&address, &[("cookie", &ada)]).await;
        assert_eq!(page.status, 404, "{address}");
        assert!(!page.body.contains("theirs<"), "{address}");
    }
    for (path, body) in [("compare", format!("team=red&runs={mine},{theirs}")), ("run", format!("team=red&run={theirs}&most=12"))] {
        assert_eq!(house.post(&format!("/api/charts/{path}"), &ada, &body).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_runs_charts_are_drawn_without_scripts() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    let id = run(&house, "ada", "red", "long", 50_000).await;
    let page = house.get(&format!("/t/red/runs/{id}?tab=charts"), &[("cookie", &ada)]).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("50,000 points") && page.body.contains("<svg viewBox=\"0 0 960 460\""), "{}", page.body);
    // A few points for each of 480 pixels travel, not 50,000.
    assert!(page.body.len() < 200_000, "{}", page.body.len());
    let none = house.get(&format!("/t/red/runs/{id}?tab=charts&q=nothing"), &[("cookie", &ada)]).await;
    assert!(none.body.contains("No metric matches"), "{}", none.body);
    let nonsense = house.get(&format!("/t/red/runs/{id}?tab=charts&smooth=NaN&from=inf&to=x&x=%00&show=-1"), &[("cookie", &ada)]).await;
    assert!(nonsense.status == 200 && nonsense.body.contains("50,000 points"), "{}", nonsense.body);
}

#[tokio::test]
async fn runs_are_grouped_and_the_chart_is_a_file_with_all_of_its_points() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    let ids =
        [run(&house, "ada", "red", "0.1", 3).await, run(&house, "ada", "red", "0.1", 3).await, run(&house, "ada", "red", "0.5", 2).await];
    let runs = ids.iter().map(RunId::as_str).collect::<Vec<_>>().join(",");
    let cookie = [("cookie", ada.as_str())];
    let page = house.get(&format!("/t/red/compare?runs={runs}&group=params.rate&band=std"), &cookie).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("2 of 2 groups · 3 of 3 runs · 8 points"), "{}", page.body);
    assert_eq!(page.body.matches("<polygon class=\"band s").count(), 2);
    // All runs of an experiment that fit, without naming them.
    let page = house.get("/t/red/compare?experiment=0&filter=params.rate+%3D+%270.1%27", &cookie).await;
    assert!(page.body.contains("2 of 2 runs · 6 points"), "{}", page.body);
    let wrong = house.get("/t/red/compare?experiment=0&filter=params.rate+%3D", &cookie).await;
    assert_eq!(wrong.status, 400, "{}", wrong.body);
    assert_eq!(house.get("/t/red/compare?experiment=12345", &cookie).await.status, 404);

    let csv = house.get(&format!("/t/red/compare.csv?runs={runs}&group=params.rate&hide=1"), &cookie).await;
    let rows = "name,run,x,value,smoothed,low,high\n0.1,,0,1,,1,1\n0.1,,1,0.5,,0.5,0.5\n";
    assert_eq!(csv.body, format!("{rows}0.1,,2,{0},,{0},{0}\n", 1.0 / 3.0));
    let parquet = house.get(&format!("/t/red/compare.parquet?runs={runs}&group=params.rate"), &cookie).await;
    assert_eq!((parquet.status, parquet.header("content-type")), (200, Some("application/vnd.apache.parquet")));
    assert!(parquet.body.starts_with("PAR1") && parquet.body.ends_with("PAR1"));
    let svg = house.get(&format!("/t/red/compare.svg?runs={runs}&metric=loss"), &cookie).await;
    assert!(svg.body.starts_with("<svg ") && svg.body.contains("<style>") && svg.body.ends_with("</svg>"), "{}", svg.body);
    assert_eq!(svg.body.matches("<polyline class=\"line s").count(), 3);
}

#[tokio::test]
async fn a_large_page_is_packed_for_who_asks_and_a_small_one_is_not() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    let id = run(&house, "ada", "red", "first", 5000).await;
    let page = format!("/t/red/compare?runs={id}");
    let plain = house.get(&page, &[("cookie", &ada)]).await;
    assert_eq!(plain.header("content-encoding"), None);
    for encoding in ["br", "gzip"] {
        let packed = house.get(&page, &[("cookie", &ada), ("accept-encoding", encoding)]).await;
        assert_eq!((packed.status, packed.header("content-encoding")), (200, Some(encoding)));
        assert!(packed.header("vary").is_some_and(|vary| vary.to_lowercase().contains("accept-encoding")), "{:?}", packed.headers);
        // Each byte that is no text is one character here.
        let length = packed.text.chars().count();
        assert!(length < plain.text.len() * 2 / 3, "{length} of {}", plain.text.len());
    }
    let small = house.get("/healthz", &[("accept-encoding", "br")]).await;
    assert_eq!((small.status, small.header("content-encoding")), (200, None));
}

#[tokio::test]
async fn what_runs_ended_with_is_drawn_without_scripts_and_is_a_file() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    let (a, b) = (run(&house, "ada", "red", "0.1", 5).await, run(&house, "ada", "red", "0.5", 9).await);
    for (chart, mark) in [
        ("parallel", "class=\"path "),
        ("scatter", "class=\"dots "),
        ("heat", "class=\"area h"),
        ("bar", "class=\"area s0"),
        ("box", "class=\"area s0"),
        ("violin", "class=\"area s0"),
        ("histogram", "class=\"area s0"),
        ("importance", "Param importance"),
    ] {
        let address = format!(
            "runs={a},{b}&chart={chart}&metric=loss&ranges=params.rate:0:&flip=params.rate&axes=,,params.rate,metrics.loss,nothing"
        );
        let page = house.get(&format!("/t/red/compare?{address}"), &[("cookie", &ada)]).await;
        assert_eq!(page.status, 200, "{chart}");
        assert!(
            page.body.contains(mark) && page.body.contains("2 of 2 runs") && !page.body.contains(" style=\""),
            "{chart}: {}",
            page.body
        );
        let svg = house.get(&format!("/t/red/compare.svg?{address}"), &[("cookie", &ada)]).await;
        assert!(svg.status == 200 && svg.body.contains("<style>") && svg.body.trim_end().ends_with("</svg>"), "{chart}: {}", svg.body);
        let csv = house.get(&format!("/t/red/compare.csv?{address}"), &[("cookie", &ada)]).await;
        assert!(csv.status == 200 && csv.body.lines().next().is_some_and(|head| head.contains(",id,")), "{chart}: {}", csv.body);
    }
}
