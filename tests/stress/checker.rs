//! Checks a recorded history against what a fan-out promises. It knows nothing but the history.
//!
//! **What is certain.** A publish has its sequence, and a subscription the sequence that it follows: joins are exact. A
//! subscription's end, a disconnect and a dropped partition have no number; they lie somewhere between the last event
//! whose publish was over before they began, and the first whose publish began after they were over. So an event is
//! *surely* addressed to a session, or *maybe*, or not; what is required rests on the sure ones, what is forbidden on
//! those that are neither.
//!
//! `life.rs` gathers what concerns one session, `follow.rs` goes through what it was handed, `order.rs` compares their
//! orders, `rule.rs` has the rules.

use crate::follow::{Follow, Sums};
use crate::history::{Counts, Entry, Handed, History, Name, Published, Sequence, Session, Stamp, What};
use crate::life::{Act, Batch, Certainty, Clock, Discard, End, Life, NEVER, Seat, Stay, Until};
use crate::order::Order;
use crate::rule::{Rule, Seen, Violation};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

/// What is wrong with a history; nothing, if the library keeps its promises.
pub fn check(history: &History) -> (Vec<Violation>, Seen) {
    let mut seen = Seen::default();
    let violations = check_and_count(history, &mut seen);
    (violations, seen)
}

/// The same, adding to what was seen before.
pub fn check_and_count(history: &History, seen: &mut Seen) -> Vec<Violation> {
    let mut checker = Checker::new(history, std::mem::take(seen));
    checker.publishes();
    checker.lives();
    checker.audiences();
    let mut order = Order::default();
    let mut sums = Sums::default();
    for life in checker.lives.values() {
        let follow = Follow::new(&checker, life);
        follow.run(&mut sums, &mut order, &mut checker.violations.borrow_mut(), &mut checker.seen.borrow_mut());
    }
    order.check(&mut checker.violations.borrow_mut());
    checker.counts(&sums);
    *seen = checker.seen.into_inner();
    checker.violations.into_inner()
}

pub struct Checker<'a> {
    pub history: &'a History,
    /// By sequence, less one.
    events: Vec<(&'a Entry, &'a Published)>,
    by_topic: HashMap<u64, Vec<Sequence>>,
    clock: Clock,
    lives: BTreeMap<Session, Life<'a>>,
    violations: RefCell<Vec<Violation>>,
    seen: RefCell<Seen>,
}

impl<'a> Checker<'a> {
    fn new(history: &'a History, seen: Seen) -> Self {
        let mut checker = Checker {
            history,
            events: Vec::new(),
            by_topic: HashMap::new(),
            clock: Clock::default(),
            lives: BTreeMap::new(),
            violations: Default::default(),
            seen: RefCell::new(seen),
        };
        for entry in history.threads.iter().flatten() {
            if let What::Published(event) = &entry.what {
                checker.events.push((entry, event));
            }
        }
        checker.events.sort_by_key(|(_, event)| event.sequence);
        checker.clock = Clock::new(&checker.events);
        for (_, event) in &checker.events {
            for topic in &event.topics {
                checker.by_topic.entry(*topic).or_default().push(event.sequence);
            }
        }
        checker
    }

    fn fail(&self, rule: Rule, what: String) {
        self.violations.borrow_mut().push(Violation { rule, what });
    }

    /// The event that was published under this sequence.
    pub fn event(&self, sequence: Sequence) -> Option<(&'a Entry, &'a Published)> {
        let event = self.events.get(usize::try_from(sequence).ok()?.checked_sub(1)?)?;
        (event.1.sequence == sequence).then_some(*event)
    }

