//! The calls of a [`Simulation`](super::Simulation), and their text.

use super::Behaviour;
use crate::fanout::{Class, OrderKey, Sequence};
use crate::registry::{PartitionId, Topic};
use std::fmt;
use std::str::{FromStr, SplitWhitespace};

/// A session of a [`Simulation`](super::Simulation), by its number: they count from 0 in the order in which they
/// connected, and are never forgotten. As text, `s3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who(pub usize);

/// One call on a fan-out, as a value. `Display` writes it as a line of text, in the words shown beside each, and
/// `FromStr` reads that.
///
/// ```
/// use oyez::testing::{Command, Who};
///
/// let command: Command = "park s3".parse().unwrap();
/// assert_eq!(command, Command::Park(Who(3)));
/// assert_eq!(command.to_string(), "park s3");
/// assert_eq!("part s3".parse::<Command>().unwrap_err().to_string(), "`part s3` is not a command");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `connect 0 window 4 slow 2 50`; a window of 0 is none.
    Connect {
        /// Where.
        partition: PartitionId,
        /// How many events may be handed over and not acknowledged.
        window: usize,
        /// What the other end is like.
        host: Behaviour,
    },
    /// `disconnect s3`
    Disconnect(Who),
    /// `drop 0`
    DropPartition(PartitionId),
    /// `subscribe s3 7`
    Subscribe(Who, Topic),
    /// `unsubscribe s3 7`
    Unsubscribe(Who, Topic),
    /// `discard s3 7`: [`Fanout::unsubscribe_discarding`](crate::Fanout::unsubscribe_discarding).
    UnsubscribeDiscarding(Who, Topic),
    /// `move s3 1`: to this partition.
    Move(Who, PartitionId),
    /// `publish key 1 class 0 bytes 5 to 7 8 except s3`
    Publish(Publish),
    /// `drain 0 255`
    Drain {
        /// Whose worker.
        partition: PartitionId,
        /// Sessions that are offered something.
        sessions_max: usize,
    },
    /// `ready 0`: [`Worker::poll_ready`](crate::Worker::poll_ready).
    Ready(PartitionId),
    /// `writable s3`
    Writable(Who),
    /// `acknowledge s3 17`
    Acknowledge(Who, Sequence),
    /// `park s3`
    Park(Who),
    /// `resume s3 17`
    Resume(Who, Sequence),
    /// `open s3`: an [`Outbox`](crate::Outbox).
    OpenOutbox(Who),
    /// `shut s3`: its outbox is dropped.
    CloseOutbox(Who),
    /// `next s3 10`: at most so many events from its outbox.
    NextBatch(Who, usize),
    /// `close`
    Close,
}

/// An event and whom it is for. The simulation makes up the payload, and counts the events in their metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Of the event.
    pub key: OrderKey,
    /// Of the event.
    pub class: Class,
    /// Length of the payload.
    pub bytes: usize,
    /// Topics whose subscribers get it.
    pub to: Vec<Topic>,
    /// Sessions that do not.
    pub except: Vec<Who>,
}

/// A text that is not a [`Command`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotACommand {
    /// The text.
    pub text: String,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Connect { partition, window, host } => {
                write!(f, "connect {} window {window} {host}", partition.0)
            }
            Command::Disconnect(who) => write!(f, "disconnect {who}"),
            Command::DropPartition(partition) => write!(f, "drop {}", partition.0),
            Command::Subscribe(who, topic) => write!(f, "subscribe {who} {}", topic.0),
            Command::Unsubscribe(who, topic) => write!(f, "unsubscribe {who} {}", topic.0),
            Command::UnsubscribeDiscarding(who, topic) => write!(f, "discard {who} {}", topic.0),
            Command::Move(who, partition) => write!(f, "move {who} {}", partition.0),
            Command::Publish(publish) => publish.fmt(f),
            Command::Drain { partition, sessions_max } => write!(f, "drain {} {sessions_max}", partition.0),
            Command::Ready(partition) => write!(f, "ready {}", partition.0),
            Command::Writable(who) => write!(f, "writable {who}"),
            Command::Acknowledge(who, through) => write!(f, "acknowledge {who} {}", through.0),
            Command::Park(who) => write!(f, "park {who}"),
            Command::Resume(who, acknowledged) => write!(f, "resume {who} {}", acknowledged.0),
            Command::OpenOutbox(who) => write!(f, "open {who}"),
            Command::CloseOutbox(who) => write!(f, "shut {who}"),
            Command::NextBatch(who, events_max) => write!(f, "next {who} {events_max}"),
            Command::Close => f.write_str("close"),
        }
    }
}

