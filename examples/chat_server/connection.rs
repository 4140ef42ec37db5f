//! One client's socket: reads its commands, and writes what its session is handed.
//!
//! One task does both, so a client that does not read is not listened to either. What a slow socket has no room for
//! stays in the session's queue, and the connection says when it has written what it had in hand.

use crate::chat::{Chat, Member, Refusal};
use crate::partition::Seat;
use crate::protocol::{Command, FRAME_MAX};
use futures_util::{SinkExt, StreamExt};
use oyez::{Resumed, Sequence};
use std::convert::Infallible;
use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes, protocol::CloseFrame};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config};

/// How often a client is written to even if there is nothing to say: a peer that vanished shows only then.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Serves a client until one of the two hangs up.
pub async fn serve(chat: Arc<Chat>, stream: TcpStream) {
    // Only slower without it.
    let _ = stream.set_nodelay(true);
    let config = WebSocketConfig::default().max_message_size(Some(FRAME_MAX)).max_frame_size(Some(FRAME_MAX));
    let Ok(Ok(socket)) = timeout(chat.options.greeting_for, accept_async_with_config(stream, Some(config))).await
    else {
        return; // no WebSocket, nobody to tell
    };
    let mut line = Line { socket, stuck_for: chat.options.stuck_for };
    let Err(end) = converse(&chat, &mut line).await;
    line.hang_up(end).await;
}

/// Why a connection ends.
enum End {
    /// The client closed it, or it is broken.
    Gone,
    /// The client is told, with this reason.
    Refused(CloseCode, String),
}

fn closing() -> End {
    End::Refused(CloseCode::Away, "the server is closing".to_owned())
}

async fn converse(chat: &Chat, line: &mut Line) -> Result<Infallible, End> {
    let mut closed = chat.closing.subscribe();
    let mut seat = tokio::select! {
        greeted = timeout(chat.options.greeting_for, greet(chat, line)) => {
            greeted.unwrap_or_else(|_| Err(End::Refused(CloseCode::Policy, "nobody greeted".to_owned())))?
        }
        _ = closed.wait_for(|&closing| closing) => return Err(closing()),
    };
    let member = Arc::clone(&seat.member);
    let mut heartbeat = interval(HEARTBEAT);
    let mut deliveries = Vec::new();
    loop {
        tokio::select! {
            heard = line.hear() => {
                match obey(chat, &member, &heard?) {
                    Ok(None) => {}
                    Ok(Some(answer)) => line.say(answer).await?,
                    Err(why) => line.say(format!("error {why}")).await?,
                }
            }
            count = seat.deliveries.recv_many(&mut deliveries, chat.options.events_per_connection_max) => {
                if count == 0 {
                    let is_closing = *chat.closing.borrow();
                    return Err(if is_closing { closing() } else { taken_over() });
                }
                line.say_all(deliveries.drain(..)).await?;
                // After every write, not only when the channel was full: to know that would take a flag shared with the
                // worker, to save a call that is O(1). A session that has ended meanwhile shows in the channel.
                let _ = chat.fanout.writable(member.session);
            }
            _ = heartbeat.tick() => line.send(Message::Ping(Default::default())).await?,
        }
    }
}

fn taken_over() -> End {
    End::Refused(CloseCode::Policy, "the member has another connection".to_owned())
}

/// Finds out who the client is.
async fn greet(chat: &Chat, line: &mut Line) -> Result<Seat, End> {
    loop {
        let heard = line.hear().await?;
        match admit(chat, &heard).await {
            Ok((seat, answer)) => {
                line.say(answer).await?;
                return Ok(seat);
            }
            Err(why) => line.say(format!("error {why}")).await?,
        }
    }
}

