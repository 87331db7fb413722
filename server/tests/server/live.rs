//! The streams: resumable, filtered by what their reader may see, cut off when the reader may see no more.

use crate::house::House;
use domain::{
    Caller,
    model::{Change, LiveMessage, LogPage, Role},
    teams, volumes,
};
use futures::StreamExt;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest, handshake::client::Request},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn request(house: &House, path: &str, cookie: &str, origin: &str) -> Request {
    let mut request = format!("ws://{}{path}", house.address).into_client_request().expect("a request");
    for (name, value) in [("host", house.host().as_str()), ("cookie", cookie), ("origin", origin)] {
        if !value.is_empty() {
            request.headers_mut().insert(http::HeaderName::from_bytes(name.as_bytes()).expect("a name"), value.parse().expect("a value"));
        }
    }
    request
}

async fn open(house: &House, path: &str, cookie: &str) -> Socket {
    tokio_tungstenite::connect_async(request(house, path, cookie, &house.origin())).await.expect("an open stream").0
}

async fn refused(house: &House, path: &str, cookie: &str, origin: &str) -> u16 {
    match tokio_tungstenite::connect_async(request(house, path, cookie, origin)).await {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

async fn next<T: serde::de::DeserializeOwned>(socket: &mut Socket) -> Option<T> {
    loop {
        match socket.next().await? {
            Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).expect("a message")),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// The next thing that is not a beat.
async fn news(socket: &mut Socket) -> Option<LiveMessage> {
    loop {
        match next(socket).await? {
            LiveMessage::Beat { .. } => {}
            message => return Some(message),
        }
    }
}

async fn pump(house: &House) -> tokio::task::JoinHandle<()> {
    let seen = domain::events::latest(&house.portal).await.expect("a number");
    tokio::spawn(domain::events::run(house.portal.clone(), seen))
}

#[tokio::test]
async fn a_stream_tells_its_team_what_changed_and_nobody_else() {
    let house = House::new().await;
    let pump = pump(&house).await;
    let (mut ada, mut eve) =
        (open(&house, "/live", &house.session("ada").await).await, open(&house, "/live", &house.session("eve").await).await);
    assert!(matches!(news(&mut ada).await, Some(LiveMessage::Hello { resumed: false, .. })));
    assert!(matches!(news(&mut eve).await, Some(LiveMessage::Hello { resumed: false, .. })));
    let caller = house.test.caller("ada").await;
    volumes::create(&house.portal, &caller, "red", "one").await.expect("a volume");
    let Some(LiveMessage::Event { event }) = news(&mut ada).await else { panic!("an event") };
    assert_eq!((event.team.as_deref(), &event.change), (Some("red"), &Change::Volumes));
    // What eve hears next is of her own team: nothing of red came before it.
    let caller = house.test.caller("eve").await;
    volumes::create(&house.portal, &caller, "blue", "two").await.expect("a volume");
    let Some(LiveMessage::Event { event }) = news(&mut eve).await else { panic!("an event") };
    assert_eq!(event.team.as_deref(), Some("blue"));
    pump.abort();
}

#[tokio::test]
async fn a_stream_resumes_without_loss_or_repetition_or_says_that_it_cannot() {
    let house = House::new().await;
    let pump = pump(&house).await;
    let session = house.session("ada").await;
    let caller = house.test.caller("ada").await;
    let start = domain::events::latest(&house.portal).await.expect("a number");
    for name in ["one", "two", "three"] {
        volumes::create(&house.portal, &caller, "red", name).await.expect("a volume");
    }
    let mut socket = open(&house, &format!("/live?after={}", start + 1), &session).await;
    let Some(LiveMessage::Hello { seq, resumed, .. }) = news(&mut socket).await else { panic!("a greeting") };
    assert!(resumed && seq == start + 1);
    for expected in [start + 2, start + 3] {
        let Some(LiveMessage::Event { event }) = news(&mut socket).await else { panic!("an event") };
        assert_eq!(event.seq, expected);
    }
    let mut ahead = open(&house, "/live?after=9223372036854775807", &session).await;
    assert!(matches!(news(&mut ahead).await, Some(LiveMessage::Hello { resumed: false, .. })));
    for bad in ["-1", "abc", "9223372036854775808"] {
        assert_eq!(refused(&house, &format!("/live?after={bad}"), &session, &house.origin()).await, 400, "{bad}");
    }
    pump.abort();
}

#[tokio::test]
async fn who_is_removed_or_disabled_hears_no_more() {
    let house = House::new().await;
    let pump = pump(&house).await;
    let mut ada = open(&house, "/live", &house.session("ada").await).await;
    let mut vera = open(&house, "/live", &house.session("vera").await).await;
    news(&mut ada).await.expect("a greeting");
    news(&mut vera).await.expect("a greeting");
    teams::remove_member(&house.portal, &Caller::console(), "red", &house.user_id("ada").await).await.expect("removed");
    assert!(matches!(news(&mut ada).await, Some(LiveMessage::Event { event }) if event.change == Change::Team), "she learns of it");
    let root = house.test.caller("root").await;
    volumes::create(&house.portal, &root, "red", "secret").await.expect("a volume");
    teams::set_member(&house.portal, &Caller::console(), "blue", "ada@example.com", Role::Viewer).await.expect("a member");
    let Some(LiveMessage::Event { event }) = news(&mut ada).await else { panic!("an event") };
    assert_eq!(event.team.as_deref(), Some("blue"), "and of nothing in red after it");

    domain::identity::set_disabled(&house.portal, &Caller::console(), &house.user_id("vera").await, true).await.expect("disabled");
    teams::set_member(&house.portal, &Caller::console(), "red", "newt@example.com", Role::Viewer).await.expect("a member");
    while let Some(message) = news(&mut vera).await {
        if message == LiveMessage::SignedOut {
            assert!(news(&mut vera).await.is_none(), "and the stream is closed");
            pump.abort();
            return;
        }
    }
    panic!("she was not told that she is signed out");
}

#[tokio::test]
async fn who_came_to_a_team_or_left_one_while_away_reads_all_anew() {
    let house = House::new().await;
    let pump = pump(&house).await;
    let session = house.session("ada").await;
    for change in ["left", "came"] {
        let start = domain::events::latest(&house.portal).await.expect("a number");
        if change == "left" {
            teams::remove_member(&house.portal, &Caller::console(), "red", &house.user_id("ada").await).await.expect("removed");
        } else {
            teams::set_member(&house.portal, &Caller::console(), "blue", "ada@example.com", Role::Viewer).await.expect("a member");
        }
        let mut ada = open(&house, &format!("/live?after={start}"), &session).await;
        let Some(LiveMessage::Hello { seq, resumed, .. }) = news(&mut ada).await else { panic!("a greeting") };
        assert!(!resumed && seq > start, "she {change}: no event of it may reach her, so that she must look");
    }
    pump.abort();
}

#[tokio::test]
async fn a_stream_needs_a_session_and_our_own_page() {
    let house = House::new().await;
    let ada = house.session("ada").await;
    assert_eq!(refused(&house, "/live", "", &house.origin()).await, 401);
    for origin in ["https://evil.example", "null", "", &format!("{}.evil.example", house.origin())] {
        assert_eq!(refused(&house, "/live", &ada, origin).await, 403, "{origin}");
    }
}

#[tokio::test]
async fn one_person_opens_so_many_streams_and_no_more() {
    let house = House::new().await;
    let (ada, vera) = (house.session("ada").await, house.session("vera").await);
    let mut streams = Vec::new();
    for _ in 0..32 {
        streams.push(open(&house, "/live", &ada).await);
    }
    assert_eq!(refused(&house, "/live", &ada, &house.origin()).await, 429);
    let mut other = open(&house, "/live", &vera).await;
    assert!(news(&mut other).await.is_some());
}

#[tokio::test]
async fn a_log_is_followed_line_by_line_and_resumed_where_it_was_left() {
    let house = House::new().await;
    let (id, ada) = (house.notebook().await, house.session("ada").await);
    let path = format!("/t/red/notebooks/{id}/logs/live");
    house.stage.writes("first");
    let mut socket = open(&house, &path, &ada).await;
    let texts = |page: &LogPage| page.lines.iter().map(|l| l.text.clone()).collect::<Vec<_>>();
    let page: LogPage = next(&mut socket).await.expect("what there is");
    assert_eq!(texts(&page), ["first"]);
    house.stage.writes("second");
    let page: LogPage = next(&mut socket).await.expect("what is new");
    assert_eq!(texts(&page), ["second"]);
    drop(socket);
    house.stage.writes("third");
    let mut again = open(&house, &format!("{path}?from={}", page.next), &ada).await;
    let page: LogPage = next(&mut again).await.expect("what was missed");
    assert_eq!(texts(&page), ["third"]);
    let download = house.get(&format!("/t/red/notebooks/{id}/logs/download"), &[("cookie", &ada)]).await;
    assert!(download.body.contains("first\nsecond\nthird\n"), "{}", download.body);
    assert!(download.header("content-disposition").is_some_and(|d| d.starts_with("attachment; filename=\"n-")));

    for bad in ["-1", "x", "18446744073709551615", "9223372036854775808"] {
        assert_eq!(refused(&house, &format!("{path}?from={bad}"), &ada, &house.origin()).await, 400, "{bad}");
    }
    let eve = house.session("eve").await;
    assert_eq!(refused(&house, &path, &eve, &house.origin()).await, 404);
    assert_eq!(refused(&house, "/t/red/notebooks/..%2F..%2Fetc/logs/live", &ada, &house.origin()).await, 404);
}
