//! From the button of the sign-in page to the provider, and from there back to an account.

use super::{
    again::{self, Grants},
    claims::{groups, payload},
    discovery::{Known, discover, fetch, http, reasons, rediscover},
    groups::{fits, settle_person},
    groups_store, providers,
    store::{self, ProviderRow},
};
use crate::{
    args, audit,
    caller::{Caller, Identity},
    db::Tx,
    error::{Error, Result},
    identity::{store as accounts, throttle::Tries},
    model::{Millis, User, cut, validate_email},
    portal::Portal,
    random,
};
use openidconnect::{
    AdditionalClaims, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, SignatureVerificationError, TokenResponse, UserInfoClaims, UserInfoError,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreGenderClaim, CoreIdToken, CoreIdTokenClaims, CoreJwsSigningAlgorithm,
        CoreTokenResponse,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::{Duration, UNIX_EPOCH};

/// How long somebody may take at the provider.
const PATIENCE: Millis = 10 * 60 * 1000;
/// How far the provider's clock may be from this one, in milliseconds.
pub(super) const SKEW: Millis = 60 * 1000;
/// Longest subject (OpenID Connect Core, section 2), in bytes.
const SUBJECT: usize = 255;
/// Longest label that is kept of a person, in characters.
const LABEL: usize = 200;

/// Signatures that are believed: by a key that only the provider has. Never "none", and nothing that is made with a shared secret.
pub(super) const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// A sign-in that waits, in one browser's session, for the provider's answer. It is good for one.
#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    pub provider: String,
    /// By which the answer is known.
    pub state: String,
    /// Where to go afterwards.
    pub next: String,
    pub at: Millis,
    issuer: String,
    nonce: String,
    verifier: String,
}

/// Where the browser is to go, and what it has to remember.
pub struct Begun {
    pub url: String,
    pub attempt: Attempt,
}

/// With whom a session began, so that it ends when they say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Began {
    /// The provider's id.
    pub provider: String,
    pub issuer: String,
    /// What the provider calls its own session.
    pub sid: Option<String>,
}

/// Who signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub user: User,
    pub began: Began,
}

/// What the browser brings back.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    pub code: String,
    pub state: String,
    /// RFC 9207.
    pub iss: Option<String>,
    pub error: Option<String>,
    pub error_description: Option<String>,
}

pub(super) fn refused(reason: impl std::fmt::Display) -> Error {
    Error::Forbidden(format!(
        "The identity provider's answer was refused: {reason}. Sign in again; if that does not help, tell your administrator."
    ))
}

/// Where providers send browsers back to; each is told of it.
pub fn redirect(portal: &Portal) -> String {
    format!("{}/sso/callback", portal.settings.address.trim_end_matches('/'))
}

/// Begins a sign-in with the provider of this id. Beginnings of an address that are not brought to an end are counted, apart from wrong passwords: each
/// leaves something in the database. (Behind a proxy on this machine all come from one address, which is not counted.)
///
/// # Errors
/// `Throttled`; `NotFound` where there is no such provider, or it is switched off; `Unavailable` where it cannot be read.
pub async fn begin(portal: &Portal, caller: &Caller, provider: &str, next: &str) -> Result<Begun> {
    let row = store::find(&portal.db, provider).await?;
    if row.enabled == 0 {
        return Err(Error::NotFound("identity provider"));
    }
    portal.throttle.begin(&Tries::beginning(&caller.address), portal.clock.now())?;
    let known = discover(portal, &row).await?;
    let client = client(portal, &row, &known)?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut request = client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random);
    for scope in row.scopes.split(' ').filter(|scope| *scope != "openid") {
        request = request.add_scope(Scope::new(scope.to_owned()));
    }
    let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
    let attempt = Attempt {
        provider: row.id,
        issuer: row.issuer,
        state: state.into_secret(),
        next: next.to_owned(),
        at: portal.clock.now(),
        nonce: nonce.secret().clone(),
        verifier: verifier.into_secret(),
    };
    Ok(Begun { url: url.into(), attempt })
}

