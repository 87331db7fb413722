//! Ways in that a review found, and that stay closed: other people's codes, and readers that outstay.

use crate::house::House;

#[tokio::test]
async fn a_code_lets_in_only_the_browser_that_asked_for_it() {
    let house = House::new().await;
    let (id, ada) = (house.notebook().await, house.session("ada").await);
    let host = house.notebook_host(&id);
    let opened = house.get(&format!("/t/red/notebooks/{id}/open"), &[("cookie", &ada)]).await;
    let begin = format!("http://{host}/_slipway/begin");
    assert_eq!((opened.status, opened.header("location")), (303, Some(begin.as_str())), "no code before the browser is marked");
    for state in ["x", "a%0d%0ab", &"g".repeat(64)] {
        let opened = house.get(&format!("/t/red/notebooks/{id}/open?state={state}"), &[("cookie", &ada)]).await;
        assert_eq!(opened.header("location"), Some(begin.as_str()), "{state}");
    }

    let (path, nonce) = house.way_in(&id, &ada).await;
    let (_, of_another) = house.way_in(&id, &ada).await;
    assert_ne!(nonce, of_another);
    for cookie in ["", "slipway-nonce=", of_another.as_str()] {
        let entered = house.get(&path, &[("host", &host), ("cookie", cookie)]).await;
        assert_eq!((entered.status, entered.header("set-cookie")), (303, None), "{cookie}");
        assert_eq!(entered.header("location"), Some(format!("{}/notebooks/{id}/open", house.origin()).as_str()));
    }
    let entered = house.get(&path, &[("host", &host), ("cookie", &nonce)]).await;
    assert!(entered.cookie().starts_with("slipway-notebook="), "{}", entered.text);
    let begun = house.get("/_slipway/begin", &[("host", &host), ("cookie", &nonce)]).await;
    assert_eq!(begun.cookie(), nonce, "two tabs that open at once share it");
    assert!(
        begun.header("set-cookie").is_some_and(|c| c.contains("; HttpOnly") && c.contains("; SameSite=Lax") && c.contains("; Max-Age="))
    );
}
