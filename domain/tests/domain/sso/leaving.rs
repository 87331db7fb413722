//! Sessions that end because the provider says so, and leaving the provider.

use super::{Lab, provider::unsigned};
use domain::{Error, sso};
use serde_json::{Value, json};

/// A word of the refusal, and what was changed.
type Change<'a> = (&'a str, &'a dyn Fn(&mut Value));

fn refuses(result: &Result<u64, Error>, word: &str) -> bool {
    matches!(result, Err(Error::Invalid(fields)) if fields[0].field == "logout_token" && fields[0].reason.contains(word))
}

#[tokio::test]
async fn a_logout_token_ends_the_sessions_it_names_and_no_others() {
    let lab = Lab::new().await;
    let portal = &lab.test.portal;
    let eva = lab.sign_in(|_| {}).await.expect("signed in");
    for (handle, sid) in [("one", Some("s-1")), ("two", Some("s-2"))] {
        lab.session(handle, &eva, sid).await;
    }
    let by_sid = lab.op.logout(|claims| claims["sid"] = json!("s-1"));
    let token = lab.op.signed_as("logout+jwt", &by_sid);
    assert_eq!(sso::back_channel(portal, &token).await.expect("ended"), 1);
    assert_eq!((lab.is_open("one").await, lab.is_open("two").await), (false, true));
    assert!(refuses(&sso::back_channel(portal, &token).await, "given before"));
    let unknown = lab.op.logout(|claims| (claims["sub"], claims["jti"]) = (json!("nobody"), json!("j-2")));
    assert_eq!(sso::back_channel(portal, &lab.op.signed(&unknown)).await.expect("none"), 0);
    // Of a session that the provider gave no name, the person is enough.
    lab.session("three", &eva, None).await;
    let named = lab.op.logout(|claims| (claims["sid"], claims["jti"]) = (json!("s-9"), json!("j-4")));
    assert_eq!(sso::back_channel(portal, &lab.op.signed(&named)).await.expect("ended"), 1);
    assert_eq!((lab.is_open("two").await, lab.is_open("three").await), (true, false));
    let everywhere = lab.op.logout(|claims| claims["jti"] = json!("j-3"));
    assert_eq!(sso::back_channel(portal, &lab.op.signed(&everywhere)).await.expect("ended"), 1);
    assert!(!lab.is_open("two").await);
}

#[tokio::test]
async fn what_is_no_logout_token_ends_nothing() {
    let lab = Lab::new().await;
    let portal = &lab.test.portal;
    let eva = lab.sign_in(|_| {}).await.expect("signed in");
    lab.session("one", &eva, None).await;
    let now = portal.clock.now() / 1000;
    let changes: [Change; 12] = [
        ("another client", &|c| c["aud"] = json!("other")),
        ("issuer is not known", &|c| c["iss"] = json!("https://elsewhere.example")),
        ("who issued", &|c| drop(c.as_object_mut().map(|c| c.remove("iss")))),
        ("not about a logout", &|c| drop(c.as_object_mut().map(|c| c.remove("events")))),
        ("not about a logout", &|c| c["events"] = json!({ "http://schemas.openid.net/event/other": {} })),
        ("nonce", &|c| c["nonce"] = json!("n")),
        ("whose sessions", &|c| drop(c.as_object_mut().map(|c| c.remove("sub")))),
        ("no id", &|c| drop(c.as_object_mut().map(|c| c.remove("jti")))),
        ("its time", &|c| c["exp"] = json!(now - 3600)),
        ("its time", &|c| c["iat"] = json!(now + 3600)),
        ("its time", &|c| c["iat"] = json!(now - 3600)),
        ("its time", &|c| {
            c["iat"] = json!(now - 3600);
            c.as_object_mut().map(|c| c.remove("exp"));
        }),
    ];
    for (word, change) in changes {
        let result = sso::back_channel(portal, &lab.op.signed(&lab.op.logout(|claims| change(claims)))).await;
        assert!(refuses(&result, word), "{word}: {result:?}");
    }
    let honest = lab.op.logout(|_| {});
    let tokens = [
        (unsigned(&honest), "signed by a key"),
        (super::Op::by_shared_secret(&honest, &lab.op.public_key()), "signed by a key"),
        (super::Key::new("k1").sign(&honest), "none of the provider's keys"),
        (lab.op.signed_as("at+jwt", &honest), "another kind"),
        ("a.b.c".to_owned(), "no token"),
        (String::new(), "no token"),
        (lab.op.signed(&lab.op.logout(|claims| claims["pad"] = json!("x".repeat(20_000)))), "too long"),
    ];
    for (token, word) in tokens {
        let result = sso::back_channel(portal, &token).await;
        assert!(refuses(&result, word), "{word}: {result:?}");
    }
    assert!(lab.is_open("one").await);
    // After the keys were changed, the new ones are asked for.
    lab.op.rotate();
    lab.test.portal.clock.advance(61_000);
    lab.op.now(portal.clock.now() / 1000);
    assert_eq!(sso::back_channel(portal, &lab.op.signed(&lab.op.logout(|_| {}))).await.expect("ended"), 1);
}

#[tokio::test]
async fn the_provider_is_left_by_its_own_way_out() {
    let lab = Lab::new().await;
    let portal = &lab.test.portal;
    assert_eq!(sso::ends(portal, &lab.id).await.expect("known"), None, "it is not asked for this");
    lab.sign_in(|_| {}).await.expect("signed in");
    assert_eq!(sso::ends(portal, &lab.id).await.expect("known"), Some("Company".to_owned()));
    let (url, state) = sso::end(portal, &lab.id).await.expect("a way");
    for part in ["/end?of=test&client_id=slipway", "post_logout_redirect_uri=", "%2Fsso%2Fended", &format!("state={state}")] {
        assert!(url.contains(part), "{url}");
    }
    assert!(!url.contains("id_token_hint"), "no token in an address");
}
