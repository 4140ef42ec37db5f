//! Goes through what one session was handed, batch by batch.
//!
//! What comes again after a resume is what was taken on the connection before. There are two positions: `last`, up to
//! where the session ever got, and `reach`, up to where it got since it was last resumed.

use crate::checker::Checker;
use crate::history::{By, Handed, Item, Name, Sequence, Stamp};
use crate::life::{Act, Batch, Life};
use crate::order::Order;
use crate::rule::{Rule, Seen, Violation};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// What all sessions' histories add up to.
#[derive(Default)]
pub struct Sums {
    pub delivered: u64,
    pub abandoned: u64,
    pub gaps: u64,
    pub panics: u64,
}

/// How far one session has been followed.
pub struct Follow<'c, 'a> {
    checker: &'c Checker<'a>,
    life: &'c Life<'a>,
    /// Items that were taken for the first time, in order, and when they were in hand.
    taken: Vec<(Item, Stamp)>,
    /// Events that were taken, but for those that came again.
    names: Vec<Name>,
    abandoned: HashSet<Sequence>,
    last: Sequence,
    reach: Sequence,
    rewinds: usize,
    /// Resumes, in order of their beginning, that have not shown yet.
    is_shown: Vec<bool>,
    violations: Vec<Violation>,
}

impl<'c, 'a> Follow<'c, 'a> {
    pub fn new(checker: &'c Checker<'a>, life: &'c Life<'a>) -> Self {
        Follow {
            checker,
            life,
            taken: Vec::new(),
            names: Vec::new(),
            abandoned: HashSet::new(),
            last: 0,
            reach: 0,
            rewinds: 0,
            is_shown: vec![life.window.is_none(); life.resumed.len()],
            violations: Vec::new(),
        }
    }

    fn fail(&mut self, rule: Rule, what: impl fmt::Display) {
        let session = self.life.session;
        self.violations.push(Violation { rule, what: format!("{session:#x}: {what}") });
    }

    pub fn run(mut self, sums: &mut Sums, order: &mut Order, violations: &mut Vec<Violation>, seen: &mut Seen) {
        let mut left_over: Option<Batch<'_>> = None;
        for &batch in &self.life.batches {
            self.is_allowed(batch, left_over);
            if batch.handed.items.is_empty() {
                self.fail(Rule::EmptyBatch, format_args!("at {}", batch.entry.began));
                continue;
            }
            if let By::Worker(_) = batch.handed.by {
                let took_all = batch.handed.took == Some(batch.handed.items.len());
                left_over = (!took_all).then_some(batch);
                seen.put_back += u64::from(!took_all);
                sums.panics += u64::from(batch.handed.took.is_none());
                seen.panics += u64::from(batch.handed.took.is_none());
            } else {
                left_over = None;
                seen.outbox_batches += 1;
            }
            self.follow(batch, seen);
        }
        self.when_all_is_quiet();
        self.at_the_end();
        let gaps = self.taken.iter().filter(|(item, _)| matches!(item, Item::Gap { .. })).count() as u64;
        let events = self.taken.len() as u64 - gaps;
        let abandoned = self.abandoned.len() as u64;
        sums.delivered += events;
        sums.gaps += gaps;
        sums.abandoned += abandoned;
        seen.taken += events;
        seen.gaps += gaps;
        seen.abandoned += abandoned;
        self.keys_in_order();
        order.add(&self.names);
        violations.append(&mut self.violations);
    }

    /// Whether the session may be handed anything at this time.
    fn is_allowed(&mut self, batch: Batch<'_>, left_over: Option<Batch<'_>>) {
        let (began, drain_began) = (batch.entry.began, batch.handed.drain_began);
        if let Some(end) = self.life.ended
            && (end.ended < drain_began
                || end.drain_began == Some(drain_began)
                || (end.thread == Some(batch.thread) && end.ended < began))
        {
            self.fail(Rule::AfterEnd, format_args!("ended at {}, handed something at {began}", end.ended));
        }
        if self.life.was_parked(drain_began, began, Some(batch.thread)) {
            self.fail(Rule::WhileParked, format_args!("handed something at {began}"));
        }
        let ended = batch.entry.ended;
        if let By::Worker(partition) = batch.handed.by
            && self.life.may_be_in(began, ended).all(|seat| seat != partition)
        {
            self.fail(Rule::Elsewhere, format_args!("handed something in {partition} at {began}"));
        }
        if let Some(seat) = self.life.seats[1..].iter().find(|seat| seat.came.0 > began && seat.came.1 < ended) {
            self.fail(Rule::InHand, format_args!("came to {} with a batch in hand at {began}", seat.partition));
        }
        if let (Some(before), By::Worker(_)) = (left_over, batch.handed.by) {
            let is_between = |act: &Act| act.ended > before.handed.drain_began && act.began < began;
            if !self.life.woken.iter().any(is_between) {
                let what = format!("took part at {}, handed more at {began}", before.entry.began);
                self.fail(Rule::LeftAlone, what);
            }
        }
    }

