//! Sign-in with identity providers: whom an answer signs in, and every answer that must be refused, from a provider that says what a test wants.

mod groups;
mod leaving;
pub mod provider;

use domain::{
    Caller, Error,
    model::{ProviderForm, Role, User},
    sso::{self, Answer, Attempt},
    testing::TestPortal,
};
use provider::{Key, Op};
use serde_json::{Value, json};

/// A portal with ada (administrator) and a provider that knows it.
struct Lab {
    test: TestPortal,
    admin: Caller,
    op: Op,
    id: String,
}

impl Lab {
    async fn new() -> Self {
        let test = TestPortal::new().await;
        test.team("vision", &[("ada", Role::Admin)]).await;
        let op = Op::new().await;
        let admin = Caller::console();
        let id = sso::save(&test.portal, &admin, None, form(&op)).await.expect("a provider").id;
        Self { test, admin, op, id }
    }

    async fn begin(&self) -> (String, Attempt) {
        // The console is not counted.
        let begun = sso::begin(&self.test.portal, &self.admin, &self.id, "/t/vision").await.expect("begun");
        self.op.expect(&begun.url, self.test.portal.clock.now() / 1000);
        (begun.url, begun.attempt)
    }

    async fn finish(&self, attempt: Attempt, answer: Answer) -> Result<User, Error> {
        Ok(sso::finish(&self.test.portal, &self.test.stranger(), attempt, answer).await?.user)
    }

    /// A sign-in of whom the provider's token says, with `change` made to its claims.
    async fn sign_in(&self, change: impl FnOnce(&mut Value)) -> Result<User, Error> {
        let (_, attempt) = self.begin().await;
        let mut claims = self.op.claims();
        change(&mut claims);
        self.op.answer(self.op.signed(&claims));
        let answer = answer(&attempt, Some(self.op.issuer()));
        self.finish(attempt, answer).await
    }
}

fn form(op: &Op) -> ProviderForm {
    let text = |text: &str| text.to_owned();
    ProviderForm {
        name: text("Company"),
        issuer: op.issuer(),
        client_id: text("slipway"),
        client_secret: text("s3cret+/ x"),
        scopes: String::new(),
        admits: true,
        groups_claim: String::new(),
    }
}

fn answer(attempt: &Attempt, iss: Option<String>) -> Answer {
    Answer { code: "c-1".to_owned(), state: attempt.state.clone(), iss, ..Answer::default() }
}

fn is_refused(result: &Result<User, Error>, word: &str) -> bool {
    matches!(result, Err(Error::Forbidden(reason)) if reason.contains(word))
}

#[tokio::test]
async fn the_first_sign_in_makes_an_account_without_rights_and_the_next_finds_it() {
    let lab = Lab::new().await;
    let (url, _) = lab.begin().await;
    for part in ["response_type=code", "client_id=slipway", "code_challenge_method=S256", "scope=openid+email+profile", "nonce=", "state="]
    {
        assert!(url.contains(part), "{url}");
    }
    let eva = lab.sign_in(|_| {}).await.expect("signed in");
    assert_eq!((eva.email.as_str(), eva.name.as_str(), eva.admin), ("eva@example.com", "Eva", false));
    let identity = domain::identity::identify(&lab.test.portal, &eva.id).await.expect("asked").expect("an account");
    assert!(identity.memberships.is_empty());
    // A password would open nothing.
    let reset = domain::identity::reset_password(&lab.test.portal, &lab.admin, &eva.id, "correct horse battery").await;
    assert!(matches!(&reset, Err(Error::Invalid(fields)) if fields[0].reason.contains("identity provider")), "{reset:?}");
    let again = lab.sign_in(|claims| claims["email"] = json!("eva.new@example.com")).await.expect("signed in");
    assert_eq!((&again.id, again.email.as_str()), (&eva.id, "eva@example.com"), "what an account is called stays");
    // The verifier went with the code, and the secret as HTTP Basic has it.
    let asked = lab.op.asked("POST /token");
    assert!(asked.contains("code_verifier=") && asked.contains("grant_type=authorization_code"), "{asked}");
    assert!(asked.to_lowercase().contains("authorization: basic "), "{asked}");
}

