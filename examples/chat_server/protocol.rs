//! The language of client and server: a line of words in each text frame.
//!
//! | the client says | and is answered |
//! |---|---|
//! | `nick NICK`, at the start | `hello TOKEN`; the token is the key to come back |
//! | `resume TOKEN SEQ`, at the start of a new connection; it has all up to SEQ | `resumed AGAIN WAITING`, so many come |
//! | `join ROOM` | `joined ROOM SEQ`: it is told all that comes after SEQ |
//! | `leave ROOM` | `left ROOM` |
//! | `say ROOM TEXT` | the message, as everyone in the room |
//! | `ack SEQ`: it has all up to SEQ | nothing |
//!
//! What happens in its rooms it is told in the order of the sequences, which rise but may skip: `msg SEQ ROOM NICK
//! TEXT`, `here SEQ ROOM COUNT` when someone comes or goes, and `gap COUNT FIRST LAST` in place of what it was too slow
//! for. A line that makes no sense is answered with `error WHAT`.

use oyez::{Class, Event, Gap, Item, Sequence};
use std::fmt;
use std::str::FromStr;

/// The longest frame a client may send, in bytes.
pub const FRAME_MAX: usize = 4096;

/// The longest name of a room or a member, in bytes.
const NAME_MAX: usize = 32;

/// The classes of events, by which the frames for them are told apart.
pub const MESSAGE: Class = class(0);
pub const HERE: Class = class(1);

const fn class(number: u8) -> Class {
    Class::new(number).expect("below 64")
}

/// What a client says.
#[derive(Debug, PartialEq, Eq)]
pub enum Command<'a> {
    Nick(&'a str),
    Resume(Token, Sequence),
    Join(&'a str),
    Leave(&'a str),
    Say { room: &'a str, text: &'a str },
    Acknowledge(Sequence),
}

/// Why a line is no command.
#[derive(Debug, PartialEq, Eq)]
pub enum Malformed {
    UnknownVerb,
    /// What should stand there.
    Expected(&'static str),
}

impl<'a> Command<'a> {
    pub fn parse(line: &'a str) -> Result<Self, Malformed> {
        let (verb, rest) = word(line);
        match verb {
            "nick" => Ok(Command::Nick(name(rest)?)),
            "resume" => {
                let (token, sequence) = word(rest);
                Ok(Command::Resume(token.parse()?, number(sequence)?))
            }
            "join" => Ok(Command::Join(name(rest)?)),
            "leave" => Ok(Command::Leave(name(rest)?)),
            "say" => match word(rest) {
                (_, "") => Err(Malformed::Expected("a room and a text")),
                (room, text) => Ok(Command::Say { room: name(room)?, text }),
            },
            "ack" => Ok(Command::Acknowledge(number(rest)?)),
            _ => Err(Malformed::UnknownVerb),
        }
    }
}

/// The first word of a line, and what is behind it.
fn word(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

fn name(text: &str) -> Result<&str, Malformed> {
    let is_name = (1..=NAME_MAX).contains(&text.len()) && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    is_name.then_some(text).ok_or(Malformed::Expected("a name of 1 to 32 bytes without spaces"))
}

fn number(text: &str) -> Result<Sequence, Malformed> {
    text.parse().map(Sequence).map_err(|_| Malformed::Expected("a sequence"))
}

/// What lets a client come back as the same member: random, so that nobody guesses another's. A session's handle would
/// not do: handles are small numbers that count up.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(pub u128);

impl FromStr for Token {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let is_token = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let token = is_token.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        token.map(Token).ok_or(Malformed::Expected("a token"))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Not the token: whoever reads a log could be anyone in it.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::UnknownVerb => f.write_str("say nick, resume, join, leave, say or ack"),
            Malformed::Expected(what) => write!(f, "expected {what}"),
        }
    }
}

/// One thing that a member is told of its rooms: an item of its session, kept beyond the worker's callback.
#[derive(Debug)]
pub enum Delivery {
    Event(Sequence, Event),
    Gap(Gap),
}

impl From<Item<'_>> for Delivery {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Event(sequence, event) => Delivery::Event(sequence, event.clone()),
            Item::Gap(gap) => Delivery::Gap(gap),
        }
    }
}

/// As the frame that the client gets.
impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Delivery::Event(sequence, event) => {
                let verb = if event.class == HERE { "here" } else { "msg" };
                write!(f, "{verb} {} {}", sequence.0, String::from_utf8_lossy(&event.payload))
            }
            Delivery::Gap(gap) => write!(f, "gap {} {} {}", gap.count, gap.first.0, gap.last.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oyez::OrderKey;

    #[test]
    fn commands_are_read() {
        let token = Token(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        for (line, command) in [
            ("nick ada", Command::Nick("ada")),
            ("resume 0123456789abcdef0123456789abcdef 7", Command::Resume(token, Sequence(7))),
            ("join tea", Command::Join("tea")),
            ("leave tea", Command::Leave("tea")),
            ("say tea  two lumps, please ", Command::Say { room: "tea", text: " two lumps, please " }),
            ("ack 18446744073709551615", Command::Acknowledge(Sequence(u64::MAX))),
        ] {
            assert_eq!(Command::parse(line), Ok(command), "{line}");
        }
        assert_eq!(token.to_string().parse(), Ok(token));
    }

    #[test]
    fn what_is_no_command_is_refused() {
        let long_name = format!("join {}", "x".repeat(NAME_MAX + 1));
        for line in [
            "",
            " ",
            "NICK ada",
            "nick",
            "nick ",
            "nick ada lovelace",
            "nick a\tb",
            "nick a\u{a0}b",
            "join \0",
            &long_name,
            "say",
            "say tea",
            "say  tea",
            "ack",
            "ack -1",
            "ack 1 2",
            "ack 18446744073709551616",
            "resume",
            "resume 1 2",
            "resume 0123456789abcdef0123456789abcdef",
            "resume +123456789abcdef0123456789abcdef 1",
        ] {
            assert!(Command::parse(line).is_err(), "{line:?}");
        }
        assert_eq!(Command::parse("sing tea"), Err(Malformed::UnknownVerb));
    }

    #[test]
    fn deliveries_are_frames() {
        let event = |class| Event::new(OrderKey(1), *b"tea ada hello").class(class);
        assert_eq!(Delivery::Event(Sequence(3), event(MESSAGE)).to_string(), "msg 3 tea ada hello");
        assert_eq!(Delivery::Event(Sequence(4), event(HERE)).to_string(), "here 4 tea ada hello");
    }
}
