//! One line of a channel log, read as an event.
//!
//! The format is that of the public #ubuntu logs: `[HH:MM] <nick> text` for speech, `[HH:MM]  * nick text` for
//! emotes, and `=== …` for what the server told: joins, leaves, kicks, renames, modes and, until 2007, emotes too.
//! [`Line::parse`] costs one pass over the line and allocates only for a padded nick or a mode line.
//!
//! **Padded nicks.** The logs up to the autumn of 2007 put a blank after every `]`, everywhere: `zcat[1]` joins as
//! `=== zcat[1]  [n=zcat@…]` and speaks as `<zcat[1] >`; `bur[n]er` is written `bur[n] er`. A nick never holds a
//! blank, so taking out those after a `]` gives one string for one nick, whichever line it came from. Only the older
//! logs write emotes, joins and modes with `===`, so that padding may be assumed there; the `*` emotes are newer and
//! never padded. Letter case is kept as written: a change of case is logged as a rename.
//!
//! **What is not read** is a value too, [`NotParsed`], so that a reader can count it and go on.

use std::borrow::Cow;
use std::fmt;

/// A nick as the network shows it: padding removed, borrowed from the line where there was none.
pub type Nick<'a> = Cow<'a, str>;

/// What one line tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line<'a> {
    /// `nick` said `text`, which may be empty.
    Message { nick: Nick<'a>, text: &'a str },
    /// `nick` acted (`/me`); `text` may be empty.
    Emote { nick: Nick<'a>, text: &'a str },
    /// `nick` came in.
    Join { nick: Nick<'a> },
    /// `nick` left, quit or was kicked.
    Leave { nick: Nick<'a> },
    /// The one called `from` is called `to` from here on.
    Rename { from: Nick<'a>, to: Nick<'a> },
    /// Modes were set and unset, in this order.
    Mode { changes: Vec<ModeChange<'a>> },
    /// The line is no event we read.
    NotParsed(NotParsed),
}

/// One letter of a mode line, with the argument that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeChange<'a> {
    /// Whether the mode was set or unset.
    pub sign: Sign,
    /// The mode: `o` is operator, `b` a ban.
    pub mode: char,
    /// A nick for `o` and `v`, a mask for `b`; `None` for modes of the channel itself.
    pub argument: Option<Nick<'a>>,
}

/// Whether a mode was set or unset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// `+`
    Set,
    /// `-`
    Unset,
}

/// Why a line is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotParsed {
    /// `-nick:#channel- text`: nobody need be there to send one.
    Notice,
    /// `(nick/#channel) text`: speech carried in from somewhere else.
    Relayed,
    /// `netjoined: a -> b`: servers, not people.
    Server,
    /// The topic, told or changed.
    Topic,
    /// Nothing but white space.
    Blank,
    /// Over [`LINE_BYTES_MAX`].
    TooLong,
    /// No shape we know.
    Unknown,
}

/// The protocol's own lines have 512 bytes at most, those of its extensions 8,191 more. What is longer would not fit
/// into an event or a collation key, sooner or later.
const LINE_BYTES_MAX: usize = 16 << 10;

impl<'a> Line<'a> {
    /// Reads one line, given without its line end. Never fails: what cannot be read is a [`NotParsed`].
    pub fn parse(line: &'a str) -> Self {
        let parsed = if line.len() > LINE_BYTES_MAX {
            Err(NotParsed::TooLong)
        } else if let Some(told) = line.strip_prefix("=== ") {
            told_line(told)
        } else if let Some(said) = after_time(line) {
            said_line(said)
        } else if line.trim().is_empty() {
            Err(NotParsed::Blank)
        } else {
            Err(NotParsed::Unknown)
        };
        parsed.unwrap_or_else(Line::NotParsed)
    }
}

