//! What all connections share: the fan-out, the names of the rooms, and who may come back.

use crate::partition::Orders;
use crate::protocol::{HERE, MESSAGE, Malformed, Token};
use oyez::{
    AcknowledgeError, Class, ConnectError, Event, Fanout, FanoutOptions, OrderKey, PartitionId, PublishError, Query,
    RegistryOptions, Sequence, SessionId, SessionOptions, SubscribeError, Subscribed, Topic, Unsubscribed, Verdict,
};
use rand::TryRng;
use rand::rngs::{SysError, SysRng};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Sizes and times of a chat.
#[derive(Clone, Debug)]
pub struct Options {
    pub partitions: u16,
    /// Events that a member may be sent and not have acknowledged.
    pub window: usize,
    /// Events that wait for a member, beyond those.
    pub events_per_member_max: usize,
    /// Events that a connection has in hand, between the worker and its socket.
    pub events_per_connection_max: usize,
    pub rooms_per_member_max: usize,
    /// How long a client may take to say who it is.
    pub greeting_for: Duration,
    /// How long a member without a connection is waited for.
    pub parked_for: Duration,
    /// How long a client may take to read what it is sent, and to hang up when it is told to go.
    pub stuck_for: Duration,
    /// How long the members have to take what is left when the chat closes, and then as long to hang up.
    pub closing_for: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            partitions: 2,
            window: 64,
            events_per_member_max: 1024,
            events_per_connection_max: 32,
            rooms_per_member_max: 100,
            greeting_for: Duration::from_secs(10),
            parked_for: Duration::from_secs(120),
            stuck_for: Duration::from_secs(30),
            closing_for: Duration::from_secs(5),
        }
    }
}

pub struct Chat {
    pub options: Options,
    pub fanout: Fanout,
    pub partitions: Vec<Orders>,
    /// True from when the chat closes.
    pub closing: watch::Sender<bool>,
    rooms: Mutex<Rooms>,
    members: Mutex<HashMap<Token, Arc<Member>>>,
    /// Members so far, to take the partitions in turn.
    entered: AtomicUsize,
}

/// Someone in the chat, with or without a connection.
pub struct Member {
    pub nick: String,
    pub token: Token,
    pub session: SessionId,
    pub partition: PartitionId,
}

/// The rooms somebody is in.
#[derive(Default)]
struct Rooms {
    topics: HashMap<String, Topic>,
    names: HashMap<Topic, String>,
    /// Rooms so far: a number is never given twice.
    last: u64,
}

/// Why a client does not get what it asked for.
#[derive(Debug)]
pub enum Refusal {
    Malformed(Malformed),
    /// It has not said who it is.
    NotGreeted,
    /// It has, before.
    Greeted,
    /// The partition has no place for another member.
    Full(ConnectError),
    NoRandomness(SysError),
    /// Nobody has this token, or the member was not waited for any longer.
    UnknownToken,
    /// It cannot have what it says it has.
    Acknowledged(AcknowledgeError),
    Rooms(SubscribeError),
    NotInRoom,
    Unpublished(PublishError),
    /// So many members do not get it: the memory for what waits is used up.
    Overloaded(usize),
    Closing,
}

impl From<Malformed> for Refusal {
    fn from(why: Malformed) -> Self {
        Refusal::Malformed(why)
    }
}

impl From<AcknowledgeError> for Refusal {
    fn from(why: AcknowledgeError) -> Self {
        Refusal::Acknowledged(why)
    }
}

