//! The model beside the real thing: each call's outcome is compared with what the naive oracle says.

use crate::crew::HandedOver;
use oyez::{
    Fanout, FanoutOptions, Flush, GroupId, Joined, MemberId, MemberList, Receipt, Topic, Unsubscribed, Upserted, View,
    ViewerId, Window,
};
use oyez_driver::translate;
use oyez_model::{fanout, list};
use std::collections::BTreeSet;
use std::fmt::{self, Debug};

/// The model's number of a class whose events push out the oldest, as all do here.
const PUSHES_OUT_THE_OLDEST: u8 = 0;

pub struct Check {
    fanout: fanout::Model,
    list: list::Model,
    partitions: usize,
}

/// Oyez and the model do not agree.
#[derive(Debug)]
pub struct Difference {
    what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Check {
    pub fn new(partitions: u8, groups: usize, events_per_session: usize) -> Self {
        let limits = fanout::Limits {
            partitions,
            sessions_per_partition: usize::MAX,
            topics_per_session: usize::MAX,
            events_per_session,
            batch: events_per_session,
            round_sessions: 64,
            log_sessions: FanoutOptions::default().log_sessions_min,
            keep_on_panic: false,
            strangers_between: 0,
        };
        let list = list::Limits {
            groups: groups as u64,
            members: usize::MAX,
            collation: usize::MAX,
            viewers: usize::MAX,
            windows: 3,
            window_rows: 100,
        };
        Check { fanout: fanout::Model::new(limits), list: list::Model::new(list), partitions: partitions.into() }
    }

    pub fn connect(&mut self, partition: usize, name: usize) -> Result<(), Difference> {
        agree("connect", fanout::Seen::Connected(name), self.fanout.connect(partition as u8, 0))
    }

    pub fn disconnect(&mut self, name: usize, topics: usize) -> Result<(), Difference> {
        agree("disconnect", fanout::Seen::Ended(topics), self.fanout.disconnect(name))
    }

    pub fn drop_partition(&mut self, partition: usize, ended: usize) -> Result<(), Difference> {
        agree("drop_partition", fanout::Seen::Ended(ended), self.fanout.drop_partition(partition as u8))
    }

    pub fn subscribe(&mut self, name: usize, topic: Topic, joined: Joined) -> Result<(), Difference> {
        agree("subscribe", translate::joined(joined), self.fanout.subscribe(name, topic.0 as u8))
    }

    pub fn unsubscribe(&mut self, name: usize, topic: Topic, unsubscribed: Unsubscribed) -> Result<(), Difference> {
        let seen = fanout::Seen::Left(unsubscribed == Unsubscribed::Left);
        agree("unsubscribe", seen, self.fanout.unsubscribe(name, topic.0 as u8))
    }

    pub fn publish(&mut self, topics: &[Topic], receipt: &Receipt) -> Result<(), Difference> {
        let to = fanout::To { topics: topics.iter().map(|topic| topic.0 as u8).collect(), except: vec![] };
        let pressure = fanout::Pressure { refusing: translate::refusing(receipt), ..fanout::Pressure::default() };
        let seen = translate::published(receipt, |session| unreachable!("{session:?}: no class here disconnects"));
        agree("publish", seen, self.fanout.publish(&to, PUSHES_OUT_THE_OLDEST, &mut std::iter::once(pressure)))
    }

    /// A partition has drained: the model must have handed over the same to each session.
    pub fn drain(&mut self, partition: usize, handed: HandedOver) -> Result<(), Difference> {
        let (batches, answers): (Vec<_>, Vec<_>) = handed.batches.into_iter().unzip();
        let order: Vec<usize> = batches.iter().map(|batch: &fanout::Handed| batch.who).collect();
        // Nothing happens to the others while one has its batch in hand.
        let rounds = order.iter().map(|name| BTreeSet::from([*name])).collect();
        let schedule = fanout::Schedule { set_out: handed.set_out, rounds, handed: order };
        let mut answers = answers.into_iter();
        let expected = self.fanout.drain(partition as u8, usize::MAX, &schedule, |_, _, _| {
            let took = answers.next().map_or(0, |oyez::Took(taken)| taken);
            (fanout::Seen::Nothing, if took > 0 { fanout::Took::All } else { fanout::Took::Some(0) })
        });
        agree("drain", fanout::Seen::Drained { handed: batches, overflowed: BTreeSet::new() }, expected)
    }

    pub fn writable(&mut self, name: usize) -> Result<(), Difference> {
        agree("writable", fanout::Seen::Nothing, self.fanout.writable(name))
    }

    pub fn upsert(
        &mut self,
        member: MemberId,
        group: GroupId,
        collation: &[u8],
        upserted: Upserted,
    ) -> Result<(), Difference> {
        let seen = translate::upserted(upserted);
        agree("upsert", seen, self.list.upsert(member.0, group.0, collation.to_vec()))
    }

    pub fn regroup(&mut self, member: MemberId, group: GroupId, upserted: Upserted) -> Result<(), Difference> {
        let seen = translate::upserted(upserted);
        agree("regroup", seen, self.list.regroup(member.0, group.0))
    }

    pub fn remove(&mut self, member: MemberId, row: Option<usize>) -> Result<(), Difference> {
        agree("remove", list::Seen::Row(row), self.list.remove(member.0))
    }

    pub fn set_windows(&mut self, viewer: ViewerId, windows: &[Window], view: View) -> Result<(), Difference> {
        let windows = windows.iter().map(|window| (window.first, window.last)).collect();
        agree("set_windows", translate::view(view), self.list.set_windows(viewer.0, windows))
    }

    pub fn flush(&mut self, flush: Flush) -> Result<(), Difference> {
        agree("flush", translate::flush(flush), self.list.flush())
    }

    pub fn audit(&self, fanout: &Fanout, list: &MemberList) -> Result<(), Difference> {
        fanout.validate().map_err(|what| Difference { what })?;
        list.validate().map_err(|what| Difference { what })?;
        let stats = fanout.stats();
        let sizes = (stats.registry.sessions, stats.registry.topics, stats.registry.subscriptions);
        agree("the registry's sizes", sizes, self.fanout.sizes())?;
        for partition in 0..self.partitions {
            let ours = translate::accounting(stats.partitions[partition].accounting);
            agree("the accounting", ours, self.fanout.partition_accounting(partition))?;
        }
        let rows: Vec<list::Row> = list.rows(0..usize::MAX).map(translate::row).collect();
        agree("the rows of the list", rows, self.list.rows())
    }
}

fn agree<T: Debug + PartialEq>(call: &str, ours: T, expected: T) -> Result<(), Difference> {
    if ours == expected {
        return Ok(());
    }
    Err(Difference { what: format!("{call}: oyez says {}, the model {}", short(&ours), short(&expected)) })
}

/// The beginning of a value's debug form: a whole list would fill the screen.
fn short(value: &impl Debug) -> String {
    let mut text = format!("{value:?}");
    if let Some((end, _)) = text.char_indices().nth(300) {
        text.truncate(end);
        text.push('…');
    }
    text
}