    /// The publishers' side alone.
    fn publishes(&mut self) {
        for (expected, (_, event)) in (1..).zip(&self.events) {
            if event.sequence != expected {
                self.fail(Rule::Sequences, format!("{:?} has sequence {}, not {expected}", event.name, event.sequence));
                break;
            }
        }
        for thread in &self.history.threads {
            let mut last: HashMap<u64, (u64, Sequence)> = HashMap::new();
            for entry in thread {
                let What::Published(event) = &entry.what else { continue };
                let Name { key, number } = event.name;
                let before = last.insert(key, (number, event.sequence));
                if before.is_some_and(|before| before.0 >= number || before.1 >= event.sequence) {
                    self.fail(
                        Rule::PublisherOrder,
                        format!("{:?} as {}, {before:?} before", event.name, event.sequence),
                    );
                }
            }
        }
        let seen = self.seen.get_mut();
        seen.events += self.events.len() as u64;
        seen.refused += self.events.iter().map(|(_, event)| event.refused_count as u64).sum::<u64>();
        seen.overflowed += self.events.iter().map(|(_, event)| event.overflowed.len() as u64).sum::<u64>();
    }

    /// Gathers what concerns each session.
    fn lives(&mut self) {
        let threads = &self.history.threads;
        let entries =
            || threads.iter().enumerate().flat_map(|(at, thread)| thread.iter().map(move |entry| (at, entry)));
        let mut lives = BTreeMap::new();
        for (_, entry) in entries() {
            let What::Connected { session, partition, window } = entry.what else { continue };
            let life = Life::new(session, partition, window, entry);
            if lives.insert(session, life).is_some() {
                self.fail(Rule::EndsOnce, format!("the handle {session:#x} was given twice"));
            }
        }
        // Whoever changes a session's subscription to a topic has it for himself: the order in which that begins is right.
        let mut in_order: Vec<_> = entries().collect();
        in_order.sort_by_key(|(_, entry)| entry.began);
        for (thread, entry) in in_order {
            let Some(session) = entry.what.session() else { continue };
            let Some(life) = lives.get_mut(&session) else {
                self.fail(Rule::BeforeConnected, format!("{session:#x} was never connected"));
                continue;
            };
            self.book(life, thread, entry);
        }
        for (thread, entry) in entries() {
            let What::Published(event) = &entry.what else { continue };
            for session in &event.overflowed {
                let Some(life) = lives.get_mut(session) else { continue };
                let until = Until { sure: event.sequence - 1, not: event.sequence };
                self.end(life, until, End { ended: entry.ended, thread: Some(thread), drain_began: None });
            }
        }
        for (session, _) in &self.history.end.live {
            if let Some(life) = lives.get_mut(session) {
                life.is_live = true;
            }
        }
        let is_drop = |entry: &&Entry| matches!(entry.what, What::PartitionDropped { .. });
        let drops: Vec<_> = entries().map(|(_, entry)| entry).filter(is_drop).collect();
        for life in lives.values_mut() {
            self.end_unseen(life, &drops);
            life.sort();
        }
        self.seen.get_mut().sessions += lives.len() as u64;
        self.lives = lives;
    }