#[tokio::test]
async fn new_people_wait_for_an_administrator_unless_they_are_let_in_by_themselves() {
    let lab = Lab::new().await;
    let portal = &lab.test.portal;
    sso::save(portal, &lab.admin, Some(&lab.id), ProviderForm { admits: false, ..form(&lab.op) }).await.expect("changed");
    for _ in 0..2 {
        assert!(is_refused(&lab.sign_in(|_| {}).await, "waits for an administrator"));
    }
    let users = domain::identity::list_users(portal, &lab.admin).await.expect("users");
    let eva = users.iter().find(|user| user.email == "eva@example.com").expect("one account");
    assert!(eva.disabled_at.is_some() && eva.last_sign_in_at.is_none());
    domain::identity::set_disabled(portal, &lab.admin, &eva.id, false).await.expect("enabled");
    let signed_in = lab.sign_in(|_| {}).await.expect("signed in");
    assert_eq!(signed_in.id, eva.id);
    // There is no password to be changed, nor anybody else's to be tried.
    let identity = domain::identity::identify(portal, &eva.id).await.expect("asked").expect("enabled");
    let caller = Caller::identified(identity, "test", "192.0.2.1");
    let tried = domain::identity::change_password(portal, &caller, domain::testing::PASSWORD, "correct horse battery staple").await;
    assert!(matches!(&tried, Err(Error::Invalid(fields)) if fields[0].reason.contains("identity provider")), "{tried:?}");
}

#[tokio::test]
async fn an_answer_is_good_for_one_sign_in() {
    let lab = Lab::new().await;
    let (_, attempt) = lab.begin().await;
    lab.op.answer(lab.op.signed(&lab.op.claims()));
    let said = answer(&attempt, Some(lab.op.issuer()));
    let (first, second) = futures::join!(lab.finish(attempt.clone(), said.clone()), lab.finish(attempt, said));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert!(is_refused(&first, "given before") || is_refused(&second, "given before"));
}

#[tokio::test]
async fn an_email_links_no_accounts() {
    let lab = Lab::new().await;
    let local = lab.test.caller("ada").await.identity.expect("ada").user;
    for verified in [json!(true), json!(false), json!(null)] {
        let user = lab
            .sign_in(|claims| {
                claims["sub"] = json!(format!("attacker-{verified}"));
                claims["email"] = json!(local.email);
                claims["email_verified"] = verified.clone();
                if verified.is_null() {
                    claims.as_object_mut().expect("claims").remove("email_verified");
                }
            })
            .await
            .expect("an account of its own");
        assert_ne!(user.id, local.id);
        assert_eq!((user.admin, user.email), (false, format!("{} (Company)", local.email)), "nobody is called as somebody else");
    }
}

#[tokio::test]
async fn tokens_that_are_not_to_be_believed_are_refused() {
    let lab = Lab::new().await;
    let now = lab.test.portal.clock.now() / 1000;
    let cases: Vec<(&str, Value, &str)> = vec![
        ("iss", json!(format!("{}/", lab.op.issuer())), "ssuer"),
        ("iss", json!("http://LOCALHOST:1"), "ssuer"),
        ("aud", json!("other"), "udience"),
        ("aud", json!(["slipway", "other"]), "udience"),
        ("aud", json!(null), "udience"),
        ("nonce", json!("older"), "nonce"),
        ("nonce", json!(null), "nonce"),
        ("sub", json!(""), "subject"),
        ("sub", json!("x".repeat(300)), "subject"),
        ("sub", json!(null), ""),
        ("iat", json!(null), ""),
        ("iat", json!(now + 3600), "future"),
        ("exp", json!(now - 61), "xpired"),
        ("exp", json!(null), ""),
    ];
    for (claim, value, word) in cases {
        let said = value.to_string();
        let result = lab
            .sign_in(|claims| {
                claims[claim] = value.clone();
                if value.is_null() {
                    claims.as_object_mut().expect("claims").remove(claim);
                }
            })
            .await;
        assert!(
            matches!(&result, Err(Error::Forbidden(reason)) if reason.to_lowercase().contains(&word.to_lowercase())),
            "{claim} {said}: {result:?}"
        );
    }
    lab.sign_in(|claims| claims["exp"] = json!(now - 58)).await.expect("clocks differ a little");
    // Nobody but eva got an account.
    let users = domain::identity::list_users(&lab.test.portal, &lab.admin).await.expect("users");
    assert_eq!(users.iter().filter(|user| user.email == "eva@example.com").count(), 1);
}

