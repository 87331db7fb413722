//! The list of notebooks a page at a time.

use super::House;
use domain::{
    Error, args,
    model::{NOTEBOOK_ROWS, NotebookPage, NotebookQuery, PhaseGroup, UserId},
    notebooks,
};

/// 60 notebooks of ada's and bob's in turn, oldest first `n-00`, every tenth failed, the others stopped.
async fn full() -> House {
    let house = House::new().await;
    let team = house.ada.require_in(domain::model::Permission::ReadNotebooks, "red").expect("a team").team;
    let owner = |caller: domain::Caller| caller.identity.expect("somebody").user.id;
    let owners: [UserId; 2] = [owner(house.ada.clone()), owner(house.test.caller("bob").await)];
    for i in 0..60_i64 {
        let (name, owner) = (format!("n-{i:02}"), &owners[usize::try_from(i % 2).expect("0 or 1")]);
        let spec = serde_json::json!({ "name": name, "environment": if i < 5 { "lab" } else { "web" }, "version": "2", "home": name,
            "data": [], "env": [], "git": null, "idle_minutes": 60, "resources": { "cpus": 1 + i % 3, "memory_mib": 512, "gpus": 0 } });
        let volume = "INSERT INTO volumes (id, team_id, name, created_by, created_at) VALUES ($1, $2, $1, $3, $4)";
        house.portal.db.execute(volume, args![&name, &team, owner, i]).await.expect("a volume");
        let notebook =
            "INSERT INTO notebooks (id, team_id, owner, name, spec, home, idempotency_key, desired, launch, phase, phase_at, created_at)
                        VALUES ($1, $2, $3, $1, $4, $1, $1, 'stopped', 1, $5, $6, $6)";
        let phase = if i % 10 == 0 { "failed" } else { "stopped" };
        house.portal.db.execute(notebook, args![&name, &team, owner, spec.to_string(), phase, i]).await.expect("a notebook");
    }
    house
}

async fn page(house: &House, query: NotebookQuery) -> NotebookPage {
    notebooks::page(&house.portal, &house.ada, "red", &query).await.expect("a page")
}

fn names(page: &NotebookPage) -> Vec<&str> {
    page.notebooks.iter().map(|n| n.spec.name.as_str()).collect()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_and_one_past_the_end_is_the_last() {
    let house = full().await;
    let at = |page| NotebookQuery { page, ..NotebookQuery::default() };
    let (first, second, third) = (page(&house, at(0)).await, page(&house, at(2)).await, page(&house, at(3)).await);
    assert_eq!((first.page, first.found, first.total, first.pages()), (1, 60, 60, 3));
    let all: Vec<&str> = [&first, &second, &third].into_iter().flat_map(names).collect();
    let expected: Vec<String> = (0..60).rev().map(|i| format!("n-{i:02}")).collect();
    assert_eq!(all, expected, "newest first");
    assert_eq!((first.first(), first.last(), third.first(), third.last()), (1, NOTEBOOK_ROWS, 51, 60));
    assert_eq!(page(&house, at(usize::MAX)).await, third);
    assert_eq!(page(&house, at(1)).await, first);
}

#[tokio::test]
async fn filter_and_order_concern_every_notebook_and_not_those_of_a_page() {
    let house = full().await;
    let any = NotebookQuery::default;
    let sorted = page(&house, NotebookQuery { sort: "name".into(), page: 3, ..any() }).await;
    assert_eq!(names(&sorted)[9], "n-59");
    assert_eq!(names(&page(&house, NotebookQuery { sort: "-name".into(), ..any() }).await)[0], "n-59");
    assert_eq!(
        names(&page(&house, NotebookQuery { sort: "size".into(), ..any() }).await)[..2],
        ["n-57", "n-54"],
        "newest first within a size"
    );
    assert_eq!(names(&page(&house, NotebookQuery { sort: "environment".into(), ..any() }).await)[0], "n-04");
    assert_eq!(names(&page(&house, NotebookQuery { sort: "nonsense".into(), ..any() }).await)[0], "n-59");

    let failed = page(&house, NotebookQuery { group: PhaseGroup::Failed, page: 9, ..any() }).await;
    assert_eq!((failed.page, failed.found, failed.total), (1, 6, 60), "a page that the filter does not have");
    assert_eq!(page(&house, NotebookQuery { mine: true, ..any() }).await.found, 30);
    // The same question, answered by the database alone and by reading everything.
    for (group, mine) in [(PhaseGroup::All, true), (PhaseGroup::Failed, false), (PhaseGroup::Stopped, true), (PhaseGroup::Running, false)] {
        for at in 1..=3 {
            let asked = NotebookQuery { group, mine, page: at, ..any() };
            assert_eq!(
                page(&house, asked.clone()).await,
                page(&house, NotebookQuery { text: "n-".into(), ..asked }).await,
                "{group:?} {mine} {at}"
            );
        }
    }
    for (text, found) in [("N-0", 10), ("LAB", 5), ("bob@", 30), ("nothing", 0), ("%", 0), ("  n-59 ", 1)] {
        assert_eq!(page(&house, NotebookQuery { text: text.into(), ..any() }).await.found, found, "{text}");
    }
    let none = page(&house, NotebookQuery { text: "nothing".into(), ..any() }).await;
    assert_eq!((none.page, none.pages(), none.first(), none.last(), none.total), (1, 1, 0, 0, 60));
}

#[tokio::test]
async fn a_page_of_another_team_is_like_one_that_does_not_exist() {
    let house = full().await;
    let eve = house.test.caller("eve").await;
    let asked = notebooks::page(&house.portal, &eve, "red", &NotebookQuery::default()).await;
    assert!(matches!(asked, Err(Error::NotFound("team"))));
    assert_eq!(notebooks::page(&house.portal, &eve, "blue", &NotebookQuery::default()).await.expect("her own").total, 0);
}
