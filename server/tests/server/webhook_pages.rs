//! The pages of webhooks: for members only, without scripts, and never with a secret on them.

use crate::house::{Answer, House};
use domain::{model::WebhookForm, webhooks};

async fn page(house: &House, who: &str, path: &str) -> Answer {
    house.get(path, &[("cookie", &house.session(who).await)]).await
}

/// A form as a browser without scripts posts it; where that sends it.
async fn form(house: &House, who: &str, name: &str, body: &str, from: &str) -> String {
    let (cookie, origin) = (house.session(who).await, house.origin());
    let referer = format!("{origin}{from}");
    let headers = [("cookie", cookie.as_str()), ("origin", &origin), ("accept", "text/html"), ("referer", &referer)];
    let answer = house.send("POST", &format!("/api/webhooks/{name}"), &headers, body).await;
    assert!(matches!(answer.status, 302 | 303), "{name}: {} {}", answer.status, answer.body);
    answer.header("location").expect("a way on").trim_start_matches(&origin).trim_end_matches('?').to_owned()
}

#[tokio::test]
async fn a_member_makes_changes_pauses_and_deletes_a_webhook_without_scripts() {
    let house = House::new().await;
    let list = "/t/red/webhooks";
    assert!(page(&house, "ada", list).await.body.contains("No webhooks yet"));
    let fields = "team=red&webhook[name]=deploy&webhook[url]=https%3A%2F%2F1.1.1.1%2Fhook&webhook[events][model_version.created]=true&webhook[secret]=hunter2&webhook[description]=d";
    let made = form(&house, "ada", "create", fields, "/t/red/webhooks/new").await;
    let id = made.strip_prefix("/t/red/webhooks/").expect("its page").to_owned();
    let shown = page(&house, "root", &made).await;
    assert!(
        ["deploy", "https://1.1.1.1/hook", "model_version.created", "Nothing was sent yet", "Yes, with its secret"]
            .iter()
            .all(|text| shown.body.contains(text))
    );
    for path in [list, &made, &format!("{made}?tab=settings")] {
        assert!(!page(&house, "ada", path).await.body.contains("hunter2"), "{path}");
    }
    let settings = page(&house, "ada", &format!("{made}?tab=settings")).await;
    assert!(settings.body.contains("webhook[events][model_version.created]") && settings.body.contains("Save webhook"));

    let wrong = "team=red&webhook[name]=deploy&webhook[url]=https%3A%2F%2F127.0.0.1%2Fhook&webhook[events][model_version.created]=true";
    let refused = form(&house, "ada", "create", wrong, "/t/red/webhooks/new").await;
    assert!(page(&house, "ada", &refused).await.body.contains("inside the network"), "{refused}");
    let none =
        form(&house, "ada", "create", "team=red&webhook[name]=deploy&webhook[url]=https%3A%2F%2F1.1.1.1%2Fhook", "/t/red/webhooks/new")
            .await;
    assert!(page(&house, "ada", &none).await.body.contains("Name at least one event"), "{none}");

    let change = format!(
        "team=red&id={id}&webhook[name]=deploy-2&webhook[url]=https%3A%2F%2F1.1.1.1%2Fother&webhook[events][prompt.created]=true&webhook[unsigned]=true"
    );
    form(&house, "ada", "update", &change, &made).await;
    form(&house, "ada", "set_active", &format!("team=red&id={id}&active=false"), &made).await;
    let changed = page(&house, "ada", &made).await;
    assert!(["deploy-2", "Paused", "Resume webhook", "prompt.created", "it has no secret"].iter().all(|text| changed.body.contains(text)));
    assert_eq!(form(&house, "ada", "delete", &format!("team=red&id={id}"), &made).await, list);
    assert_eq!(page(&house, "ada", &made).await.status, 404);
}

#[tokio::test]
async fn a_viewer_is_told_so_and_another_team_finds_nothing() {
    let house = House::new().await;
    let new = WebhookForm {
        name: Some("w".into()),
        url: Some("https://1.1.1.1/x".into()),
        events: Some(vec!["prompt.created".into()]),
        ..WebhookForm::default()
    };
    let hook = webhooks::create(&house.portal, &house.test.caller("ada").await, "red", new).await.expect("a webhook");
    for path in ["/t/red/webhooks", "/t/red/webhooks/new", &format!("/t/red/webhooks/{}", hook.id)] {
        assert_eq!(page(&house, "vera", path).await.status, 403, "{path}");
        assert_eq!(page(&house, "eve", path).await.status, 404, "{path}");
    }
    let theirs = page(&house, "eve", &format!("/t/blue/webhooks/{}", hook.id)).await;
    assert!(theirs.status == 404 && !theirs.body.contains("1.1.1.1"), "{}", theirs.body);
    assert!(!page(&house, "vera", "/t/red").await.body.contains("href=\"/t/red/webhooks\""), "not in a viewer's menu");
    assert!(page(&house, "ada", "/t/red").await.body.contains("href=\"/t/red/webhooks\""));
}
