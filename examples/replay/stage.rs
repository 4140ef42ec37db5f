//! Every call that the replay makes on oyez. With a check, the same call is made on the model, and the first difference
//! ends the replay.

use crate::check::{Check, Difference};
use hdrhistogram::Histogram;
use oyez::{
    Event, Fanout, FanoutOptions, Flush, GroupId, MemberId, MemberList, MemberListOptions, PartitionId, Query,
    SessionId, Took, Topic, ViewerId, Window, Worker,
};
use std::collections::HashMap;
use std::time::Instant;

/// Events that a session's queue holds.
const EVENTS_PER_SESSION: usize = 256;

/// How a session reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Whatever it is offered.
    Prompt,
    /// Only when it is woken.
    Slow,
    /// Never.
    Stuck,
}

/// One member's connected sessions and its row are kept by a service that embeds oyez like this.
pub struct Stage {
    fanout: Fanout,
    workers: Vec<Worker>,
    list: MemberList,
    sessions: HashMap<SessionId, Session>,
    connected_so_far: usize,
    check: Option<Check>,
    /// Bytes of payload that sessions have read.
    pub bytes_read: u64,
    /// Nanoseconds of each publish, and of each change of the list.
    pub publish_ns: Histogram<u64>,
    pub list_ns: Histogram<u64>,
}

struct Session {
    /// Its number in the order of connecting; the model's name for it.
    name: usize,
    pace: Pace,
}

impl Stage {
    pub fn new(partitions: u8, groups: &[GroupId], with_check: bool) -> Self {
        let options = FanoutOptions::default()
            .partitions(partitions.into())
            .events_per_session_max(EVENTS_PER_SESSION)
            .batch_max(EVENTS_PER_SESSION);
        let fanout = Fanout::new(options);
        let worker = |partition: u8| fanout.worker(PartitionId(partition.into())).expect("nobody else takes one");
        // From a nanosecond to ten seconds, to two digits.
        let histogram = || Histogram::new_with_bounds(1, 10_000_000_000, 2).expect("the bounds are in order");
        Stage {
            workers: (0..partitions).map(worker).collect(),
            fanout,
            list: MemberList::new(groups.iter().copied(), MemberListOptions::default()),
            sessions: HashMap::new(),
            connected_so_far: 0,
            check: with_check.then(|| Check::new(partitions, groups.len(), EVENTS_PER_SESSION)),
            bytes_read: 0,
            publish_ns: histogram(),
            list_ns: histogram(),
        }
    }

    pub fn fanout(&self) -> &Fanout {
        &self.fanout
    }

    pub fn list(&self) -> &MemberList {
        &self.list
    }

    pub fn connected(&self) -> usize {
        self.sessions.len()
    }

    /// Connects a session, to the partitions in turn: one in a hundred never reads, another one is slow.
    pub fn connect(&mut self) -> Result<SessionId, Difference> {
        let name = self.connected_so_far;
        self.connected_so_far += 1;
        let pace = match name % 100 {
            99 => Pace::Stuck,
            49 => Pace::Slow,
            _ => Pace::Prompt,
        };
        let partition = name % self.workers.len();
        let session = self.fanout.connect(PartitionId(partition as u16)).expect("a partition holds four million");
        self.sessions.insert(session, Session { name, pace });
        if let Some(check) = &mut self.check {
            check.connect(partition, name)?;
        }
        Ok(session)
    }

    pub fn disconnect(&mut self, session: SessionId) -> Result<(), Difference> {
        let topics = self.fanout.disconnect(session).expect("we connected it");
        let Session { name, .. } = self.sessions.remove(&session).expect("we connected it");
        match &mut self.check {
            Some(check) => check.disconnect(name, topics),
            None => Ok(()),
        }
    }

    /// Ends all sessions of all partitions.
    pub fn drop_partitions(&mut self) -> Result<(), Difference> {
        self.sessions.clear();
        for partition in 0..self.workers.len() {
            let ended = self.fanout.drop_partition(PartitionId(partition as u16)).expect("it exists");
            if let Some(check) = &mut self.check {
                check.drop_partition(partition, ended)?;
            }
        }
        Ok(())
    }

    pub fn subscribe(&mut self, session: SessionId, topic: Topic) -> Result<(), Difference> {
        let joined = self.fanout.subscribe(session, topic).expect("it is connected, with a topic or two");
        match &mut self.check {
            Some(check) => check.subscribe(self.sessions[&session].name, topic, joined),
            None => Ok(()),
        }
    }

