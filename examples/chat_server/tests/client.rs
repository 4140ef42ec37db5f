//! A client of the chat, on a real socket, that writes down what it is told.

use futures_util::{SinkExt, StreamExt};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Far longer than it takes anybody to be told something: what has not come by then is lost.
pub const QUIET: Duration = Duration::from_secs(120);

pub struct Client {
    pub diary: Diary,
    address: SocketAddr,
    socket: WebSocketStream<TcpStream>,
}

/// What a client knows, whatever becomes of its connection.
#[derive(Clone, Debug, Default)]
pub struct Diary {
    pub nick: String,
    pub token: String,
    /// The sequence after which it is told of each of its rooms.
    pub joined: HashMap<String, u64>,
    pub told: Vec<Told>,
    pub acknowledged: u64,
}

/// One thing that a client was told, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The line behind the sequence, with its verb: `msg tea ada hello`.
    Event {
        sequence: u64,
        room: String,
        line: String,
    },
    Gap {
        count: u64,
        first: u64,
        last: u64,
    },
}

impl Told {
    fn of(frame: &str) -> Option<Self> {
        let words: Vec<_> = frame.splitn(4, ' ').collect();
        let number = |word: &str| word.parse().expect("a number");
        match words[..] {
            [verb @ ("msg" | "here"), sequence, room, rest] => {
                let line = format!("{verb} {room} {rest}");
                Some(Told::Event { sequence: number(sequence), room: room.to_owned(), line })
            }
            ["gap", count, first, last] => {
                Some(Told::Gap { count: number(count), first: number(first), last: number(last) })
            }
            _ => None,
        }
    }

    /// The sequence up to which it says something.
    pub fn through(&self) -> u64 {
        match *self {
            Told::Event { sequence, .. } => sequence,
            Told::Gap { last, .. } => last,
        }
    }
}

impl Diary {
    /// The sequence up to which it knows everything.
    pub fn through(&self) -> u64 {
        self.told.last().map_or(0, Told::through)
    }

    pub fn has_heard(&self, line: &str) -> bool {
        self.told.iter().any(|told| matches!(told, Told::Event { line: heard, .. } if heard == line))
    }

    /// Forgets what it has not acknowledged, as a client that writes down only that.
    pub fn forget_unacknowledged(&mut self) {
        self.told.retain(|told| told.through() <= self.acknowledged);
    }

    /// The same client on another connection.
    pub async fn resume(self, address: SocketAddr) -> Client {
        let line = format!("resume {} {}", self.token, self.through());
        let mut client = Client::connect(address).await;
        client.diary = self;
        client.say(&line).await;
        client.answer("resumed").await;
        client
    }
}

impl Client {
    /// A connection that has not greeted. Its small buffer fills up soon when nobody reads.
    pub async fn connect(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8 << 10).unwrap();
        let stream = socket.connect(address).await.unwrap();
        let (socket, _) = client_async(format!("ws://{address}"), stream).await.unwrap();
        Client { diary: Diary::default(), address, socket }
    }

    pub async fn enter(address: SocketAddr, nick: &str) -> Self {
        let mut client = Client::connect(address).await;
        client.diary.nick = nick.to_owned();
        client.say(&format!("nick {nick}")).await;
        client.diary.token = client.answer("hello").await;
        client
    }

    pub async fn join(&mut self, room: &str) {
        self.say(&format!("join {room}")).await;
        let after = self.answer(&format!("joined {room}")).await.parse().unwrap();
        self.diary.joined.insert(room.to_owned(), after);
    }

    pub async fn say(&mut self, line: &str) {
        self.send(Message::text(line)).await;
    }

    pub async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// The next frame, `None` when the server has closed. What it tells of the rooms is written down. Nothing is lost
    /// when the wait is given up.
    pub async fn hear(&mut self) -> Option<String> {
        loop {
            let Ok(heard) = timeout(QUIET, self.socket.next()).await else {
                let Diary { nick, told, .. } = &self.diary;
                panic!(
                    "{nick} was told nothing for {QUIET:?}, and waits; the last of {}: {:?}",
                    told.len(),
                    told.last()
                );
            };
            match heard {
                Some(Ok(Message::Text(text))) => {
                    self.diary.told.extend(Told::of(&text));
                    return Some(text.to_string());
                }
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(Message::Close(_))) | None => return None,
                other => panic!("{}: {other:?}", self.diary.nick),
            }
        }
    }

    /// Hears until this answer comes; what is behind it.
    pub async fn answer(&mut self, start: &str) -> String {
        loop {
            let heard = self.hear().await.unwrap_or_else(|| panic!("{}: closed before {start}", self.diary.nick));
            if let Some(rest) = heard.strip_prefix(start) {
                return rest.trim_start().to_owned();
            }
            assert!(Told::of(&heard).is_some(), "{} heard {heard:?} instead of {start}", self.diary.nick);
        }
    }

    /// Hears until it has been told this line.
    pub async fn hear_line(&mut self, line: &str) {
        while !self.diary.has_heard(line) {
            let heard = self.hear().await.unwrap_or_else(|| panic!("{}: closed before {line}", self.diary.nick));
            assert!(Told::of(&heard).is_some(), "{} heard {heard:?}", self.diary.nick);
        }
    }

    /// Acknowledges all that it was told, if that is as much as this.
    pub async fn acknowledge(&mut self, events_min: usize) {
        let through = self.diary.through();
        let new = self.diary.told.iter().rev().take_while(|told| told.through() > self.diary.acknowledged).count();
        if new >= events_min {
            self.diary.acknowledged = through;
            self.say(&format!("ack {through}")).await;
        }
    }

    /// Waits until the server has hung up; the code it closed with, if it said one. This end does not hang up before.
    pub async fn end(mut self) -> Option<CloseCode> {
        let mut code = None;
        let until_end = async {
            while let Some(Ok(message)) = self.socket.next().await {
                if let Message::Close(Some(frame)) = message {
                    code = Some(frame.code);
                }
            }
        };
        timeout(QUIET, until_end).await.expect("the server hangs up");
        code
    }

    /// Drops the connection as it is, without a word. What was under way is lost.
    pub fn vanish(self) -> (Diary, SocketAddr) {
        (self.diary, self.address)
    }
}