impl fmt::Display for NotParsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            NotParsed::Notice => "notice",
            NotParsed::Relayed => "relayed speech",
            NotParsed::Server => "server notice",
            NotParsed::Topic => "topic",
            NotParsed::Blank => "blank",
            NotParsed::TooLong => "too long",
            NotParsed::Unknown => "no shape we know",
        })
    }
}

/// What follows `[HH:MM] `.
fn after_time(line: &str) -> Option<&str> {
    let (time, rest) = line.strip_prefix('[')?.split_at_checked(5)?;
    let shaped = time.bytes().enumerate().all(|(at, byte)| match at {
        2 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    rest.strip_prefix("] ").filter(|_| shaped)
}

/// A line with a time: speech, an emote, or speech of someone who is not there.
fn said_line(said: &str) -> Result<Line<'_>, NotParsed> {
    if let Some(speech) = said.strip_prefix('<') {
        return message(speech).ok_or(NotParsed::Unknown);
    }
    if let Some(act) = said.strip_prefix(" * ") {
        return starred_emote(act).ok_or(NotParsed::Unknown);
    }
    match said.as_bytes().first() {
        Some(b'-') if said.contains("- ") => Err(NotParsed::Notice),
        Some(b'(') if said.contains(") ") => Err(NotParsed::Relayed),
        _ => Err(NotParsed::Unknown),
    }
}

fn message(speech: &str) -> Option<Line<'_>> {
    let (padded, text) = speech.split_once('>')?;
    Some(Line::Message { nick: nick(padded)?, text: text.strip_prefix(' ').unwrap_or(text) })
}

fn starred_emote(act: &str) -> Option<Line<'_>> {
    let (written, text) = act.split_once(' ').unwrap_or((act, ""));
    Some(Line::Emote { nick: nick(written)?, text })
}

/// A line that starts with `=== `.
fn told_line(told: &str) -> Result<Line<'_>, NotParsed> {
    if let Some(mode) = told.strip_prefix("mode/") {
        return mode_line(mode).ok_or(NotParsed::Unknown);
    }
    if told.starts_with("netjoined: ") || told.starts_with("netsplit: ") {
        return Err(NotParsed::Server);
    }
    if told.starts_with("..[topic/") {
        return Err(NotParsed::Topic);
    }
    if let Some(renamed) = rename(told) {
        return Ok(renamed);
    }
    let (padded, rest) = split_padded(told);
    match nick(padded) {
        Some(nick) if !rest.is_empty() => told_of(nick, rest),
        _ => Err(NotParsed::Unknown),
    }
}

/// `None` also where the words stand in somebody's emote: then what is around them is no nick.
fn rename(told: &str) -> Option<Line<'_>> {
    let (from, to) = told.split_once(" is now known as ")?;
    Some(Line::Rename { from: nick(from)?, to: nick(to)? })
}

/// `rest` is what the server, or the nick's own emote, tells of `nick`.
fn told_of<'a>(nick: Nick<'a>, rest: &'a str) -> Result<Line<'a>, NotParsed> {
    let has = rest.strip_prefix('[').and_then(|host| host.split_once("]  has "));
    match has {
        Some((_, did)) if did.starts_with("joined #") => Ok(Line::Join { nick }),
        Some((_, did)) if did.starts_with("left #") => Ok(Line::Leave { nick }),
        Some((_, did)) if did.starts_with("quit") => Ok(Line::Leave { nick }),
        _ if rest.starts_with("was kicked off #") => Ok(Line::Leave { nick }),
        _ if rest.starts_with("changed the topic of #") => Err(NotParsed::Topic),
        _ => Ok(Line::Emote { nick, text: rest }),
    }
}