    fn follow(&mut self, batch: Batch<'_>, seen: &mut Seen) {
        let Handed { items, took, .. } = batch.handed;
        self.rises_within(items);
        let again = items.iter().take_while(|item| item.first() <= self.last).count();
        let (again, new) = items.split_at(again);
        self.begins_rightly(batch, items[0].first());
        if let Some(last) = again.last() {
            seen.again += again.len() as u64;
            if last.last() > self.last {
                let what = format!("{last:?} was taken up to {} only", self.last);
                self.fail(Rule::Again, what);
            }
            self.comes_again(batch, again);
        }
        for item in new {
            self.is_for_it(*item);
        }
        let taken = took.unwrap_or(0);
        // Without a window nothing may come again, so there it counts for the order.
        let first_time = if self.life.window.is_some() { again.len().min(taken) } else { 0 };
        let events = items[first_time..taken.max(first_time)].iter();
        self.names
            .extend(events.filter_map(|item| if let Item::Event { name, .. } = item { Some(*name) } else { None }));
        if let Some(item) = items[..taken].last() {
            self.reach = item.last();
        } else {
            self.reach = self.reach.min(items[0].first() - 1);
        }
        let keeps = self.checker.history.keeps_on_panic;
        for (at, item) in (again.len()..).zip(new) {
            match (item, took) {
                (Item::Event { sequence, .. }, None) if !keeps => {
                    self.abandoned.insert(*sequence);
                }
                _ if at < taken => self.takes(*item, batch.entry.began),
                _ => {}
            }
        }
    }

    fn rises_within(&mut self, items: &[Item]) {
        let mut last = 0;
        for item in items {
            if item.first() <= last || item.first() > item.last() {
                self.fail(Rule::Rises, format_args!("{item:?} follows {last} in a batch"));
            }
            last = item.last();
        }
    }

    /// A batch goes on where the last one ended, or starts again after a resume.
    fn begins_rightly(&mut self, batch: Batch<'_>, first: Sequence) {
        let began = batch.entry.began;
        let acknowledged = self.life.maybe_acknowledged(began);
        let is_rewound = first <= self.reach;
        let from = if is_rewound { 0 } else { self.taken.partition_point(|(item, _)| item.last() <= self.reach) };
        let passed_over = self.taken[from..].iter().take_while(|(item, _)| item.last() < first);
        if let Some((item, _)) = passed_over.filter(|(item, _)| item.last() > acknowledged).last() {
            let what = format!("a batch begins with {first}, {item:?} is not acknowledged");
            self.fail(Rule::NotAgain, what);
        }
        if is_rewound {
            self.rewinds += 1;
            let resumes = self.life.resumed.iter().filter(|resume| resume.began < began).count();
            if self.life.window.is_none() || self.rewinds > resumes {
                let what = format!("{first} comes after {}, {resumes} resumes, {} rewinds", self.reach, self.rewinds);
                // Without a window nothing can come again.
                self.fail(if resumes == 0 || self.life.window.is_none() { Rule::Rises } else { Rule::Again }, what);
            }
        }
        let kept = self.taken.get(self.taken.partition_point(|(item, _)| item.last() <= acknowledged)).copied();
        // It may be for a resume that it begins there, even if what came before it was for another.
        let is_all_again = kept.is_none_or(|(item, _)| first <= item.first());
        for at in 0..self.life.resumed.len() {
            let resume = self.life.resumed[at];
            if self.is_shown[at] || resume.began > began {
                continue;
            }
            let must_show = resume.ended < batch.handed.drain_began;
            // What was in hand before it was resumed; a batch after that may have been made for the new connection.
            let kept = kept.filter(|(_, taken)| *taken < resume.began).map(|(item, _)| item);
            if let Some(kept) = kept.filter(|kept| must_show && !is_rewound && kept.first() < first) {
                let what = format!("resumed at {}, {kept:?} does not come again, but {first}", resume.began);
                self.fail(Rule::NotAgain, what);
            }
            self.is_shown[at] = is_rewound || is_all_again || must_show;
        }
    }

    /// What comes again is what was taken.
    fn comes_again(&mut self, batch: Batch<'_>, again: &[Item]) {
        let (first, last) = (again[0].first(), again[again.len() - 1].last());
        let from = self.taken.partition_point(|(item, _)| item.last() < first);
        let to = self.taken.partition_point(|(item, _)| item.first() <= last);
        let before = self.taken[from..to.max(from)].to_vec();
        let events = |item: &&Item| matches!(item, Item::Event { .. });
        let count = |items: &[Item], within: Item| -> u64 {
            let is_within = |item: &&Item| item.first() >= within.first() && item.last() <= within.last();
            items.iter().filter(is_within).map(|item| if let Item::Gap { count, .. } = item { *count } else { 0 }).sum()
        };
        let items: Vec<Item> = before.iter().map(|(item, _)| *item).collect();
        if !items.iter().filter(events).eq(again.iter().filter(events)) {
            self.fail(Rule::Again, format_args!("{} comes again as {}", short(&items), short(again)));
        }
        for gap in again.iter().filter(|item| !events(item)) {
            if count(&items, *gap) != count(&[*gap], *gap) {
                self.fail(Rule::Again, format_args!("{} comes again as {gap:?}", short(&items)));
            }
        }
        for (item, taken) in before {
            let is_event = matches!(item, Item::Event { .. });
            if is_event && self.life.was_acknowledged(item.last(), taken, batch.handed.drain_began) {
                self.fail(Rule::AcknowledgedAgain, format_args!("{item:?} comes again at {}", batch.entry.began));
            }
        }
    }

