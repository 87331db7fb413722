//! Groups become roles, and are gone when the provider says so.

use super::{Lab, form, is_refused};
use domain::{
    Error,
    model::{AccessFilter, AccessSource, GroupRuleForm, ProviderForm, Role, User},
    sessions::{self, SessionRecord},
    sso,
};
use serde_json::{Value, json};

fn rule(pattern: &str, is_prefix: bool, team: &str, role: Role) -> GroupRuleForm {
    GroupRuleForm { pattern: pattern.into(), is_prefix, team: team.into(), role }
}

impl Lab {
    async fn roles(&self, user: &User) -> Vec<(String, Role)> {
        let identity = domain::identity::identify(&self.test.portal, &user.id).await.expect("asked").expect("enabled");
        identity.memberships.into_iter().map(|m| (m.team_name, m.role)).collect()
    }

    /// How eva got her role, as the access page tells it.
    async fn source(&self) -> Option<AccessSource> {
        let filter = AccessFilter { q: "eva".into(), ..AccessFilter::default() };
        domain::access::list(&self.test.portal, &self.admin, &filter).await.expect("a list").rows[0].source
    }

    async fn add(&self, form: GroupRuleForm) -> String {
        sso::add_rule(&self.test.portal, &self.admin, &self.id, form).await.expect("a rule").id
    }

    /// A browser in which this person signed in with the provider.
    pub async fn session(&self, handle: &str, user: &User, sid: Option<&str>) {
        let now = self.test.portal.clock.now();
        let record = SessionRecord {
            handle: handle.to_owned(),
            user: Some(user.id.clone()),
            issuer: Some(self.op.issuer()),
            sid: sid.map(str::to_owned),
            data: "{}".to_owned(),
            created_at: now,
            last_seen_at: now,
            expires_at: now + 3_600_000,
            user_agent: String::new(),
            address: String::new(),
        };
        assert!(sessions::create(&self.test.portal, &record).await.expect("a session"));
    }

    pub async fn is_open(&self, handle: &str) -> bool {
        sessions::load(&self.test.portal, handle).await.expect("read").is_some()
    }

    async fn sign_in_as(&self, groups: Value) -> User {
        self.sign_in(|claims| claims["groups"] = groups).await.expect("signed in")
    }

    fn pass(&self, seconds: i64) {
        self.test.portal.clock.advance(seconds * 1000);
        self.op.now(self.test.portal.clock.now() / 1000);
    }
}

fn member(role: Role) -> Vec<(String, Role)> {
    vec![("vision".to_owned(), role)]
}

#[tokio::test]
async fn groups_give_roles_at_each_sign_in_and_take_them_away() {
    let lab = Lab::new().await;
    lab.add(rule("ml-", true, "vision", Role::Viewer)).await;
    lab.add(rule("ml-leads", false, "vision", Role::Admin)).await;
    let eva = lab.sign_in_as(json!(["ml-staff", "other"])).await;
    assert_eq!(lab.roles(&eva).await, member(Role::Viewer));
    lab.sign_in_as(json!(["ml-leads"])).await;
    assert_eq!(lab.roles(&eva).await, member(Role::Admin));
    // A claim that is no list of texts is no group.
    for nothing in [json!([]), json!({ "ml-leads": true }), json!([["ml-leads"]]), json!(null)] {
        lab.sign_in_as(json!("ml-leads")).await;
        assert_eq!(lab.roles(&eva).await, member(Role::Admin), "one text is one group");
        lab.sign_in_as(nothing.clone()).await;
        assert_eq!(lab.roles(&eva).await, [], "{nothing}");
    }
    let trail = domain::audit::list(&lab.test.portal, &lab.admin, &domain::model::AuditFilter::default()).await.expect("a trail");
    let by = |action: &str| trail.iter().filter(|record| record.action == action && record.actor == "system").count();
    assert_eq!((by("team.set_member"), by("team.remove_member")), (5, 4), "{trail:?}");
}