pub(super) type Client = CoreClient<
    openidconnect::EndpointSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointNotSet,
    openidconnect::EndpointMaybeSet,
    openidconnect::EndpointMaybeSet,
>;

pub(super) fn client(portal: &Portal, row: &ProviderRow, known: &Known) -> Result<Client> {
    let secret = providers::secret(portal, row)?.map(ClientSecret::new);
    let redirect = RedirectUrl::new(redirect(portal)).map_err(|e| Error::internal("the portal's own address", e))?;
    let client =
        CoreClient::from_provider_metadata(known.metadata.clone(), ClientId::new(row.client_id.clone()), secret).set_redirect_uri(redirect);
    // What goes without saying is HTTP Basic.
    let ways = known.metadata.token_endpoint_auth_methods_supported();
    let by_body = ways.is_some_and(|ways| {
        !ways.contains(&CoreClientAuthMethod::ClientSecretBasic) && ways.contains(&CoreClientAuthMethod::ClientSecretPost)
    });
    Ok(if by_body { client.set_auth_type(AuthType::RequestBody) } else { client })
}

/// Whom the answer signs in. Somebody who has no account yet gets one; unless the provider's people are let in by themselves, or a rule has a role for a group of
/// theirs, it waits for an administrator. Roles by groups are theirs when this returns.
///
/// # Errors
/// `Forbidden` with the reason where the answer is not to be believed, or the account is disabled; `Unavailable` where the provider does not answer.
pub async fn finish(portal: &Portal, caller: &Caller, attempt: Attempt, answer: Answer) -> Result<SignedIn> {
    let row = store::find(&portal.db, &attempt.provider).await?;
    let person = match believed(portal, &row, attempt, answer).await {
        Ok(person) => person,
        Err(error) => {
            if matches!(error, Error::Forbidden(_)) {
                note_refusal(portal, caller, &row, &error).await?;
            }
            return Err(error);
        }
    };
    sign_in(portal, caller, &row, person).await
}

async fn note_refusal(portal: &Portal, caller: &Caller, row: &ProviderRow, error: &Error) -> Result<()> {
    let after = Some(serde_json::json!({ "reason": error.to_string() }));
    let entry =
        audit::Entry::<(), _> { team: None, action: "user.sign_in_refused", object: &row.id, object_name: &row.name, before: None, after };
    let mut tx = portal.db.begin().await?;
    audit::record(&mut tx, caller, portal.clock.now(), entry).await?;
    tx.commit().await
}

/// Somebody, as the provider knows them.
struct Person {
    subject: String,
    /// None where the provider says none.
    email: Option<String>,
    name: String,
    /// None where the provider could not be asked.
    groups: Option<Vec<String>>,
    /// What the provider calls its session.
    sid: Option<String>,
    grants: Grants,
}

async fn believed(portal: &Portal, row: &ProviderRow, attempt: Attempt, answer: Answer) -> Result<Person> {
    if row.enabled == 0 {
        return Err(refused(format!("{} is switched off", row.name)));
    }
    let now = portal.clock.now();
    if attempt.state != answer.state || now - attempt.at > PATIENCE || attempt.issuer != row.issuer {
        return Err(refused("it came too late, or belongs to another sign-in"));
    }
    if !portal.sso.use_up(&attempt.state, now, PATIENCE) {
        return Err(refused("it was given before"));
    }
    let known = discover(portal, row).await?;
    match &answer.iss {
        Some(iss) if *iss != row.issuer => return Err(refused("it comes from another provider")),
        None if known.metadata.additional_metadata().authorization_response_iss_parameter_supported => {
            return Err(refused("it does not say which provider it comes from"));
        }
        _ => {}
    }
    if let Some(error) = &answer.error {
        let said: String = [Some(error.as_str()), answer.error_description.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(": ");
        return Err(refused(format!("it says “{}”", plain(&said))));
    }
    let client = client(portal, row, &known)?;
    let way = http()?;
    let request = client
        .exchange_code(AuthorizationCode::new(answer.code))
        .map_err(|e| refused(reasons(&e)))?
        .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier));
    let tokens: CoreTokenResponse = request.request_async(&|request| fetch(way.clone(), request)).await.map_err(|e| match e {
        openidconnect::RequestTokenError::ServerResponse(said) => refused(format!("it does not take the code ({said})")),
        openidconnect::RequestTokenError::Request(error) => {
            Error::Unavailable(format!("{} does not answer: {}. Try again in a moment.", row.name, reasons(&error)))
        }
        other => refused(reasons(&other)),
    })?;
    let token = tokens.id_token().ok_or_else(|| refused("it has no ID token"))?;
    let nonce = Nonce::new(attempt.nonce);
    let claims = match claims(portal, &client, token, Some(&nonce)) {
        // The provider may have changed its keys.
        Err(ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey
            | SignatureVerificationError::CryptoError(_)
            | SignatureVerificationError::AmbiguousKeyId(_),
        )) => claims(portal, &self::client(portal, row, &*rediscover(portal, row).await?)?, token, Some(&nonce)),
        result => result,
    };
    let claims = claims.map_err(|e| refused(reasons(&e)))?;
    person(portal, row, &client, &claims, &tokens).await
}