    fn book(&self, life: &mut Life<'a>, thread: usize, entry: &'a Entry) {
        let act = |through| Act { began: entry.began, ended: entry.ended, thread, through };
        match &entry.what {
            What::Subscribed { topic, joined: Some(joined), .. } => {
                let when = self.clock.until(entry.began, entry.ended);
                let after = joined.after;
                if after < when.sure || after >= when.not {
                    self.fail(
                        Rule::JoinedAfter,
                        format!(
                            "{:#x} joined {topic} after {after}, which is not in {}..{}",
                            life.session, when.sure, when.not
                        ),
                    );
                }
                if joined.is_new == life.is_subscribed(*topic) {
                    let what = format!("{:#x} subscribed to {topic}, new: {}", life.session, joined.is_new);
                    self.fail(Rule::Membership, what);
                }
                if joined.is_new {
                    let (until, joined, leaves) = (NEVER, entry.ended, Stamp::MAX);
                    life.stays.push(Stay { topic: *topic, after, until, joined, leaves });
                }
            }
            What::Unsubscribed { topic, was_subscribed: Some(was_subscribed), discarded, .. } => {
                if *was_subscribed != life.is_subscribed(*topic) {
                    let what = format!("{:#x} left {topic}, was there: {was_subscribed}", life.session);
                    self.fail(Rule::Membership, what);
                }
                let until = self.clock.until(entry.began, entry.ended);
                let open = |stay: &&mut Stay| stay.topic == *topic && stay.until.is_never();
                life.stays.iter_mut().rev().find(open).into_iter().for_each(|stay| {
                    (stay.until, stay.leaves) = (until, entry.began);
                });
                let (count, began, ended) = (*discarded, entry.began, entry.ended);
                if count > 0 {
                    life.discards.push(Discard { topic: *topic, count, began, ended, until });
                }
            }
            // Who is there already stays.
            What::Moved { partition, ok: true, .. } if !life.is_in(*partition) => {
                let since = self.clock.until(entry.began, entry.ended);
                life.seats.push(Seat { partition: *partition, came: (entry.began, entry.ended), since });
            }
            What::Disconnected { ok: true, .. } => {
                let until = self.clock.until(entry.began, entry.ended);
                self.end(life, until, End { ended: entry.ended, thread: Some(thread), drain_began: None });
            }
            What::Overflowed { .. } => {
                let until = self.clock.until(entry.began, entry.ended);
                self.end(life, until, End { ended: entry.ended, thread: Some(thread), drain_began: Some(entry.began) });
                self.seen.borrow_mut().overflowed_in_drains += 1;
            }
            What::FoundEnded { .. } => life.found_ended = Some(act(0)),
            What::Parked { ok: true, .. } => life.parked.push(act(0)),
            What::Resumed { acknowledged, ok: true, .. } => {
                life.acknowledged.push(act(*acknowledged));
                life.resumed.push(act(*acknowledged));
                life.woken.push(act(0));
            }
            What::Acknowledged { through, count: Some(count), .. } => {
                life.acknowledged.push(act(*through));
                life.acknowledged_count += *count as u64;
            }
            What::Woken { ok: true, .. } => life.woken.push(act(0)),
            What::Handed(handed) => life.batches.push(Batch { entry, handed, thread }),
            _ => {}
        }
    }

    fn end(&self, life: &mut Life<'a>, until: Until, end: End) {
        if life.ended.replace(end).is_some() {
            self.fail(Rule::EndsOnce, format!("{:#x} ended twice", life.session));
        }
        life.until = until;
    }

