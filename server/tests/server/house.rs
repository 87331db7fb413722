//! A portal behind the real router and the real accept loop, with people in it, and a client that sends exactly what a test says.

use crate::stage::Stage;
use domain::{
    Caller, Portal, Settings, args, environments,
    model::{Environment, EnvironmentVersion, LaunchRequest, NewToken, NotebookId, NotebookSpec, Program, Resources, Role, UserId},
    notebooks::{self, supervisor},
    random,
    testing::{TestPortal, email},
};
use server::{
    Server,
    http::{Origin, accept},
    router, sessions,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower_sessions::{SessionStore, session::Id, session::Record};

/// Team `red` with ada (member), vera (viewer) and root (admin); team `blue` with eve (admin); newt in no team; boss, a portal administrator in no team.
pub struct House {
    pub test: TestPortal,
    pub portal: Portal,
    pub stage: Arc<Stage>,
    pub address: SocketAddr,
    pub server: Server,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl House {
    pub async fn new() -> Self {
        Self::with(accept::Limits::default(), None).await
    }

    /// With a public address other than the one it listens on.
    pub async fn with(limits: accept::Limits, public: Option<&str>) -> Self {
        Self::settled(limits, public, |_| {}).await
    }

    /// With other settings of the operator.
    pub async fn settled(limits: accept::Limits, public: Option<&str>, settle: impl FnOnce(&mut Settings)) -> Self {
        let mut test = TestPortal::new().await;
        let mut settings = (*test.portal.settings).clone();
        settle(&mut settings);
        test.portal.settings = Arc::new(settings);
        let stage = Arc::new(Stage::new());
        test.portal.compute = stage.clone();
        let portal = test.portal.clone();
        for (name, admin) in [("ada", false), ("vera", false), ("root", false), ("eve", false), ("newt", false), ("boss", true)] {
            person(&portal, name, admin).await;
        }
        test.team("red", &[("ada", Role::Member), ("vera", Role::Viewer), ("root", Role::Admin)]).await;
        test.team("blue", &[("eve", Role::Admin)]).await;
        environments::save(&portal, &Caller::console(), web(), true).await.expect("an environment");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let origin = Origin::parse(public.unwrap_or(&format!("http://localhost:{}", address.port()))).expect("an origin");
        let files = app::SiteFiles {
            script: "/pkg/slipway.js".into(),
            wasm: "/pkg/slipway.wasm".into(),
            style: "body{}".into(),
            icon: "/pkg/icon.svg".into(),
            ..Default::default()
        };
        let server = Server::new(portal.clone(), origin, Arc::new(files));
        let router = router::router(server.clone()).expect("a router");
        let serving = tokio::spawn(accept::run(listener, router, limits, std::future::pending()));
        Self { test, portal, stage, address, server, serving }
    }

    pub fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }
    pub fn origin(&self) -> String {
        format!("http://{}", self.host())
    }
    pub fn notebook_host(&self, id: &NotebookId) -> String {
        format!("{id}.{}", self.host())
    }

    /// The cookie of a fresh session of this person.
    pub async fn session(&self, name: &str) -> String {
        let caller = self.test.caller(name).await;
        let user = caller.identity.expect("somebody").user.id;
        let expiry_date = time::OffsetDateTime::from_unix_timestamp(self.portal.clock.now() / 1000 + 100_000).expect("a time");
        let data = [
            ("user".to_owned(), serde_json::json!(user)),
            ("since".to_owned(), self.portal.clock.now().into()),
            ("seen".to_owned(), self.portal.clock.now().into()),
        ];
        let mut record = Record { id: Id::default(), data: data.into_iter().collect(), expiry_date };
        sessions::Store(self.portal.clone()).create(&mut record).await.expect("a session");
        format!("slipway={}", record.id)
    }

    /// A token of this person in the team `red`.
    pub async fn token(&self, name: &str, role: Role) -> String {
        let new = NewToken { name: "test".into(), team: "red".into(), role, days: 30 };
        domain::tokens::create_for(&self.portal, &Caller::console(), &email(name), new).await.expect("a token").1
    }

    pub async fn user_id(&self, name: &str) -> UserId {
        self.test.caller(name).await.identity.expect("somebody").user.id
    }

    /// A notebook of ada's that is ready.
    pub async fn notebook(&self) -> NotebookId {
        let ada = self.test.caller("ada").await;
        let name = format!("n-{}", random::id::<String>());
        let id = notebooks::launch(&self.portal, &ada, "red", request(&name)).await.expect("launched").id;
        for _ in 0..3 {
            supervisor::look(&self.portal).await;
        }
        assert!(notebooks::get(&self.portal, &ada, "red", &id).await.expect("a notebook").phase.is_open());
        id
    }

    /// The cookie that lets ada into her notebook, bought with a code as a browser does.
    pub async fn ticket(&self, id: &NotebookId, session: &str) -> String {
        let (path, nonce) = self.way_in(id, session).await;
        let entered = self.get(&path, &[("host", &self.notebook_host(id)), ("cookie", &nonce)]).await;
        assert_eq!(entered.status, 303, "{}", entered.body);
        entered.cookie()
    }

    /// The path that lets ada in, with its code, and the cookie of the browser that it is for.
    pub async fn way_in(&self, id: &NotebookId, session: &str) -> (String, String) {
        let host = self.notebook_host(id);
        let begun = self.get("/_slipway/begin", &[("host", &host)]).await;
        let portal = begun.header("location").and_then(|l| l.strip_prefix(&self.origin())).expect("the portal").to_owned();
        let found = self.get(&portal, &[("cookie", session)]).await;
        let opened = self.get(found.header("location").expect("its team"), &[("cookie", session)]).await;
        assert_eq!(opened.status, 303, "{}", opened.body);
        let location = opened.header("location").expect("a way in");
        let path = location.strip_prefix(&format!("http://{host}")).expect("the notebook's host");
        (path.to_owned(), begun.cookie())
    }

    /// A request of a program; a `host` among the headers replaces the portal's.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            text.extend(["Host: ", &self.host(), "\r\n"]);
        }
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            text += "Content-Type: application/x-www-form-urlencoded\r\n";
        }
        for (name, value) in headers {
            text.extend([name, ": ", value, "\r\n"]);
        }
        if !body.is_empty() || method == "POST" {
            text.extend(["Content-Length: ", &body.len().to_string(), "\r\n"]);
        }
        self.raw(format!("{text}\r\n{body}").as_bytes()).await
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, "").await
    }

    /// A form as the portal's own page posts it.
    pub async fn post(&self, path: &str, cookie: &str, body: &str) -> Answer {
        let origin = self.origin();
        let mut headers = vec![("origin", origin.as_str()), ("sec-fetch-site", "same-origin")];
        if !cookie.is_empty() {
            headers.push(("cookie", cookie));
        }
        self.send("POST", path, &headers, body).await
    }

    /// Exactly these bytes, and everything that comes back.
    pub async fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(std::time::Duration::from_mins(1), reading).await.expect("an answer within a minute");
        Answer::read(&answer)
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// 0 where the connection was closed without an answer.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The whole of it.
    pub text: String,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|s| s.parse().ok()).unwrap_or(0);
        let headers = lines.filter_map(|l| l.split_once(':')).map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned())).collect();
        Self { status, headers, body: body.to_owned(), text: text.clone() }
    }

    /// Name and value of the cookie that it sets.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").expect("a cookie").split(';').next().expect("its pair").to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// An account without a password: hashing one for each person of each test would take most of the tests' time.