/// The claims of a token, if it is to be believed; of a sign-in it has this nonce.
pub(super) fn claims(
    portal: &Portal,
    client: &Client,
    token: &CoreIdToken,
    nonce: Option<&Nonce>,
) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
    let now = portal.clock.now();
    let at = |millis: Millis| (UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or_default())).into();
    let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(move || at(now - SKEW)).set_issue_time_verifier_fn(
        move |issued| {
            if issued > at(now + SKEW) { Err("it was issued in the future".to_owned()) } else { Ok(()) }
        },
    );
    match nonce {
        Some(nonce) => token.claims(&verifier, nonce).cloned(),
        // OpenID Connect Core, section 12.2: a token of a refresh need not have one.
        None => token.claims(&verifier, |_: Option<&Nonce>| Ok(())).cloned(),
    }
}

/// Every claim that the standard does not name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Rest {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for Rest {}

impl Rest {
    pub fn groups(&self, name: &str) -> Option<Vec<String>> {
        groups(&Value::Object(self.all.clone()), name)
    }
}

/// Who it is: of the ID token, and of the UserInfo endpoint what the token leaves out.
async fn person(
    portal: &Portal,
    row: &ProviderRow,
    client: &Client,
    claims: &CoreIdTokenClaims,
    tokens: &CoreTokenResponse,
) -> Result<Person> {
    let subject = claims.subject().as_str().to_owned();
    if subject.is_empty() || subject.len() > SUBJECT || !subject.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return Err(refused("its subject is no name of somebody"));
    }
    let plain_of = |text: Option<String>| text.map(|text| plain(&text)).filter(|text| !text.is_empty());
    let mut email = plain_of(claims.email().map(|e| e.to_string()));
    let mut name = plain_of(claims.name().and_then(|n| n.get(None)).map(|n| n.to_string()));
    let mut login = plain_of(claims.preferred_username().map(|n| n.to_string()));
    let said = tokens.id_token().and_then(|token| payload(&token.to_string())).unwrap_or_default();
    let sid = said.get("sid").and_then(Value::as_str).filter(|sid| !sid.is_empty() && sid.len() <= SUBJECT).map(str::to_owned);
    let mut known = groups(&said, &row.groups_claim);
    let grants = Grants::of(tokens, known.is_some(), portal.clock.now());
    // Nothing else says any.
    let mut unasked = known.is_none();
    if (email.is_none() || name.is_none() || known.is_none())
        && let Ok(request) = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
    {
        let way = http()?;
        let more: Result<UserInfoClaims<Rest, CoreGenderClaim>, _> = request.request_async(&|request| fetch(way.clone(), request)).await;
        match more {
            Ok(more) => {
                email = email.or_else(|| plain_of(more.email().map(|e| e.to_string())));
                name = name.or_else(|| plain_of(more.name().and_then(|n| n.get(None)).map(|n| n.to_string())));
                login = login.or_else(|| plain_of(more.preferred_username().map(|n| n.to_string())));
                known = known.or_else(|| more.additional_claims().groups(&row.groups_claim));
            }
            // About somebody else; labels that do not come are no reason to refuse anybody.
            Err(UserInfoError::ClaimsVerification(error)) => return Err(refused(reasons(&error))),
            Err(error) => {
                unasked = false;
                tracing::warn!(error = %reasons(&error), "a provider did not say who somebody is called");
            }
        }
    }
    let name = name.or(login).unwrap_or_default();
    let groups = if unasked { Some(known.unwrap_or_default()) } else { known };
    Ok(Person { subject, email: email.filter(|email| validate_email(email).is_ok()), name, groups, sid, grants })
}

