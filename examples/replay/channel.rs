//! A chat channel as a service would keep it: nicks are members of a list, and each that is present has sessions.

use crate::check::Difference;
use crate::line::{Line, ModeChange, Sign};
use crate::stage::Stage;
use oyez::collation::lower_cased;
use oyez::{Class, Event, GroupId, MemberId, OrderKey, SessionId, Topic, ViewerId, Window};
use std::collections::HashMap;

/// Groups of the list, top to bottom.
pub const OPERATORS: GroupId = GroupId(1);
pub const ONLINE: GroupId = GroupId(2);
pub const OFFLINE: GroupId = GroupId(3);

/// Everyone who is present is subscribed to the channel; operators to a topic of their own as well.
const CHANNEL: Topic = Topic(1);
const OPERATORS_ONLY: Topic = Topic(2);

/// All events of a channel reach everyone in one order.
const ORDER: OrderKey = OrderKey(1);

/// Events between two drains, and two flushes of the list.
const EVENTS_PER_DRAIN: u64 = 50;
/// Events between two drains in which slow sessions read.
const EVENTS_PER_SLOW_DRAIN: u64 = 2_000;
/// Events between two viewers' scrolling.
const EVENTS_PER_SCROLL: u64 = 20;

const VIEWERS: u64 = 300;

pub struct Channel {
    pub stage: Stage,
    sessions_per_nick: usize,
    by_nick: HashMap<String, MemberId>,
    /// By the member's number.
    members: Vec<Member>,
    present: usize,
    pub peak_present: usize,
    pub peak_sessions: usize,
    pub events: u64,
    scrolled: u64,
}

/// A nick that was seen. It is present while it has sessions.
#[derive(Default)]
struct Member {
    nick: String,
    sessions: Vec<SessionId>,
}

/// Kinds of events, as classes.
#[derive(Clone, Copy)]
enum Kind {
    Message,
    Emote,
    Join,
    Leave,
    Rename,
    Mode,
}

impl Channel {
    pub fn new(mut stage: Stage, sessions_per_nick: usize) -> Result<Self, Difference> {
        for viewer in 0..VIEWERS {
            // A third look at the top alone; the others scroll.
            stage.set_windows(ViewerId(viewer), &[Window::new(0, 99)])?;
        }
        Ok(Channel {
            stage,
            sessions_per_nick,
            by_nick: HashMap::new(),
            members: Vec::new(),
            present: 0,
            peak_present: 0,
            peak_sessions: 0,
            events: 0,
            scrolled: 0,
        })
    }

    pub fn members(&self) -> usize {
        self.by_nick.len()
    }

    /// Does what a line says.
    pub fn apply(&mut self, line: &Line<'_>) -> Result<(), Difference> {
        match line {
            Line::Message { nick, text } => self.say(nick, Kind::Message, text),
            Line::Emote { nick, text } => self.say(nick, Kind::Emote, text),
            Line::Join { nick } => self.join(nick),
            Line::Leave { nick } => {
                let member = self.present(nick)?;
                self.leave(member)
            }
            Line::Rename { from, to } => self.rename(from, to),
            Line::Mode { changes } => changes.iter().try_for_each(|change| self.mode(change)),
            Line::NotParsed(_) => Ok(()),
        }
    }

    fn say(&mut self, nick: &str, kind: Kind, text: &str) -> Result<(), Difference> {
        self.present(nick)?;
        self.publish(&[CHANNEL], kind, text)
    }

    /// The member of this nick, who joins first if absent: many joins are not in the logs.
    fn present(&mut self, nick: &str) -> Result<MemberId, Difference> {
        match self.by_nick.get(nick) {
            Some(&member) if self.is_present(member) => Ok(member),
            _ => {
                self.join(nick)?;
                Ok(self.by_nick[nick])
            }
        }
    }

    fn is_present(&self, member: MemberId) -> bool {
        !self.members[member.0 as usize].sessions.is_empty()
    }