    pub fn unsubscribe(&mut self, session: SessionId, topic: Topic) -> Result<(), Difference> {
        let unsubscribed = self.fanout.unsubscribe(session, topic).expect("it is connected");
        match &mut self.check {
            Some(check) => check.unsubscribe(self.sessions[&session].name, topic, unsubscribed),
            None => Ok(()),
        }
    }

    pub fn publish(&mut self, topics: &[Topic], event: Event) -> Result<(), Difference> {
        let query = Query::any_of(topics.iter().copied());
        let start = Instant::now();
        let receipt = self.fanout.publish(&query, event).expect("a line is shorter than a megabyte");
        self.publish_ns.saturating_record(nanoseconds(start));
        match &mut self.check {
            Some(check) => check.publish(topics, &receipt),
            None => Ok(()),
        }
    }

    /// Drains every partition. Slow sessions read only in a drain that wakes them.
    pub fn drain(&mut self, wakes_slow: bool) -> Result<(), Difference> {
        if wakes_slow {
            self.wake_slow()?;
        }
        for (partition, worker) in self.workers.iter_mut().enumerate() {
            let (sessions, bytes_read, check) = (&self.sessions, &mut self.bytes_read, &mut self.check);
            let drained = worker.drain(usize::MAX, |session, batch| {
                let Session { name, pace } = sessions[&session];
                let took = match pace {
                    Pace::Prompt => Took::ALL,
                    Pace::Slow if wakes_slow => Took::ALL,
                    Pace::Slow | Pace::Stuck => Took::NONE,
                };
                if took == Took::ALL {
                    for item in batch.iter() {
                        let oyez::Item::Event(_, event) = item else { continue };
                        *bytes_read += event.payload.len() as u64;
                    }
                }
                if let Some(check) = check {
                    check.record(name, batch, took);
                }
                took
            });
            drained.resume_panics();
            if let Some(check) = check {
                check.drain(partition)?;
            }
        }
        Ok(())
    }

    fn wake_slow(&mut self) -> Result<(), Difference> {
        let slow = self.sessions.iter().filter(|(_, session)| session.pace == Pace::Slow);
        // In the order of connecting, so that the model's sessions wake in the same order.
        let mut slow: Vec<_> = slow.map(|(session, Session { name, .. })| (*name, *session)).collect();
        slow.sort_unstable();
        for (name, session) in slow {
            self.fanout.writable(session).expect("it is connected");
            if let Some(check) = &mut self.check {
                check.writable(name)?;
            }
        }
        Ok(())
    }

    pub fn upsert(&mut self, member: MemberId, group: GroupId, collation: &[u8]) -> Result<(), Difference> {
        let start = Instant::now();
        let upserted = self.list.upsert(member, group, collation).expect("a nick is shorter than 64 KiB");
        self.list_ns.saturating_record(nanoseconds(start));
        match &mut self.check {
            Some(check) => check.upsert(member, group, collation, upserted),
            None => Ok(()),
        }
    }

    pub fn regroup(&mut self, member: MemberId, group: GroupId) -> Result<(), Difference> {
        let start = Instant::now();
        let upserted = self.list.regroup(member, group).expect("the member and the group are in the list");
        self.list_ns.saturating_record(nanoseconds(start));
        match &mut self.check {
            Some(check) => check.regroup(member, group, upserted),
            None => Ok(()),
        }
    }

    pub fn remove(&mut self, member: MemberId) -> Result<(), Difference> {
        let start = Instant::now();
        let row = self.list.remove(member);
        self.list_ns.saturating_record(nanoseconds(start));
        match &mut self.check {
            Some(check) => check.remove(member, row),
            None => Ok(()),
        }
    }

    pub fn set_windows(&mut self, viewer: ViewerId, windows: &[Window]) -> Result<(), Difference> {
        let view = self.list.set_windows(viewer, windows).expect("the windows are within the limits");
        match &mut self.check {
            Some(check) => check.set_windows(viewer, windows, view),
            None => Ok(()),
        }
    }

    pub fn flush(&mut self) -> Result<(), Difference> {
        let flush: Flush = self.list.flush();
        match &mut self.check {
            Some(check) => check.flush(flush),
            None => Ok(()),
        }
    }

    /// Compares the counters, and has both sides look at themselves.
    pub fn audit(&self) -> Result<(), Difference> {
        match &self.check {
            Some(check) => check.audit(&self.fanout, &self.list),
            None => Ok(()),
        }
    }
}

fn nanoseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
