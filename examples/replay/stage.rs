//! Every call that the replay makes on oyez. With a check, the same call is made on the model, and the first difference
//! ends the replay.

use crate::check::{Check, Difference};
use crate::crew::{Counters, Crew, HandedOver, Pace, Pacing, histogram};
use hdrhistogram::Histogram;
use oyez::{
    Event, Fanout, FanoutOptions, Flush, GroupId, MemberId, MemberList, MemberListOptions, PartitionId, Query,
    SessionId, Topic, ViewerId, Window,
};
use std::collections::HashMap;
use std::time::Instant;

/// Events that a session's queue holds.
const EVENTS_PER_SESSION: usize = 256;

/// One member's connected sessions and its row are kept by a service that embeds oyez like this.
pub struct Stage {
    fanout: Fanout,
    crew: Crew,
    partitions: usize,
    list: MemberList,
    /// Those connected, by their numbers in the order of connecting; the model's names for them.
    names: HashMap<SessionId, usize>,
    connected_so_far: usize,
    check: Option<Check>,
    /// What publishes are dated from.
    epoch: Instant,
    /// What the partitions' threads have counted, once all is [finished](Self::finish).
    pub counters: Counters,
    /// By partition, the sessions that lagged when it was last dropped.
    pub lagging: Vec<usize>,
    /// Nanoseconds of each publish, and of each change of the list.
    pub publish_ns: Histogram<u64>,
    pub list_ns: Histogram<u64>,
}

impl Stage {
    pub fn new(partitions: u8, groups: &[GroupId], with_check: bool) -> Self {
        let options = FanoutOptions::default()
            .partitions(partitions.into())
            .events_per_session_max(EVENTS_PER_SESSION)
            .batch_max(EVENTS_PER_SESSION);
        let fanout = Fanout::new(options);
        let pacing = if with_check { Pacing::InStep } else { Pacing::Beside };
        let epoch = Instant::now();
        Stage {
            crew: Crew::new(&fanout, partitions, pacing, epoch),
            fanout,
            partitions: partitions.into(),
            list: MemberList::new(groups.iter().copied(), MemberListOptions::default()),
            names: HashMap::new(),
            connected_so_far: 0,
            check: with_check.then(|| Check::new(partitions, groups.len(), EVENTS_PER_SESSION)),
            epoch,
            counters: Counters::default(),
            lagging: Vec::new(),
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
        self.names.len()
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
        let partition = self.partition_of(name);
        let session = self.fanout.connect(PartitionId(partition as u16)).expect("a partition holds four million");
        self.crew.add(partition, session, name, pace);
        self.names.insert(session, name);
        if let Some(check) = &mut self.check {
            check.connect(partition, name)?;
        }
        Ok(session)
    }

    fn partition_of(&self, name: usize) -> usize {
        name % self.partitions
    }

    pub fn disconnect(&mut self, session: SessionId) -> Result<(), Difference> {
        let topics = self.fanout.disconnect(session).expect("we connected it");
        let name = self.names.remove(&session).expect("we connected it");
        self.crew.remove(self.partition_of(name), session);
        match &mut self.check {
            Some(check) => check.disconnect(name, topics),
            None => Ok(()),
        }
    }

    /// Ends all sessions of all partitions.
    pub fn drop_partitions(&mut self) -> Result<(), Difference> {
        let stats = self.fanout.stats();
        self.lagging = stats.partitions.iter().map(|partition| partition.lagging).collect();
        self.names.clear();
        self.crew.remove_all();
        for partition in 0..self.partitions {
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
            Some(check) => check.subscribe(self.names[&session], topic, joined),
            None => Ok(()),
        }
    }

    pub fn unsubscribe(&mut self, session: SessionId, topic: Topic) -> Result<(), Difference> {
        let unsubscribed = self.fanout.unsubscribe(session, topic).expect("it is connected");
        match &mut self.check {
            Some(check) => check.unsubscribe(self.names[&session], topic, unsubscribed),
            None => Ok(()),
        }
    }

    pub fn publish(&mut self, topics: &[Topic], event: Event) -> Result<(), Difference> {
        let query = Query::any_of(topics.iter().copied());
        let start = Instant::now();
        let event = event.metadata(u64::try_from((start - self.epoch).as_nanos()).unwrap_or(u64::MAX));
        let receipt = self.fanout.publish(&query, event).expect("a line is shorter than a megabyte");
        self.publish_ns.saturating_record(nanoseconds(start));
        match &mut self.check {
            Some(check) => check.publish(topics, &receipt),
            None => Ok(()),
        }
    }

    /// Lets the partitions drain; with a check, what they hand over is compared. Slow sessions read only when they are
    /// woken.
    pub fn drain(&mut self, wakes_slow: bool) -> Result<(), Difference> {
        if wakes_slow {
            self.wake_slow()?;
        }
        let handed = self.crew.drain();
        self.check_drains(handed)
    }

    /// Lets the partitions drain until nothing is left that a session would read.
    pub fn settle(&mut self) -> Result<(), Difference> {
        let handed = self.crew.settle();
        self.check_drains(handed)
    }

    fn check_drains(&mut self, turns: Vec<Vec<HandedOver>>) -> Result<(), Difference> {
        match &mut self.check {
            Some(check) => (0..).zip(turns).try_for_each(|(partition, turn)| {
                turn.into_iter().try_for_each(|handed| check.drain(partition, handed))
            }),
            None => Ok(()),
        }
    }

    fn wake_slow(&mut self) -> Result<(), Difference> {
        let names = self.crew.wake_slow();
        match &mut self.check {
            Some(check) => names.into_iter().try_for_each(|name| check.writable(name)),
            None => Ok(()),
        }
    }

    /// Ends the partitions' threads. Nothing can be published after it.
    pub fn finish(&mut self) {
        self.counters = self.crew.finish();
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