#[tokio::test]
async fn a_rule_shows_whom_it_touches_before_it_is_there_and_touches_just_them() {
    let lab = Lab::new().await;
    let (portal, admin) = (&lab.test.portal, &lab.admin);
    let eva = lab.sign_in_as(json!(["ml"])).await;
    lab.test.user("bob").await;
    let new = rule("ml", false, "vision", Role::Member);
    let preview = sso::preview(portal, admin, &lab.id, &new).await.expect("a preview");
    assert_eq!((preview.fits, preview.known, preview.changes.len()), (1, 1, 1));
    let change = &preview.changes[0];
    assert_eq!((&change.user, change.email.as_str(), change.before, change.after), (&eva.id, "eva@example.com", None, Some(Role::Member)));
    assert_eq!(lab.roles(&eva).await, [], "a look changes nothing");
    let id = lab.add(new.clone()).await;
    assert_eq!(lab.roles(&eva).await, member(Role::Member));
    let again = sso::add_rule(portal, admin, &lab.id, new).await;
    assert!(matches!(&again, Err(Error::Invalid(fields)) if fields[0].reason.contains("already")), "{again:?}");
    let without = sso::preview_without(portal, admin, &id).await.expect("a preview");
    assert_eq!((without.changes[0].before, without.changes[0].after), (Some(Role::Member), None));
    sso::remove_rule(portal, admin, &id).await.expect("removed");
    assert_eq!(lab.roles(&eva).await, []);
    for (bad, field) in [(rule("", true, "vision", Role::Member), "pattern"), (rule("x", true, "nowhere", Role::Member), "team")] {
        let refused = sso::add_rule(portal, admin, &lab.id, bad).await;
        assert!(matches!(&refused, Err(Error::Invalid(fields)) if fields[0].field == field), "{refused:?}");
    }
}