    fn join(&mut self, nick: &str) -> Result<(), Difference> {
        let member = match self.by_nick.get(nick) {
            Some(&member) if self.is_present(member) => {
                // Its leaving is not in the logs.
                self.end_sessions(member)?;
                member
            }
            Some(&member) => member,
            None => self.add_member(nick),
        };
        self.stage.upsert(member, ONLINE, &lower_cased(nick))?;
        for _ in 0..self.sessions_per_nick {
            let session = self.stage.connect()?;
            self.members[member.0 as usize].sessions.push(session);
            self.stage.subscribe(session, CHANNEL)?;
        }
        self.present += 1;
        self.peak_present = self.peak_present.max(self.present);
        self.peak_sessions = self.peak_sessions.max(self.stage.connected());
        self.publish(&[CHANNEL], Kind::Join, nick)
    }

    fn add_member(&mut self, nick: &str) -> MemberId {
        let member = MemberId(self.members.len() as u64);
        self.members.push(Member { nick: nick.to_owned(), sessions: Vec::new() });
        self.by_nick.insert(nick.to_owned(), member);
        member
    }

    fn end_sessions(&mut self, member: MemberId) -> Result<(), Difference> {
        self.present -= 1;
        for session in std::mem::take(&mut self.members[member.0 as usize].sessions) {
            self.stage.disconnect(session)?;
        }
        Ok(())
    }

    fn leave(&mut self, member: MemberId) -> Result<(), Difference> {
        self.end_sessions(member)?;
        self.stage.regroup(member, OFFLINE)?;
        let nick = self.members[member.0 as usize].nick.clone();
        self.publish(&[CHANNEL], Kind::Leave, &nick)
    }