    /// Who is not connected any more, and was not seen to end, ended with its partition, or when its outbox found it
    /// to.
    fn end_unseen(&self, life: &mut Life<'a>, drops: &[&'a Entry]) {
        let is_of_it = |entry: &&&Entry| {
            let What::PartitionDropped { partition } = entry.what else { return false };
            let may_be_there = life.may_be_in(entry.began, entry.ended).any(|seat| seat == partition);
            may_be_there && entry.ended > life.connected.0
        };
        let mut drops: Vec<_> = drops.iter().filter(is_of_it).collect();
        drops.sort_by_key(|entry| entry.began);
        let certain = drops.iter().position(|entry| {
            let is_sure = life.may_be_in(entry.began, entry.ended).count() == 1;
            is_sure && entry.began > life.connected.1
        });
        let found = life.found_ended.filter(|_| life.ended.is_none() && !life.is_live);
        if let Some(found) = found.filter(|found| certain.is_none_or(|at| drops[at].began > found.ended)) {
            let until = self.clock.until(found.began, found.ended);
            // A partition that was dropped at about the same time may have ended it before.
            let first = drops.first().map_or(until, |drop| self.clock.until(drop.began, drop.ended));
            let until = Until { sure: until.sure.min(first.sure), ..until };
            self.end(life, until, End { ended: found.ended, thread: Some(found.thread), drain_began: None });
            self.seen.borrow_mut().overflowed_in_outboxes += 1;
            return;
        }
        if life.is_live {
            if certain.is_some() || life.ended.is_some() || life.found_ended.is_some() {
                self.fail(Rule::EndsOnce, format!("{:#x} lives, and has ended", life.session));
            }
        } else if life.ended.is_none() {
            let last = certain.unwrap_or(drops.len().saturating_sub(1));
            match (drops.first(), drops.get(last)) {
                (Some(first), Some(last)) => {
                    let until = Until {
                        sure: self.clock.until(first.began, first.ended).sure,
                        not: self.clock.until(last.began, last.ended).not,
                    };
                    self.end(life, until, End { ended: last.ended, thread: None, drain_began: None });
                    self.seen.borrow_mut().dropped_with_partition += 1;
                }
                _ => self.fail(Rule::EndsOnce, format!("{:#x} is gone, and nobody ended it", life.session)),
            }
        }
    }

    /// Who is addressed by what, and whether the receipts say so.
    fn audiences(&mut self) {
        let mut sizes = vec![(0_usize, 0_usize); self.events.len() + 1];
        let mut lives = std::mem::take(&mut self.lives);
        for life in lives.values_mut() {
            self.address(life);
            for (sequence, certainty) in &life.addressed {
                // Sequences with holes are told elsewhere.
                let Some(size) = sizes.get_mut(*sequence as usize) else { continue };
                match certainty {
                    Certainty::Sure => size.0 += 1,
                    Certainty::Maybe => size.1 += 1,
                }
            }
            self.refuse(life);
            self.discard(life);
        }
        self.lives = lives;
        for (_, event) in &self.events {
            let Some((sure, maybe)) = sizes.get(event.sequence as usize) else { continue };
            let told = event.count + event.refused_count;
            if told < *sure || told > sure + maybe {
                let Published { name, sequence, count, refused_count, .. } = event;
                let what = format!(
                    "{name:?}, {sequence}: {count} and {refused_count} refused; it was for {sure}, maybe {maybe} more"
                );
                self.fail(Rule::ReceiptCount, what);
            }
            self.seen.borrow_mut().in_doubt += *maybe as u64;
        }
    }

    fn address(&self, life: &mut Life<'a>) {
        let mut addressed = Vec::new();
        for stay in &life.stays {
            let until = stay.until.or(life.until);
            let events = self.by_topic.get(&stay.topic).map_or(&[][..], Vec::as_slice);
            let from = events.partition_point(|sequence| *sequence <= stay.after);
            for &sequence in
                events[from..].iter().take_while(|sequence| **sequence < until.not || until.not == Sequence::MAX)
            {
                let certainty = if sequence <= until.sure { Certainty::Sure } else { Certainty::Maybe };
                addressed.push((sequence, certainty));
            }
        }
        addressed.sort_unstable();
        addressed.dedup_by_key(|(sequence, _)| *sequence);
        addressed
            .retain(|(sequence, _)| self.event(*sequence).is_some_and(|(_, event)| event.except != Some(life.session)));
        life.addressed = addressed;
    }

    /// What the partition of a session refused is not for it after all.
    fn refuse(&self, life: &mut Life<'a>) {
        let mut addressed = std::mem::take(&mut life.addressed);
        addressed.retain_mut(|(sequence, certainty)| {
            let Some((_, event)) = self.event(*sequence).filter(|(_, event)| !event.refused.is_empty()) else {
                return true;
            };
            if life.may_get_in(*sequence).all(|partition| event.refused.contains(&partition)) {
                life.refused.insert(*sequence);
                return false;
            }
            if life.may_get_in(*sequence).any(|partition| event.refused.contains(&partition)) {
                *certainty = Certainty::Maybe;
            }
            true
        });
        life.addressed = addressed;
    }

    /// What may have been discarded is handed over, or in a gap, only maybe.
    fn discard(&self, life: &mut Life<'a>) {
        let mut addressed = std::mem::take(&mut life.addressed);
        for discard in &life.discards {
            let Discard { topic, count, began, ended, until } = *discard;
            let had = life.taken_before(began);
            let mut candidates = 0;
            for (sequence, certainty) in addressed.iter_mut().take_while(|(sequence, _)| *sequence < until.not) {
                let Some((_, event)) = self.event(*sequence) else { continue };
                let is_wanted =
                    event.topics.iter().any(|&other| other != topic && life.was_subscribed(other, began, ended));
                if event.topics.contains(&topic) && !is_wanted && !had.contains(sequence) {
                    candidates += 1;
                    life.perhaps_discarded += u64::from(*certainty == Certainty::Sure);
                    *certainty = Certainty::Maybe;
                }
            }
            if count > candidates {
                let what = format!("{:#x} left {topic}, {count} of {candidates} events were discarded", life.session);
                self.fail(Rule::Discarded, what);
            }
            self.seen.borrow_mut().discarded += count as u64;
        }
        life.addressed = addressed;
        self.seen.borrow_mut().moves += life.seats.len() as u64 - 1;
    }

    /// Why an event is not for a session.
    pub fn why_not(&self, life: &Life<'a>, entry: &Entry, event: &Published) -> Rule {
        let of_its_topics = || life.stays.iter().filter(|stay| event.topics.contains(&stay.topic));
        if life.refused.contains(&event.sequence) {
            Rule::Refused
        } else if event.except == Some(life.session) {
            Rule::Excepted
        } else if entry.ended < life.connected.0 {
            Rule::BeforeConnected
        } else if of_its_topics().next().is_none() {
            Rule::NeverSubscribed
        } else if of_its_topics().all(|stay| event.sequence <= stay.after) {
            Rule::BeforeJoined
        } else {
            Rule::AfterLeft
        }
    }

    /// The counters against the history.
    fn counts(&self, sums: &Sums) {
        let end = &self.history.end;
        let events = self.events.iter().map(|(_, event)| event);
        let live = |field: fn(&Counts) -> u64| end.live.iter().map(|(_, counts)| field(counts)).sum::<u64>();
        let pairs = [
            ("published", end.published, self.events.len() as u64),
            ("accepted", end.total.accepted, events.clone().map(|event| event.count as u64).sum()),
            ("refused", end.refused, events.clone().map(|event| event.refused_count as u64).sum()),
            ("delivered", end.total.delivered, sums.delivered),
            ("abandoned", end.total.abandoned, sums.abandoned),
            ("gaps", end.gaps, sums.gaps),
            ("panics", end.panics, sums.panics),
        ];
        for (name, counted, expected) in pairs {
            if counted != expected {
                self.fail(Rule::Counts, format!("{name}: {counted} counted, {expected} in the history"));
            }
        }
        // What nobody reads may be pending still in the totals that its session is told it has lost.
        let (counted, expected) = (end.total.pending, live(|counts| counts.pending));
        if counted < expected {
            self.fail(Rule::Counts, format!("pending: {counted} counted, at least {expected} in the history"));
        }
        for (whose, counts) in end.live.iter().map(|(session, counts)| (*session, counts)).chain([(0, &end.total)]) {
            if !counts.balances() {
                self.fail(Rule::Counts, format!("{whose:#x} does not add up: {counts:?}"));
            }
        }
    }
}

impl What {
    /// The one session it is about, but for its beginning.
    fn session(&self) -> Option<Session> {
        match self {
            What::Subscribed { session, .. }
            | What::Unsubscribed { session, .. }
            | What::Moved { session, .. }
            | What::Overflowed { session }
            | What::FoundEnded { session }
            | What::Disconnected { session, .. }
            | What::Parked { session, .. }
            | What::Resumed { session, .. }
            | What::Acknowledged { session, .. }
            | What::Woken { session, .. }
            | What::Handed(Handed { session, .. }) => Some(*session),
            What::Connected { .. } | What::PartitionDropped { .. } | What::Published(_) => None,
        }
    }
}