#[tokio::test]
async fn signatures_must_be_the_providers() {
    let lab = Lab::new().await;
    let with = async |make: &dyn Fn(&Op, &Value) -> String| {
        let (_, attempt) = lab.begin().await;
        let claims = lab.op.claims();
        lab.op.answer(make(&lab.op, &claims));
        let answer = answer(&attempt, Some(lab.op.issuer()));
        lab.finish(attempt, answer).await
    };
    let none = with(&|_, claims| provider::unsigned(claims)).await;
    assert!(matches!(none, Err(Error::Forbidden(_))), "{none:?}");
    let other = with(&|op, claims| Key::new("k1").sign(claims).replace("??", &op.issuer())).await;
    assert!(matches!(other, Err(Error::Forbidden(_))), "another key with the right name: {other:?}");
    let confused = with(&|_, claims| Op::by_shared_secret(claims, "s3cret+/ x")).await;
    assert!(is_refused(&confused, "Signature") || is_refused(&confused, "signature"), "{confused:?}");
    let confused = with(&|op, claims| Op::by_shared_secret(claims, &op.public_key())).await;
    assert!(matches!(confused, Err(Error::Forbidden(_))), "{confused:?}");
    let cut = with(&|op, claims| op.signed(claims).rsplit_once('.').map(|(head, _)| format!("{head}.")).unwrap_or_default()).await;
    assert!(matches!(cut, Err(Error::Forbidden(_))), "{cut:?}");
    // All of that is in the trail.
    let trail = domain::audit::list(&lab.test.portal, &lab.admin, &domain::model::AuditFilter::default()).await.expect("the trail");
    assert_eq!(trail.iter().filter(|record| record.action == "user.sign_in_refused").count(), 5);
    assert!(trail.iter().all(|record| !format!("{record:?}").contains("s3cret")));
}

#[tokio::test]
async fn new_keys_of_the_provider_are_asked_for_and_unknown_ones_not_again_and_again() {
    let lab = Lab::new().await;
    lab.sign_in(|_| {}).await.expect("signed in");
    let asked = lab.op.count("GET /jwks");
    // A rotation.
    lab.test.portal.clock.advance(61_000);
    lab.op.rotate();
    lab.sign_in(|_| {}).await.expect("signed in with the new key");
    assert_eq!(lab.op.count("GET /jwks"), asked + 1);
    // Keys that nobody has.
    for _ in 0..50 {
        let (_, attempt) = lab.begin().await;
        lab.op.answer(Key::new("unknown").sign(&lab.op.claims()));
        let answer = answer(&attempt, Some(lab.op.issuer()));
        assert!(lab.finish(attempt, answer).await.is_err());
    }
    assert_eq!(lab.op.count("GET /jwks"), asked + 1, "within a minute");
}

#[tokio::test]
async fn an_answer_of_another_provider_or_sign_in_is_refused() {
    let lab = Lab::new().await;
    let ask = async |change: &dyn Fn(&mut Answer)| {
        let (_, attempt) = lab.begin().await;
        lab.op.answer(lab.op.signed(&lab.op.claims()));
        let mut said = answer(&attempt, Some(lab.op.issuer()));
        change(&mut said);
        lab.finish(attempt, said).await
    };
    assert!(is_refused(&ask(&|said| said.iss = Some("https://evil.example".to_owned())).await, "another provider"));
    assert!(is_refused(&ask(&|said| said.iss = None).await, "which provider"));
    assert!(is_refused(&ask(&|said| said.state = "other".to_owned()).await, "another sign-in"));
    let said = ask(&|said| (said.error, said.error_description) = (Some("access_denied".into()), Some("not\nyou".into()))).await;
    assert!(is_refused(&said, "access_denied: not you"), "{said:?}");
    let (_, attempt) = lab.begin().await;
    lab.test.portal.clock.advance(11 * 60_000);
    let late = answer(&attempt, Some(lab.op.issuer()));
    assert!(is_refused(&lab.finish(attempt, late).await, "too late"));
    // A code that was used already.
    let (_, attempt) = lab.begin().await;
    lab.op.refuse_code();
    let replayed = answer(&attempt, Some(lab.op.issuer()));
    assert!(is_refused(&lab.finish(attempt, replayed).await, "does not take the code"));
}