    /// The member keeps its sessions and its place among the operators. Whoever holds the new nick leaves first, and is
    /// no member any more: a nick names one member.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), Difference> {
        let member = self.present(from)?;
        if from != to {
            if let Some(&holder) = self.by_nick.get(to) {
                if self.is_present(holder) {
                    self.leave(holder)?;
                }
                self.stage.remove(holder)?;
            }
            self.by_nick.remove(from);
            self.by_nick.insert(to.to_owned(), member);
            to.clone_into(&mut self.members[member.0 as usize].nick);
            let group = self.stage.list().group_of(member).expect("a member that is present is in the list");
            self.stage.upsert(member, group, &lower_cased(to))?;
        }
        self.publish(&[CHANNEL], Kind::Rename, to)
    }

    fn mode(&mut self, change: &ModeChange<'_>) -> Result<(), Difference> {
        let ModeChange { sign, mode: 'o', argument: Some(nick) } = change else {
            return self.publish(&[CHANNEL], Kind::Mode, &change.mode.to_string());
        };
        let (member, group) = match sign {
            Sign::Set => (self.present(nick)?, OPERATORS),
            // Who is absent is no operator, and need not be told.
            Sign::Unset => match self.by_nick.get(nick.as_ref()) {
                Some(&member) if self.is_present(member) => (member, ONLINE),
                _ => return Ok(()),
            },
        };
        self.stage.regroup(member, group)?;
        for session in self.members[member.0 as usize].sessions.clone() {
            match sign {
                Sign::Set => self.stage.subscribe(session, OPERATORS_ONLY)?,
                Sign::Unset => self.stage.unsubscribe(session, OPERATORS_ONLY)?,
            }
        }
        // Operators are in both audiences, and get it once.
        self.publish(&[CHANNEL, OPERATORS_ONLY], Kind::Mode, nick)
    }

    fn publish(&mut self, topics: &[Topic], kind: Kind, payload: &str) -> Result<(), Difference> {
        let class = Class::new(kind as u8).expect("there are six kinds");
        let event = Event::new(ORDER, payload.as_bytes()).class(class);
        self.stage.publish(topics, event)?;
        self.events += 1;
        if self.events.is_multiple_of(EVENTS_PER_SCROLL) {
            self.scroll()?;
        }
        if self.events.is_multiple_of(EVENTS_PER_DRAIN) {
            self.stage.drain(self.events.is_multiple_of(EVENTS_PER_SLOW_DRAIN))?;
            self.stage.flush()?;
        }
        Ok(())
    }

    /// The next viewer that is not content with the top moves its second window.
    fn scroll(&mut self) -> Result<(), Difference> {
        let viewer = VIEWERS / 3 + self.scrolled % (VIEWERS - VIEWERS / 3);
        // Windows start at multiples of a hundred, as clients ask for them, so some viewers have the same.
        let screens = self.stage.list().row_count().div_ceil(100).max(1) as u64;
        let first = (self.scrolled * 7 % screens * 100) as usize;
        self.scrolled += 1;
        self.stage.set_windows(ViewerId(viewer), &[Window::new(0, 99), Window::new(first, first + 99)])
    }

    /// A log ends: nobody is known to be present after it.
    pub fn end_of_file(&mut self) -> Result<(), Difference> {
        self.stage.settle()?;
        self.stage.drop_partitions()?;
        let present = self.members.iter_mut().enumerate().filter(|(_, member)| !member.sessions.is_empty());
        let mut gone = Vec::with_capacity(self.present);
        for (id, member) in present {
            member.sessions.clear();
            gone.push(MemberId(id as u64));
        }
        for member in gone {
            self.stage.regroup(member, OFFLINE)?;
        }
        self.present = 0;
        self.stage.flush()?;
        self.stage.audit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oyez::Row;

    /// A channel after these lines, with the model beside it.
    fn channel(lines: &[&str]) -> Channel {
        let stage = Stage::new(2, &[OPERATORS, ONLINE, OFFLINE], true);
        let mut channel = Channel::new(stage, 2).unwrap();
        for line in lines {
            channel.apply(&Line::parse(line)).unwrap();
        }
        channel.stage.audit().unwrap();
        channel
    }

    /// Groups and nicks, top to bottom.
    fn rows(channel: &Channel) -> Vec<String> {
        let name = |row| match row {
            Row::Header(group) => format!("[{}]", ["", "operators", "online", "offline"][group.0 as usize]),
            Row::Member(member) => channel.members[member.0 as usize].nick.clone(),
        };
        channel.stage.list().rows(0..usize::MAX).map(name).collect()
    }

    #[test]
    fn who_speaks_without_having_joined_joins_first() {
        let channel = channel(&["[09:14] <Bob> hi", "=== ada [x@y]  has joined #ubuntu", "=== bob waves"]);
        assert_eq!(rows(&channel), ["[online]", "ada", "Bob", "bob"]);
        assert_eq!((channel.events, channel.present, channel.stage.connected()), (5, 3, 6));
    }

    #[test]
    fn who_leaves_stays_in_the_list_offline() {
        let channel =
            channel(&["[09:14] <ada> hi", "=== ada [x@y]  has left #ubuntu []", "=== eve [x@y]  has left #ubuntu []"]);
        assert_eq!(rows(&channel), ["[offline]", "ada", "eve"]);
        assert_eq!((channel.events, channel.present, channel.peak_present), (5, 0, 1));
    }

    #[test]
    fn a_rename_keeps_the_member_and_its_rank_and_drives_out_the_holder() {
        let mode = "=== mode/#ubuntu [+o ada]  by ChanServ";
        let channel = channel(&["[09:14] <ada> hi", mode, "[09:15] <bob> hi", "=== ada is now known as bob"]);
        assert_eq!(rows(&channel), ["[operators]", "bob"]);
        assert_eq!((channel.members(), channel.present, channel.stage.connected()), (1, 1, 2));
    }

    #[test]
    fn operators_are_a_group_of_their_own_while_they_are_present() {
        let given = ["=== mode/#ubuntu [+oo ada bob]  by ChanServ", "=== mode/#ubuntu [-o bob]  by ada"];
        let mut channel = channel(&given);
        assert_eq!(rows(&channel), ["[operators]", "ada", "[online]", "bob"]);
        channel.end_of_file().unwrap();
        assert_eq!(rows(&channel), ["[offline]", "ada", "bob"]);
        assert_eq!((channel.present, channel.stage.connected()), (0, 0));
    }

    #[test]
    fn who_joins_twice_has_left_unseen() {
        let join = "=== ada [x@y]  has joined #ubuntu";
        let channel = channel(&[join, "[09:14] <ada> hi", join]);
        assert_eq!((channel.members(), channel.present, channel.stage.connected()), (1, 1, 2));
    }
}