/// Nothing that is done under one of the locks leaves a state half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Chat {
    /// A chat with nobody in it, whose partitions take these orders.
    pub fn new(options: Options, partitions: Vec<Orders>) -> Self {
        let registry = RegistryOptions::default()
            .partitions(options.partitions)
            .topics_per_session_max(options.rooms_per_member_max);
        let fanout = FanoutOptions::default().registry(registry).events_per_session_max(options.events_per_member_max);
        Chat {
            options,
            fanout: Fanout::new(fanout),
            partitions,
            closing: watch::Sender::new(false),
            rooms: Mutex::default(),
            members: Mutex::default(),
            entered: AtomicUsize::new(0),
        }
    }

    /// A new member, without a connection yet.
    pub fn enter(&self, nick: &str) -> Result<Arc<Member>, Refusal> {
        let mut bytes = [0; 16];
        SysRng.try_fill_bytes(&mut bytes).map_err(Refusal::NoRandomness)?;
        let token = Token(u128::from_ne_bytes(bytes));
        let turn = self.entered.fetch_add(1, Ordering::Relaxed) % self.partitions.len();
        let partition = PartitionId(turn as u16); // partitions are counted in 16 bits
        let options = SessionOptions::default().window(self.options.window);
        let session = self.fanout.connect_with(partition, options).map_err(Refusal::Full)?;
        let member = Arc::new(Member { nick: nick.to_owned(), token, session, partition });
        lock(&self.members).insert(token, Arc::clone(&member));
        Ok(member)
    }

    /// Whoever has this token.
    pub fn member(&self, token: Token) -> Result<Arc<Member>, Refusal> {
        lock(&self.members).get(&token).map(Arc::clone).ok_or(Refusal::UnknownToken)
    }

    /// Ends a member that was waited for in vain.
    pub fn forget(&self, member: &Member) {
        lock(&self.members).remove(&member.token);
        let mut rooms = lock(&self.rooms);
        for topic in self.fanout.topics_of(member.session).unwrap_or_default() {
            self.take_out(&mut rooms, member, topic);
        }
        // Nobody else ends sessions.
        let _ = self.fanout.disconnect(member.session);
    }

    /// Takes a member into a room, and tells from which sequence on it is told of it.
    pub fn join(&self, member: &Member, room: &str) -> Result<Sequence, Refusal> {
        // Held while the others are told, so that they are told the counts in the order in which they came about.
        let mut rooms = lock(&self.rooms);
        let topic = rooms.open(room);
        let joined = self.fanout.subscribe(member.session, topic);
        match &joined {
            Ok(joined) if joined.subscribed == Subscribed::New => self.announce(topic, room),
            Ok(_) => {}
            Err(_) => rooms.close_if_empty(topic, &self.fanout),
        }
        joined.map(|joined| joined.after).map_err(Refusal::Rooms)
    }

    pub fn leave(&self, member: &Member, room: &str) -> Result<(), Refusal> {
        let mut rooms = lock(&self.rooms);
        let topic = rooms.topic(room)?;
        match self.take_out(&mut rooms, member, topic) {
            Unsubscribed::Left => Ok(()),
            Unsubscribed::WasNot => Err(Refusal::NotInRoom),
        }
    }

    fn take_out(&self, rooms: &mut Rooms, member: &Member, topic: Topic) -> Unsubscribed {
        let unsubscribed = self.fanout.unsubscribe(member.session, topic).unwrap_or(Unsubscribed::WasNot);
        if unsubscribed == Unsubscribed::Left {
            if let Some(room) = rooms.names.get(&topic) {
                self.announce(topic, room);
            }
            rooms.close_if_empty(topic, &self.fanout);
        }
        unsubscribed
    }

    /// Tells everyone in a room how many they are. Members without a connection count until they are given up.
    fn announce(&self, topic: Topic, room: &str) {
        // Who is not told, because the chat closes or is overloaded, hears the next count.
        let _ = self.publish(topic, HERE, format!("{room} {}", self.fanout.topic_len(topic)));
    }

    pub fn say(&self, member: &Member, room: &str, text: &str) -> Result<(), Refusal> {
        let topic = lock(&self.rooms).topic(room)?;
        match self.fanout.explain(member.session, &Query::topic(topic)) {
            Verdict::Included(_) => self.publish(topic, MESSAGE, format!("{room} {} {text}", member.nick)),
            _ => Err(Refusal::NotInRoom),
        }
    }

    fn publish(&self, topic: Topic, class: Class, line: String) -> Result<(), Refusal> {
        let event = Event::new(OrderKey(topic.0), line.into_bytes()).class(class);
        let receipt = self.fanout.publish(&Query::topic(topic), event).map_err(Refusal::Unpublished)?;
        match receipt.refused_count {
            0 => Ok(()),
            count => Err(Refusal::Overloaded(count)),
        }
    }
}

impl Rooms {
    fn topic(&self, room: &str) -> Result<Topic, Refusal> {
        self.topics.get(room).copied().ok_or(Refusal::NotInRoom)
    }

    /// The room of this name, new if there is none.
    fn open(&mut self, room: &str) -> Topic {
        if let Some(&topic) = self.topics.get(room) {
            return topic;
        }
        self.last += 1;
        let topic = Topic(self.last);
        self.topics.insert(room.to_owned(), topic);
        self.names.insert(topic, room.to_owned());
        topic
    }

    fn close_if_empty(&mut self, topic: Topic, fanout: &Fanout) {
        if fanout.topic_len(topic) == 0
            && let Some(room) = self.names.remove(&topic)
        {
            self.topics.remove(&room);
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Malformed(why) => why.fmt(f),
            Refusal::NotGreeted => f.write_str("say nick or resume first"),
            Refusal::Greeted => f.write_str("you have said who you are"),
            Refusal::Full(why) => why.fmt(f),
            Refusal::NoRandomness(why) => why.fmt(f),
            Refusal::UnknownToken => f.write_str("nobody is waited for under this token"),
            Refusal::Acknowledged(why) => why.fmt(f),
            Refusal::Rooms(why) => why.fmt(f),
            Refusal::NotInRoom => f.write_str("you are not in this room"),
            Refusal::Unpublished(why) => why.fmt(f),
            Refusal::Overloaded(count) => write!(f, "the server is overloaded: {count} members do not get this"),
            Refusal::Closing => f.write_str("the server is closing"),
        }
    }
}
