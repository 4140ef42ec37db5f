//! What became of what the host had in hand.

use super::{Ending, Partition, SinceOffered};
use crate::fanout::answer::{Answer, End};
use crate::fanout::batch::{Kind, Offer, Outcome, Round};
use crate::fanout::pass::PassRound;
use crate::fanout::roster::Standing;
use crate::registry::{NoSuchSession, Seat, for_each_bit};

impl Partition {
    /// Books what became of a round's offers, and puts back what was not taken.
    pub fn commit(&mut self, round: &Round) {
        for offer in &round.offers {
            if self.commit_one(offer) {
                continue;
            }
            self.totals.panics += u64::from(offer.outcome == Outcome::Panicked);
            let answer = Answer::of(offer, round, self.on_panic);
            if answer.kind == Kind::New {
                self.book_gone(&answer);
            }
            self.settle(offer, &answer, round);
        }
    }

    /// Books that the one event of a session was taken, if that is all there is to book.
    fn commit_one(&mut self, offer: &Offer) -> bool {
        if offer.picks.len() != 1 || !matches!(offer.outcome, Outcome::Took(1..)) {
            return false;
        }
        let Some(place) = self.roster.place_of(offer.seat) else { return false };
        let Standing::OneInHand(index) = self.roster.standing(place) else { return false };
        self.roster.make_plain(place);
        self.roster.add_delivered(place, 1);
        self.events.release(index);
        self.totals.owed -= 1;
        self.totals.accounting.pending -= 1;
        self.totals.accounting.delivered += 1;
        true
    }

    /// Books what became of offers straight from the log. Who did not take all has a queue from here on.
    pub fn commit_pass(&mut self, pass: &mut PassRound) {
        let delivered = if pass.others.is_empty() && self.since_offered == SinceOffered::Unchanged {
            // Everybody took everything: usually so, and much cheaper.
            pass.words.iter().for_each(|word| self.roster.add_delivered_word(word));
            pass.words.iter().map(|word| word.items() as u64).sum()
        } else {
            self.commit_each(pass)
        };
        self.totals.accounting.delivered += delivered;
        self.totals.accounting.pending -= delivered;
        self.in_hand = None;
    }

    /// The same, with a look at each; returns how many events went to sessions of which there is nothing else to say.
    fn commit_each(&mut self, pass: &mut PassRound) -> u64 {
        let PassRound { words, others, round, .. } = pass;
        let mut others = others.drain(..).peekable();
        let mut delivered = 0;
        for word in words.iter() {
            word.for_each(|seat, events| {
                let all = Outcome::Took(events.count_ones() as usize);
                let outcome = others.next_if(|(other, _)| *other == seat).map_or(all, |(_, outcome)| outcome);
                match self.roster.place_of(seat) {
                    Some(place) if outcome == all && self.roster.is_plain(place) => {
                        self.roster.add_delivered(place, events.count_ones().into());
                        delivered += u64::from(events.count_ones());
                    }
                    place => self.commit_other(seat, events, place, outcome, round),
                }
            });
        }
        delivered
    }

    /// Books what became of one offer straight from the log, as if it had been made from the session's queue.
    fn commit_other(&mut self, seat: Seat, events: u32, place: Option<usize>, outcome: Outcome, round: &mut Round) {
        self.totals.panics += u64::from(outcome == Outcome::Panicked);
        round.picks.clear();
        for_each_bit(events.into(), |pick| round.picks.push(pick as u32));
        let picks = 0..round.picks.len();
        let offer = Offer { seat, session: self.roster.handle_of(seat), picks, gaps: 0..0, kind: Kind::New, outcome };
        let answer = Answer::of(&offer, round, self.on_panic);
        self.book_gone(&answer);
        let Some(place) = place else {
            self.book_discarded(answer.kept.len() as u64, Ending::Disconnect);
            return;
        };
        self.queue(place);
        round.picks.iter().for_each(|pick| self.events.hold(round.index(*pick)));
        self.log.take_from_pass(events);
        self.settle(&offer, &answer, round);
    }

    fn book_gone(&mut self, answer: &Answer<'_>) {
        self.totals.gaps += answer.told.len() as u64;
        let count = answer.gone_count() as u64;
        let accounting = &mut self.totals.accounting;
        accounting.pending -= count;
        match answer.end {
            End::Delivered => accounting.delivered += count,
            End::Abandoned => accounting.abandoned += count,
        }
    }

    fn settle(&mut self, offer: &Offer, answer: &Answer<'_>, round: &Round) {
        let events_max = self.events_per_session_max;
        let settled =
            self.change(offer.seat, |queue, events, ready| queue.settle(answer, round, events_max, events, ready));
        match settled {
            Ok(dropped) => {
                self.totals.drop_pending(dropped);
                if answer.kind == Kind::New && answer.end == End::Delivered {
                    self.roster.add_delivered(offer.seat.place(self.layout), answer.gone_count() as u64);
                }
            }
            // The session ended while the host had the offer in hand. What comes again went with the queue.
            Err(NoSuchSession) if answer.kind == Kind::New => {
                let kept = answer.kept_events(round);
                answer.gone_events(round).chain(kept).for_each(|index| self.events.release(index));
                self.book_discarded(answer.kept_events(round).count() as u64, Ending::Disconnect);
            }
            Err(NoSuchSession) => {}
        }
    }
}