    /// Whether an item is what was published, and is for this session.
    fn is_for_it(&mut self, item: Item) {
        match item {
            Item::Event { sequence, name } => {
                let Some((entry, event)) = self.checker.event(sequence).filter(|(_, event)| event.name == name) else {
                    return self.fail(Rule::Payload, format_args!("{item:?} was not published"));
                };
                if !self.life.may_be_addressed(sequence) {
                    let rule = self.checker.why_not(self.life, entry, event);
                    self.fail(rule, format_args!("{item:?} is not for it"));
                }
                if self.abandoned.contains(&sequence) {
                    self.fail(Rule::AbandonedAgain, format_args!("{item:?} comes again"));
                }
            }
            Item::Gap { count, first, last } => {
                let (sure, maybe) = self.life.addressed_in(first, last);
                if count < sure || count > sure + maybe || count == 0 {
                    self.fail(Rule::GapCount, format_args!("{item:?} of {sure}, maybe {maybe} more"));
                }
                if !self.life.may_be_addressed(first) || !self.life.may_be_addressed(last) {
                    self.fail(Rule::GapEnds, format_args!("{item:?} ends with something that is not for it"));
                }
            }
        }
    }

    fn takes(&mut self, item: Item, stamp: Stamp) {
        if item.first() > self.last + 1 {
            let (lost, _) = self.life.addressed_in(self.last + 1, item.first() - 1);
            if lost > 0 {
                let what = format!("{lost} events between {} and {item:?}", self.last);
                self.fail(Rule::Lost, what);
            }
        }
        self.taken.push((item, stamp));
        self.last = self.last.max(item.last());
    }

    fn at_the_end(&mut self) {
        let taken = self.taken.iter().map(|(item, _)| item);
        let delivered = taken.clone().filter(|item| matches!(item, Item::Event { .. })).count() as u64;
        let missed: u64 = taken.map(|item| if let Item::Gap { count, .. } = item { *count } else { 0 }).sum();
        if self.life.acknowledged_count > delivered {
            let what = format!("{} acknowledged of {delivered}", self.life.acknowledged_count);
            self.fail(Rule::AcknowledgedTwice, what);
        }
        let live = &self.checker.history.end.live;
        let Some((_, counts)) = live.iter().find(|(session, _)| *session == self.life.session) else { return };
        let (sure, maybe) = self.life.addressed_in(0, Sequence::MAX);
        let is_accepted = (sure + self.life.perhaps_discarded..=sure + maybe).contains(&counts.accepted);
        let discarded: usize = self.life.discards.iter().map(|discard| discard.count).sum();
        if !is_accepted || counts.delivered != delivered || counts.discarded != discarded as u64 {
            let what = format!("{counts:?}: {delivered} delivered of {sure}, maybe {maybe} more");
            self.fail(Rule::Counts, what);
        }
        if self.life.may_be_parked(Stamp::MAX) {
            return;
        }
        let (left, _) = self.life.addressed_in(self.last + 1, Sequence::MAX);
        if left > 0 {
            let what = format!("{left} events after {}", self.last);
            self.fail(Rule::Lost, what);
        }
        if counts.pending > 0 {
            self.fail(Rule::Pending, format_args!("{counts:?}"));
        }
        if counts.dropped + counts.abandoned != missed {
            self.fail(Rule::Counts, format_args!("{counts:?}, and {missed} in gaps"));
        }
    }

    fn when_all_is_quiet(&mut self) {
        let quiet = &self.checker.history.end.quiet;
        let pending = quiet.pending.iter().find(|(session, _)| *session == self.life.session);
        let pending = pending.map_or(0, |(_, pending)| *pending);
        if pending == 0 || self.life.may_be_parked(quiet.began) || self.life.may_lag(quiet.began) {
            return;
        }
        let is_kept = |(item, taken): &&(Item, Stamp)| {
            matches!(item, Item::Event { .. }) && !self.life.was_acknowledged(item.last(), *taken, quiet.began)
        };
        if self.life.window.is_none_or(|window| self.taken.iter().filter(is_kept).count() < window) {
            self.fail(Rule::Woken, format_args!("{pending} events are pending, and nobody comes for them"));
        }
    }

    fn keys_in_order(&mut self) {
        let mut last: HashMap<u64, u64> = HashMap::new();
        for name in self.names.clone() {
            let before = last.insert(name.key, name.number);
            if before.is_some_and(|before| before >= name.number) {
                self.fail(Rule::KeyOrder, format_args!("{name:?} after {before:?}"));
            }
        }
    }
}

fn short(items: &[Item]) -> String {
    let mut text = format!("{items:?}");
    if text.len() > 600 {
        text.truncate(600);
        text.push('…');
    }
    text
}