#[tokio::test]
async fn what_was_given_by_hand_stays_and_what_a_group_gives_is_not_taken_by_hand() {
    let lab = Lab::new().await;
    let portal = &lab.test.portal;
    let id = lab.add(rule("ml", false, "vision", Role::Member)).await;
    let eva = lab.sign_in_as(json!(["ml"])).await;
    assert_eq!(lab.source().await, Some(AccessSource::Group));
    let ada = lab.test.caller("ada").await;
    let lower = domain::teams::set_member(portal, &ada, "vision", &eva.email, Role::Viewer).await;
    assert!(matches!(&lower, Err(Error::Invalid(fields)) if fields[0].reason.contains("makes them member")), "{lower:?}");
    // Nor the same, which would outlive the group unseen.
    let same = domain::teams::set_member(portal, &ada, "vision", &eva.email, Role::Member).await;
    assert!(matches!(&same, Err(Error::Invalid(fields)) if fields[0].reason.contains("makes them member")), "{same:?}");
    let gone = domain::teams::remove_member(portal, &ada, "vision", &eva.id).await;
    assert!(matches!(&gone, Err(Error::Conflict(reason)) if reason.contains("group")), "{gone:?}");
    let raised = domain::teams::set_member(portal, &ada, "vision", &eva.email, Role::Admin).await.expect("raised");
    assert_eq!((raised.role, raised.by_rule), (Role::Admin, Some(Role::Member)));
    assert_eq!(lab.source().await, Some(AccessSource::Both));
    domain::teams::remove_member(portal, &ada, "vision", &eva.id).await.expect("what was given by hand is taken");
    assert_eq!((lab.roles(&eva).await, lab.source().await), (member(Role::Member), Some(AccessSource::Group)));
    domain::teams::set_member(portal, &ada, "vision", &eva.email, Role::Admin).await.expect("raised again");
    lab.sign_in_as(json!([])).await;
    assert_eq!((lab.roles(&eva).await, lab.source().await), (member(Role::Admin), Some(AccessSource::Hand)));
    domain::teams::remove_member(portal, &ada, "vision", &eva.id).await.expect("removed");
    assert_eq!(lab.roles(&eva).await, []);
    lab.sign_in_as(json!(["ml"])).await;
    sso::remove(portal, &lab.admin, &lab.id).await.expect("removed");
    assert_eq!(lab.roles(&eva).await, [], "rules go with their provider");
    assert!(matches!(sso::remove_rule(portal, &lab.admin, &id).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn who_has_a_role_by_a_group_is_let_in_and_others_wait() {
    let lab = Lab::new().await;
    let portal = &lab.test.portal;
    sso::save(portal, &lab.admin, Some(&lab.id), ProviderForm { admits: false, ..form(&lab.op) }).await.expect("changed");
    lab.add(rule("ml", false, "vision", Role::Member)).await;
    assert!(is_refused(&lab.sign_in(|claims| claims["groups"] = json!(["sales"])).await, "waits for an administrator"));
    let fay = lab
        .sign_in(|claims| {
            (claims["sub"], claims["email"], claims["groups"]) = (json!("fay-1"), json!("fay@example.com"), json!(["ml"]));
        })
        .await
        .expect("let in");
    assert_eq!(lab.roles(&fay).await, member(Role::Member));
}

#[tokio::test]
async fn only_administrators_see_and_change_rules() {
    let lab = Lab::new().await;
    let (portal, ada) = (&lab.test.portal, lab.test.caller("ada").await);
    let id = lab.add(rule("ml", false, "vision", Role::Member)).await;
    let new = rule("x", false, "vision", Role::Admin);
    assert!(matches!(sso::groups(portal, &ada, &lab.id).await, Err(Error::Forbidden(_))));
    assert!(matches!(sso::preview(portal, &ada, &lab.id, &new).await, Err(Error::Forbidden(_))));
    assert!(matches!(sso::preview_without(portal, &ada, &id).await, Err(Error::Forbidden(_))));
    assert!(matches!(sso::add_rule(portal, &ada, &lab.id, new).await, Err(Error::Forbidden(_))));
    assert!(matches!(sso::remove_rule(portal, &ada, &id).await, Err(Error::Forbidden(_))));
}

#[tokio::test]
async fn the_provider_is_asked_again_about_who_is_signed_in() {
    let lab = Lab::new().await;
    let portal = &lab.test.portal;
    lab.add(rule("ml", false, "vision", Role::Member)).await;
    // Its tokens have no groups; the UserInfo endpoint says them.
    let groups = |names: Value| lab.op.user_info(json!({ "sub": "eva-1", "groups": names }));
    groups(json!(["ml"]));
    lab.op.refreshes("r-1", 3600);
    let eva = lab.sign_in(|_| {}).await.expect("signed in");
    assert_eq!(lab.roles(&eva).await, member(Role::Member));
    let asked = lab.op.count("GET /me");
    sso::round(portal).await.expect("asked");
    assert_eq!(lab.op.count("GET /me"), asked, "nobody is signed in, and it was asked just now");
    lab.session("eva", &eva, None).await;
    groups(json!([]));
    sso::round(portal).await.expect("asked");
    assert_eq!(lab.roles(&eva).await, member(Role::Member), "not yet");
    lab.pass(31);
    sso::round(portal).await.expect("asked");
    assert_eq!((lab.roles(&eva).await, lab.is_open("eva").await), (vec![], true));
    // What does not answer takes nothing away, and nothing more is asked meanwhile.
    groups(json!(["ml"]));
    lab.pass(31);
    sso::round(portal).await.expect("asked");
    lab.op.is_down(true);
    lab.pass(31);
    sso::round(portal).await.expect("asked");
    assert_eq!((lab.roles(&eva).await, lab.is_open("eva").await), (member(Role::Member), true));
    lab.op.is_down(false);
    // Somebody whom the provider signed out everywhere.
    lab.op.revoke();
    lab.pass(31);
    sso::round(portal).await.expect("asked");
    assert!(!lab.is_open("eva").await);
}

#[tokio::test]
async fn groups_of_tokens_are_asked_of_userinfo_where_there_is_no_refresh_token() {
    let lab = Lab::new().await;
    let portal = &lab.test.portal;
    lab.add(rule("ml", false, "vision", Role::Member)).await;
    lab.op.lasts(3600);
    let eva = lab.sign_in_as(json!(["ml"])).await;
    lab.session("eva", &eva, None).await;
    // It does not say any: that is no news.
    lab.op.user_info(json!({ "sub": "eva-1" }));
    lab.pass(31);
    sso::round(portal).await.expect("asked");
    assert_eq!(lab.roles(&eva).await, member(Role::Member));
    lab.op.user_info(json!({ "sub": "eva-1", "groups": [] }));
    lab.pass(31);
    sso::round(portal).await.expect("asked");
    assert_eq!(lab.roles(&eva).await, []);
}

#[tokio::test]
async fn groups_of_tokens_are_asked_for_with_refresh_tokens_that_are_kept_sealed() {
    let lab = Lab::new().await;
    let portal = &lab.test.portal;
    lab.add(rule("ml", false, "vision", Role::Member)).await;
    lab.op.refreshes("r-secret-1", 3600);
    let eva = lab.sign_in_as(json!(["ml"])).await;
    lab.session("eva", &eva, None).await;
    let sealed: Vec<(Option<String>,)> =
        portal.db.fetch_all("SELECT grants FROM identities WHERE issuer <> 'local'", domain::args![]).await.expect("rows");
    let sealed = sealed[0].0.clone().expect("grants");
    assert!(!sealed.contains("secret") && !sealed.contains("\"access\""), "{sealed}");
    let refreshed = |groups: Value, refresh: &str| {
        let mut claims = lab.op.claims();
        claims["groups"] = groups;
        claims.as_object_mut().expect("claims").remove("nonce");
        lab.op.refreshes(refresh, 3600);
        lab.op.answer(lab.op.signed(&claims));
    };
    lab.pass(31);
    refreshed(json!(["other"]), "r-secret-2");
    sso::round(portal).await.expect("asked");
    assert_eq!(lab.roles(&eva).await, []);
    assert!(lab.op.asked("POST /token").contains("refresh_token=r-secret-1"));
    // It was changed for another, which is used next.
    lab.pass(31);
    refreshed(json!(["ml"]), "r-secret-3");
    sso::round(portal).await.expect("asked");
    assert_eq!(lab.roles(&eva).await, member(Role::Member));
    assert!(lab.op.asked("POST /token").contains("refresh_token=r-secret-2"));
    // A token without the claim, and an endpoint that does not say any either: there are none.
    lab.pass(31);
    let mut claims = lab.op.claims();
    claims.as_object_mut().expect("claims").remove("nonce");
    lab.op.answer(lab.op.signed(&claims));
    lab.op.user_info(json!({ "sub": "eva-1" }));
    sso::round(portal).await.expect("asked");
    assert_eq!(lab.roles(&eva).await, []);
    lab.pass(31);
    refreshed(json!(["ml"]), "r-secret-4");
    sso::round(portal).await.expect("asked");
    assert_eq!(lab.roles(&eva).await, member(Role::Member));
    // About somebody else: believed in nothing.
    lab.pass(31);
    let mut claims = lab.op.claims();
    (claims["sub"], claims["groups"]) = (json!("mallory"), json!([]));
    lab.op.answer(lab.op.signed(&claims));
    sso::round(portal).await.expect("asked");
    assert_eq!(lab.roles(&eva).await, member(Role::Member));
    for (error, open) in [("temporarily_unavailable", true), ("invalid_grant", false)] {
        lab.op.refuse_refresh(error);
        lab.pass(31);
        sso::round(portal).await.expect("asked");
        assert_eq!(lab.is_open("eva").await, open, "{error}");
    }
}