/// `#channel [-o+b nick mask]  by someone`.
///
/// Letters and arguments must come out even. One argument too few or too many means a letter whose arity we do not
/// know, and then every nick after it may be given the wrong mode: such a line is refused whole.
fn mode_line(mode: &str) -> Option<Line<'_>> {
    let (_channel, rest) = mode.split_once(" [")?;
    let (modes, _by) = rest.rsplit_once("]  by ")?;
    let (letters, mut arguments) = modes.split_once(' ').unwrap_or((modes, ""));
    let mut sign = None;
    let mut changes = Vec::new();
    for letter in letters.chars() {
        match letter {
            '+' => sign = Some(Sign::Set),
            '-' => sign = Some(Sign::Unset),
            mode => changes.push(mode_change(sign?, mode, &mut arguments)?),
        }
    }
    let even = arguments.is_empty() && !changes.is_empty();
    even.then_some(Line::Mode { changes })
}

fn mode_change<'a>(sign: Sign, mode: char, arguments: &mut &'a str) -> Option<ModeChange<'a>> {
    let mut change = ModeChange { sign, mode, argument: None };
    if takes_argument(sign, mode) {
        let (padded, rest) = split_padded(arguments);
        *arguments = rest;
        change.argument = Some(unpadded(padded)).filter(|argument| !argument.is_empty());
        change.argument.as_ref()?;
    }
    Some(change)
}

/// As on the network of these logs. Lists (`b`, `e`, `I`, `q`), ranks (`o`, `h`, `v`) and the key name what they
/// take away; a limit, a forward and a throttle are unset by themselves.
fn takes_argument(sign: Sign, mode: char) -> bool {
    match mode {
        'b' | 'e' | 'I' | 'q' | 'o' | 'h' | 'v' | 'k' => true,
        'l' | 'f' | 'j' => sign == Sign::Set,
        _ => false,
    }
}

/// Splits off the first word, where a blank after `]` is padding and does not end the word.
fn split_padded(text: &str) -> (&str, &str) {
    text.match_indices(' ')
        .find(|(at, _)| !text[..*at].ends_with(']'))
        .map_or((text, ""), |(at, _)| (&text[..at], &text[at + 1..]))
}

fn unpadded(word: &str) -> Cow<'_, str> {
    if word.contains("] ") { Cow::Owned(word.replace("] ", "]")) } else { Cow::Borrowed(word) }
}

/// Longer than on any network we know of. Refusing more keeps a damaged line from becoming a member.
const NICK_BYTES_MAX: usize = 64;