async fn person(portal: &Portal, name: &str, admin: bool) {
    let (id, at) = (random::id::<UserId>(), portal.clock.now());
    let sql = "INSERT INTO users (id, email, name, admin, created_at) VALUES ($1, $2, $3, $4, $5)";
    portal.db.execute(sql, args![&id, email(name), name, admin, at]).await.expect("a user");
    let sql = "INSERT INTO identities (issuer, subject, user_id) VALUES ('local', $1, $2)";
    portal.db.execute(sql, args![email(name), &id]).await.expect("an identity");
}

fn web() -> Environment {
    Environment {
        name: "web".into(),
        title: "Web".into(),
        description: String::new(),
        logo: "terminal".into(),
        program: Program::Command { argv: vec!["serve".into(), "{port}".into()] },
        versions: vec![EnvironmentVersion { name: "1".into(), packages: Vec::new(), image: None, deprecated: None }],
        default_resources: Resources::default(),
        visible_to: Vec::new(),
        enabled: true,
        updated_at: 0,
    }
}

fn request(name: &str) -> LaunchRequest {
    let spec = NotebookSpec {
        name: name.into(),
        environment: "web".into(),
        version: "1".into(),
        resources: Resources::default(),
        home: name.into(),
        data: Vec::new(),
        env: Vec::new(),
        git: None,
        idle_minutes: Some(60),
    };
    LaunchRequest { spec, secrets: Vec::new(), idempotency_key: String::new() }
}
