//! A WebSocket of the browser that comes back by itself. Used in the browser only.

use leptos::prelude::{set_timeout, window};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Event, MessageEvent, WebSocket};

/// Longest wait between two attempts, in milliseconds.
const LONGEST_WAIT: f64 = 15_000.0;

/// A connection that is made anew, after a growing and random wait, each time it is lost.
#[derive(Clone)]
pub struct Socket(Rc<Inner>);

struct Inner {
    address: Box<dyn Fn() -> String>,
    receive: Box<dyn Fn(&str)>,
    now: RefCell<Option<Connection>>,
    /// Attempts since something was last received.
    attempts: Cell<i32>,
    closed: Cell<bool>,
}

/// The callbacks live as long as the connection.
struct Connection {
    socket: WebSocket,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(Event)>,
}

impl Connection {
    fn end(self) {
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        drop(self.socket.close());
    }
}

impl Socket {
    /// Connects to `address` (a path of this portal, asked for at each attempt) and hands over each text message.
    pub fn open(address: impl Fn() -> String + 'static, receive: impl Fn(&str) + 'static) -> Self {
        let socket = Self(Rc::new(Inner {
            address: Box::new(address),
            receive: Box::new(receive),
            now: RefCell::new(None),
            attempts: Cell::new(0),
            closed: Cell::new(false),
        }));
        socket.connect();
        socket
    }

    /// Ends it for good.
    pub fn close(&self) {
        self.0.closed.set(true);
        if let Some(connection) = self.0.now.take() {
            connection.end();
        }
    }

    /// Drops the present connection, whatever its state, and connects anew.
    pub fn restart(&self) {
        if let Some(connection) = self.0.now.take() {
            connection.end();
        }
        self.connect();
    }

    fn connect(&self) {
        if self.0.closed.get() || self.0.now.borrow().is_some() {
            return;
        }
        let location = window().location();
        let scheme = if location.protocol().is_ok_and(|p| p == "https:") { "wss" } else { "ws" };
        let url = format!("{scheme}://{}{}", location.host().unwrap_or_default(), (self.0.address)());
        let Ok(socket) = WebSocket::new(&url) else {
            self.connect_later();
            return;
        };
        let this = self.clone();
        let message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            this.0.attempts.set(0);
            if let Some(text) = event.data().as_string() {
                (this.0.receive)(&text);
            }
        });
        let this = self.clone();
        let close = Closure::<dyn FnMut(Event)>::new(move |_| this.connect_later());
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        self.0.now.replace(Some(Connection { socket, _message: message, _close: close }));
    }

    fn connect_later(&self) {
        let attempts = self.0.attempts.get();
        self.0.attempts.set(attempts + 1);
        let wait = (250.0 * 2_f64.powi(attempts.min(8))).min(LONGEST_WAIT) * (0.5 + js_sys::Math::random() / 2.0);
        let this = self.clone();
        // The callbacks of the lost connection are dropped then, not now: one of them is running.
        set_timeout(
            move || {
                this.0.now.take();
                this.connect();
            },
            Duration::from_secs_f64(wait / 1000.0),
        );
    }
}