/// The nick in `word`, if it is one: a blank left after unpadding, or a sign no nick may hold, says it is not.
fn nick(word: &str) -> Option<Nick<'_>> {
    let nick = unpadded(word);
    let fits = (1..=NICK_BYTES_MAX).contains(&nick.len());
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || br"[]\`^{}|_-".contains(&byte);
    (fits && nick.bytes().all(allowed)).then_some(nick)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<'a>(nick: &'a str, text: &'a str) -> Line<'a> {
        Line::Message { nick: nick.into(), text }
    }

    fn emote<'a>(nick: &'a str, text: &'a str) -> Line<'a> {
        Line::Emote { nick: nick.into(), text }
    }

    fn join(nick: &str) -> Line<'_> {
        Line::Join { nick: nick.into() }
    }

    fn leave(nick: &str) -> Line<'_> {
        Line::Leave { nick: nick.into() }
    }

    fn rename<'a>(from: &'a str, to: &'a str) -> Line<'a> {
        Line::Rename { from: from.into(), to: to.into() }
    }

    fn change<'a>(sign: Sign, mode: char, argument: Option<&'a str>) -> ModeChange<'a> {
        ModeChange { sign, mode, argument: argument.map(Into::into) }
    }

    #[track_caller]
    fn reads<'a>(line: &'a str, expected: Line<'a>) {
        assert_eq!(Line::parse(line), expected, "{line:?}");
    }

    #[track_caller]
    fn refuses(line: &str, why: NotParsed) {
        reads(line, Line::NotParsed(why));
    }

    #[track_caller]
    fn reads_modes(line: &str, expected: Vec<ModeChange<'_>>) {
        assert_eq!(Line::parse(line), Line::Mode { changes: expected });
    }

    #[test]
    fn speech() {
        reads("[11:27] <bob_> is [this] > that?", message("bob_", "is [this] > that?"));
        reads("[09:43] <drcode>", message("drcode", ""));
        reads("[09:43] <W{a}^-`|\\>  two blanks", message("W{a}^-`|\\", " two blanks"));
    }

    #[test]
    fn emotes_old_and_new() {
        reads("[14:02]  * [Saint] shrugs", emote("[Saint]", "shrugs"));
        reads("[11:27]  * TheHawk", emote("TheHawk", ""));
        reads("=== Alth nods", emote("Alth", "nods"));
        reads("=== nox-hand prays, then has joined #ubuntu", emote("nox-hand", "prays, then has joined #ubuntu"));
        reads("=== reka hears that Linus is now known as Bill", emote("reka", "hears that Linus is now known as Bill"));
        reads("=== fr500 [yawns]", emote("fr500", "[yawns]"));
        reads("=== mg has quit smoking", emote("mg", "has quit smoking"));
    }

    #[test]
    fn coming_and_going() {
        reads("=== PPCUser [SomeGuy@ppp152-109.lns1.example]  has joined #Ubuntu", join("PPCUser"));
        reads("=== augmentor [[H] -853478@58.10.69.123]  has joined #ubuntu", join("augmentor"));
        reads("=== zul [~chuck@zul.developer.gentoo]  has left #ubuntu [\"Leaving\"]", leave("zul"));
        reads("=== womble [~mp@eth1859.example]  has left #ubuntu []", leave("womble"));
        reads("=== womble [~mp@eth1859.example]  has quit [\"Bye\"]", leave("womble"));
        reads("=== _mason was kicked off #ubuntu by apokryphos (flood)", leave("_mason"));
        reads("=== |QuaD is now known as `psycho", rename("|QuaD", "`psycho"));
    }

    #[test]
    fn a_padded_nick_is_one_nick() {
        let of_zcat = [
            ("=== zcat[1]  [n=zcat@60-234.example]  has joined #ubuntu", join("zcat[1]")),
            ("[10:10] <zcat[1] > hi", message("zcat[1]", "hi")),
            ("[10:10] <zcat[1]> hi", message("zcat[1]", "hi")),
            ("=== zcat[1]  uses nvidia", emote("zcat[1]", "uses nvidia")),
            ("=== zcat[1]  is now known as zc", rename("zcat[1]", "zc")),
            ("=== zc is now known as zcat[1] ", rename("zc", "zcat[1]")),
            ("=== zcat[1]  was kicked off #ubuntu by x (x)", leave("zcat[1]")),
        ];
        for (line, expected) in of_zcat {
            reads(line, expected);
        }
    }

    #[test]
    fn padding_inside_a_nick() {
        reads("=== [bM] Neg is now known as neg", rename("[bM]Neg", "neg"));
        reads("=== Cre[a] tiveEmb[a]  is now known as CreativeEmbassy", rename("Cre[a]tiveEmb[a]", "CreativeEmbassy"));
        reads("=== [1]SuperSayjin is now known as SuperSayjin", rename("[1]SuperSayjin", "SuperSayjin"));
        reads("=== Guard] [an [n=Guardian@ANantes.example]  has joined #ubuntu", join("Guard][an"));
        reads("=== [[Aww] ]  [n=a@b]  has left #ubuntu []", leave("[[Aww]]"));
        reads("=== bur[n] er wonders if", emote("bur[n]er", "wonders if"));
        reads("[01:02] <N}{N[] O> si", message("N}{N[]O", "si"));
    }

    #[test]
    fn modes_find_their_arguments() {
        use Sign::{Set, Unset};
        reads_modes("=== mode/#ubuntu [+o Seveas]  by ChanServ", vec![change(Set, 'o', Some("Seveas"))]);
        reads_modes(
            "=== mode/#ubuntu [-oo rob mdz]  by ChanServ",
            vec![change(Unset, 'o', Some("rob")), change(Unset, 'o', Some("mdz"))],
        );
        reads_modes(
            "=== mode/#ubuntu [-b+b user!*@* @cpe-065*!#u*@*]  by nalioth",
            vec![change(Unset, 'b', Some("user!*@*")), change(Set, 'b', Some("@cpe-065*!#u*@*"))],
        );
        reads_modes("=== mode/#ubuntu [+rR]  by tonyyarusso", vec![change(Set, 'r', None), change(Set, 'R', None)]);
        reads_modes(
            "=== mode/#ubuntu [+lo-l 900 bur[n] er]  by x",
            vec![change(Set, 'l', Some("900")), change(Set, 'o', Some("bur[n]er")), change(Unset, 'l', None)],
        );
        reads_modes(
            "=== mode/#ubuntu [+ov zcat[1]  [GuS] ]  by [x] ",
            vec![change(Set, 'o', Some("zcat[1]")), change(Set, 'v', Some("[GuS]"))],
        );
    }

    #[test]
    fn uneven_modes_are_refused() {
        for modes in ["+oo rob", "+o", "+r rob", "o rob", "+", "", "+o rob mdz"] {
            refuses(&format!("=== mode/#ubuntu [{modes}]  by x"), NotParsed::Unknown);
        }
        refuses("=== mode/#ubuntu [+o rob", NotParsed::Unknown);
    }

    #[test]
    fn what_is_no_event_says_why() {
        refuses("[01:26] -spam:#ubuntu- buy this", NotParsed::Notice);
        refuses("[01:09] (soundray/#ubuntu) thomas: hi", NotParsed::Relayed);
        refuses("=== netjoined: irc.example -> k.example", NotParsed::Server);
        refuses("=== ..[topic/#ubuntu:Seveas] : Happy Day", NotParsed::Topic);
        refuses("=== LjL changed the topic of #ubuntu to: Support", NotParsed::Topic);
        refuses("", NotParsed::Blank);
        refuses(" \t ", NotParsed::Blank);
        assert_eq!(format!("{:>8}", NotParsed::Topic), "   topic");
    }

    #[test]
    fn hostile_lines() {
        let lines = [
            "[",
            "]",
            "[]",
            "[11:2",
            "[11:27",
            "[11:27]",
            "[11:27] ",
            "[1127a] <x> y",
            "[11:27] <nick",
            "[11:27] <> x",
            "[11:27] < > x",
            "[11:27] <a b> x",
            "[11:27] <n\u{e9}> x",
            "[\u{e9}\u{e9}\u{e9}] <x> y",
            "[11:27]  * ",
            "[11:27] -",
            "[11:27] (",
            "===",
            "=== ",
            "===  ",
            "=== ]",
            "=== ] ",
            "=== fred",
            "===  is now known as ",
            "=== mode/",
            "=== a: b",
        ];
        for line in lines {
            refuses(line, NotParsed::Unknown);
        }
    }

    #[test]
    fn long_lines() {
        let long = "x".repeat(LINE_BYTES_MAX - "[11:27] <bob> ".len());
        let said = format!("[11:27] <bob> {long}");
        reads(&said, message("bob", &long));
        refuses(&format!("{said}x"), NotParsed::TooLong);
        refuses(&"x".repeat(1 << 20), NotParsed::TooLong);
        refuses(&format!("[11:27] <{long}> hi"), NotParsed::Unknown);
        refuses(&format!("=== {long} hi"), NotParsed::Unknown);
        refuses(&long, NotParsed::Unknown);
        refuses(&" ".repeat(1 << 13), NotParsed::Blank);
        let brackets = format!("=== {}", "] ".repeat(1 << 12));
        refuses(&brackets, NotParsed::Unknown);
    }
}