#[tokio::test]
async fn sign_ins_that_are_begun_and_not_ended_are_slowed_down() {
    let lab = Lab::new().await;
    let stranger = lab.test.stranger();
    let begin = async || sso::begin(&lab.test.portal, &stranger, &lab.id, "/").await.map(|begun| begun.attempt);
    for _ in 0..20 {
        begin().await.expect("begun");
    }
    assert!(matches!(begin().await, Err(Error::Throttled(_))));
    assert!(sso::begin(&lab.test.portal, &lab.admin, &lab.id, "/").await.is_ok(), "others are not");
}

#[tokio::test]
async fn what_the_token_leaves_out_is_asked_of_userinfo_which_must_speak_of_the_same_person() {
    let lab = Lab::new().await;
    let bare = |claims: &mut Value| {
        for claim in ["email", "name"] {
            claims.as_object_mut().expect("claims").remove(claim);
        }
    };
    lab.op.user_info(json!({ "sub": "eva-1", "email": "eva@info.example", "name": "Eva of Info" }));
    let eva = lab.sign_in(bare).await.expect("signed in");
    assert_eq!((eva.email.as_str(), eva.name.as_str()), ("eva@info.example", "Eva of Info"));
    lab.op.user_info(json!({ "sub": "somebody else", "email": "ada@example.com" }));
    assert!(matches!(lab.sign_in(bare).await, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn a_provider_is_managed_by_administrators_and_its_secret_never_seen() {
    let lab = Lab::new().await;
    let portal = &lab.test.portal;
    let ada = lab.test.caller("ada").await;
    assert!(matches!(sso::list(portal, &ada).await, Err(Error::Forbidden(_))));
    assert!(matches!(sso::save(portal, &ada, None, form(&lab.op)).await, Err(Error::Forbidden(_))));
    assert!(matches!(sso::remove(portal, &ada, &lab.id).await, Err(Error::Forbidden(_))));
    let stored: (String,) = portal.db.fetch_one("SELECT client_secret FROM sso_providers", vec![]).await.expect("stored");
    assert!(!stored.0.contains("s3cret"));
    assert!(matches!(sso::save(portal, &lab.admin, None, form(&lab.op)).await, Err(Error::Invalid(_))), "the same issuer");
    let bad = ProviderForm { issuer: "http://127.0.0.1:1".into(), ..form(&lab.op) };
    assert!(
        matches!(sso::save(portal, &lab.admin, None, bad).await, Err(Error::Unavailable(reason)) if reason.contains("openid-configuration"))
    );
    // Without a secret in the form the present one stays.
    sso::save(portal, &lab.admin, Some(&lab.id), ProviderForm { client_secret: String::new(), ..form(&lab.op) }).await.expect("changed");
    let eva = lab.sign_in(|_| {}).await.expect("signed in");
    assert_eq!(sso::list(portal, &lab.admin).await.expect("listed")[0].accounts, 1);
    sso::set_enabled(portal, &lab.admin, &lab.id, false).await.expect("off");
    assert!(sso::choices(portal).await.expect("asked").is_empty());
    assert!(matches!(sso::begin(portal, &lab.admin, &lab.id, "/").await, Err(Error::NotFound(_))));
    sso::set_enabled(portal, &lab.admin, &lab.id, true).await.expect("on");
    domain::identity::set_disabled(portal, &lab.admin, &eva.id, true).await.expect("disabled");
    assert!(is_refused(&lab.sign_in(|_| {}).await, "waits for an administrator"));
    let other = Op::new().await;
    let moved = ProviderForm { issuer: other.issuer(), client_secret: String::new(), ..form(&lab.op) };
    let refused = sso::save(portal, &lab.admin, Some(&lab.id), moved).await;
    assert!(
        matches!(&refused, Err(Error::Invalid(fields)) if fields[0].field == "client_secret"),
        "the secret stays with its issuer: {refused:?}"
    );
    sso::remove(portal, &lab.admin, &lab.id).await.expect("removed");
    assert!(sso::list(portal, &lab.admin).await.expect("listed").is_empty());
}