/// Lets a new member in, or one that comes back; and what it is answered.
async fn admit(chat: &Chat, heard: &str) -> Result<(Seat, String), Refusal> {
    match Command::parse(heard)? {
        Command::Nick(nick) => {
            let (seat, _) = Seat::take(chat, chat.enter(nick)?, Sequence(0)).await?;
            let answer = format!("hello {}", seat.member.token);
            Ok((seat, answer))
        }
        Command::Resume(token, acknowledged) => {
            let (seat, Resumed { again, pending, .. }) = Seat::take(chat, chat.member(token)?, acknowledged).await?;
            Ok((seat, format!("resumed {again} {pending}")))
        }
        _ => Err(Refusal::NotGreeted),
    }
}

/// Does what the client says; what there is to answer.
fn obey(chat: &Chat, member: &Member, heard: &str) -> Result<Option<String>, Refusal> {
    match Command::parse(heard)? {
        Command::Nick(_) | Command::Resume(..) => Err(Refusal::Greeted),
        Command::Join(room) => chat.join(member, room).map(|after| Some(format!("joined {room} {}", after.0))),
        Command::Leave(room) => chat.leave(member, room).map(|()| Some(format!("left {room}"))),
        Command::Say { room, text } => chat.say(member, room, text).map(|()| None),
        Command::Acknowledge(through) => Ok(chat.fanout.acknowledge(member.session, through).map(|_| None)?),
    }
}

/// The socket, as lines of text.
struct Line {
    socket: WebSocketStream<TcpStream>,
    stuck_for: Duration,
}

impl Line {
    /// The next line from the client. Nothing is lost when the wait is given up.
    async fn hear(&mut self) -> Result<Utf8Bytes, End> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Binary(_))) => {
                    return Err(End::Refused(CloseCode::Unsupported, "lines come in text frames".to_owned()));
                }
                Some(Ok(Message::Close(_))) => {
                    // The answer to it is written only when something is.
                    let _ = timeout(self.stuck_for, self.socket.flush()).await;
                    return Err(End::Gone);
                }
                None => return Err(End::Gone),
                Some(Ok(_)) => {} // pings are answered on the next read
                Some(Err(Error::Capacity(_))) => {
                    return Err(End::Refused(CloseCode::Size, format!("a frame may have {FRAME_MAX} bytes")));
                }
                Some(Err(Error::Utf8(_))) => {
                    return Err(End::Refused(CloseCode::Invalid, "a text frame is UTF-8".to_owned()));
                }
                Some(Err(_)) => return Err(End::Gone),
            }
        }
    }

    async fn say(&mut self, line: String) -> Result<(), End> {
        self.send(Message::text(line)).await
    }

    /// Several lines, in as few writes as may be.
    async fn say_all(&mut self, lines: impl Iterator<Item: Display>) -> Result<(), End> {
        let socket = &mut self.socket;
        let write = async {
            for line in lines {
                socket.feed(Message::text(line.to_string())).await?;
            }
            socket.flush().await
        };
        or_gone(timeout(self.stuck_for, write).await)
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        or_gone(timeout(self.stuck_for, self.socket.send(message)).await)
    }

    /// Tells the client why, if it is still there.
    async fn hang_up(mut self, end: End) {
        let End::Refused(code, reason) = end else { return };
        let close = CloseFrame { code, reason: reason.as_str().into() };
        if self.say(format!("error {reason}")).await.is_ok() {
            let _ = self.send(Message::Close(Some(close))).await;
        }
        // A client waits for the server to hang up first.
        let _ = self.socket.get_mut().shutdown().await;
        // Until it hangs up too: closing a socket with something unread throws away what the peer has not read.
        let _ = timeout(self.stuck_for, read_to_end(self.socket.get_ref())).await;
    }
}

async fn read_to_end(stream: &TcpStream) -> io::Result<()> {
    let mut unread = [0; 1024];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut unread) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
    }
}

fn or_gone<T>(written: Result<Result<(), Error>, T>) -> Result<(), End> {
    match written {
        Ok(Ok(())) => Ok(()),
        _ => Err(End::Gone),
    }
}