/// A label on one line.
fn plain(text: &str) -> String {
    cut(&text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>(), LABEL).trim().to_owned()
}

/// What a new account is called: the email, unless somebody has it already or the provider says none; then it shows whose word it is. It stays as it was
/// when an administrator first saw it, whatever the provider says later: lists, members and the trail know people by it.
async fn label(tx: &mut Tx, row: &ProviderRow, person: &Person) -> Result<String> {
    let email = person.email.as_deref().map(str::to_lowercase);
    if let Some(email) = email
        && tx
            .fetch_optional::<(i64,)>("SELECT CAST(1 AS BIGINT) FROM users WHERE LOWER(email) = $1 LIMIT 1", args![&email])
            .await?
            .is_none()
    {
        return Ok(email);
    }
    Ok(cut(&format!("{} ({})", person.email.as_ref().unwrap_or(&person.subject), row.name), LABEL).to_owned())
}

async fn sign_in(portal: &Portal, caller: &Caller, row: &ProviderRow, person: Person) -> Result<SignedIn> {
    let now = portal.clock.now();
    let mut tx = portal.db.begin().await?;
    audit::lock(&mut tx).await?;
    let found = accounts::find_external(&mut tx, &row.issuer, &person.subject).await?;
    let is_new = found.is_none();
    let user = if let Some(user) = found {
        user
    } else {
        let email = label(&mut tx, row, &person).await?;
        let admitted = row.admits != 0 || fits(&mut tx, &row.issuer, person.groups.as_deref().unwrap_or_default()).await?;
        let disabled_at = (!admitted).then_some(now);
        let user =
            User { id: random::id(), email, name: person.name.clone(), admin: false, created_at: now, disabled_at, last_sign_in_at: None };
        accounts::insert_external(&mut tx, &user, &row.issuer, &person.subject).await?;
        user
    };
    groups_store::note(&mut tx, (&row.issuer, &person.subject), person.groups.as_deref(), now).await?;
    again::keep(portal, &mut tx, &row.issuer, &person.subject, &person.grants).await?;
    let identity = Identity { user: user.clone(), memberships: Vec::new(), session: None, token: None };
    let actor = Caller::identified(identity, &caller.request_id, &caller.address);
    let entry = |action| audit::Entry::<(), _> {
        team: None,
        action,
        object: user.id.as_str(),
        object_name: &user.email,
        before: None,
        after: Some(serde_json::json!({ "provider": row.name, "issuer": row.issuer, "subject": person.subject })),
    };
    if is_new {
        audit::record(&mut tx, &actor, now, entry("user.add")).await?;
    }
    if user.disabled_at.is_some() {
        audit::record(&mut tx, caller, now, entry("user.sign_in_refused")).await?;
        tx.commit().await?;
        let waits = "Your account waits for an administrator of this portal, who enables it on the Users page. Sign in again then.";
        return Err(Error::Forbidden(waits.to_owned()));
    }
    tx.execute("UPDATE users SET last_sign_in_at = $1 WHERE id = $2", args![now, &user.id]).await?;
    audit::record(&mut tx, &actor, now, entry("user.sign_in")).await?;
    tx.commit().await?;
    portal.throttle.succeeded(&Tries::beginning(&caller.address));
    settle_person(portal, &user.id).await?;
    let began = Began { provider: row.id.clone(), issuer: row.issuer.clone(), sid: person.sid };
    Ok(SignedIn { user: User { last_sign_in_at: Some(now), ..user }, began })
}