impl fmt::Display for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "publish key {} class {} bytes {} to", self.key.0, self.class.number(), self.bytes)?;
        self.to.iter().try_for_each(|topic| write!(f, " {}", topic.0))?;
        if !self.except.is_empty() {
            f.write_str(" except")?;
        }
        self.except.iter().try_for_each(|who| write!(f, " {who}"))
    }
}

impl FromStr for Command {
    type Err = NotACommand;

    fn from_str(text: &str) -> Result<Self, NotACommand> {
        let mut words = text.split_whitespace();
        let command = parse(&mut words).filter(|_| words.next().is_none());
        command.ok_or_else(|| NotACommand { text: text.to_owned() })
    }
}

fn parse(words: &mut SplitWhitespace<'_>) -> Option<Command> {
    let command = match words.next()? {
        "connect" => {
            let (partition, window) = (PartitionId(number(words)?), after("window", words)?);
            Command::Connect { partition, window, host: Behaviour::parse(words)? }
        }
        "disconnect" => Command::Disconnect(who(words)?),
        "drop" => Command::DropPartition(PartitionId(number(words)?)),
        "subscribe" => Command::Subscribe(who(words)?, Topic(number(words)?)),
        "unsubscribe" => Command::Unsubscribe(who(words)?, Topic(number(words)?)),
        "discard" => Command::UnsubscribeDiscarding(who(words)?, Topic(number(words)?)),
        "move" => Command::Move(who(words)?, PartitionId(number(words)?)),
        "publish" => Command::Publish(publish(words)?),
        "drain" => Command::Drain { partition: PartitionId(number(words)?), sessions_max: number(words)? },
        "ready" => Command::Ready(PartitionId(number(words)?)),
        "writable" => Command::Writable(who(words)?),
        "acknowledge" => Command::Acknowledge(who(words)?, Sequence(number(words)?)),
        "park" => Command::Park(who(words)?),
        "resume" => Command::Resume(who(words)?, Sequence(number(words)?)),
        "open" => Command::OpenOutbox(who(words)?),
        "shut" => Command::CloseOutbox(who(words)?),
        "next" => Command::NextBatch(who(words)?, number(words)?),
        "close" => Command::Close,
        _ => return None,
    };
    Some(command)
}

fn publish(words: &mut SplitWhitespace<'_>) -> Option<Publish> {
    let key = OrderKey(after("key", words)?);
    let class = Class::new(after("class", words)?)?;
    let bytes = after("bytes", words)?;
    words.next().filter(|&word| word == "to")?;
    let mut publish = Publish { key, class, bytes, to: Vec::new(), except: Vec::new() };
    for word in words.by_ref().take_while(|&word| word != "except") {
        publish.to.push(Topic(word.parse().ok()?));
    }
    for word in words {
        publish.except.push(session(word)?);
    }
    Some(publish)
}

fn number<N: FromStr>(words: &mut SplitWhitespace<'_>) -> Option<N> {
    words.next()?.parse().ok()
}

/// The number behind this word.
fn after<N: FromStr>(word: &str, words: &mut SplitWhitespace<'_>) -> Option<N> {
    words.next().filter(|&next| next == word)?;
    number(words)
}

fn who(words: &mut SplitWhitespace<'_>) -> Option<Who> {
    session(words.next()?)
}

fn session(word: &str) -> Option<Who> {
    word.strip_prefix('s')?.parse().ok().map(Who)
}

impl fmt::Display for NotACommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a command", self.text)
    }
}

impl std::error::Error for NotACommand {}
