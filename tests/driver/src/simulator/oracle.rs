//! The same commands for the model: [`Oracle`] drives a second fan-out beside the oracle, which compares after every
//! step, and sees that it shows what the first one did.

use super::Settings;
use crate::fanout::Run;
use oyez::testing::{Command, Handed, Outcome, Publish, Record, Refusal, Take, Who};
use oyez::{Class, Sequence, Subscribed, Topic, Unsubscribed};
use oyez_model::fanout::{self as model, Answer, Call, Gap, Item, Op, Seen, To, Took};

pub struct Oracle {
    run: Run,
    sessions: usize,
    last: u64,
}

impl Oracle {
    pub fn new(settings: &Settings) -> Self {
        Oracle { run: Run::new(settings.limits(), settings.bytes_per_partition), sessions: 0, last: 0 }
    }

    pub fn apply(&mut self, command: &Command, outcome: &Outcome) {
        let Some(op) = self.op(command, outcome) else {
            return;
        };
        let expected = self.seen(outcome);
        let seen = self.run.apply(&op);
        assert_eq!(seen, expected, "two fan-outs differ over {op:?}");
    }

    /// `None` for what the model does not know.
    fn op(&mut self, command: &Command, outcome: &Outcome) -> Option<Op> {
        Some(match *command {
            Command::Connect { partition, window, .. } => {
                Op::Connect { partition: partition.0 as u8, window: window as u8 }
            }
            Command::Disconnect(who) => Op::Disconnect { who: self.who(who)? },
            Command::DropPartition(partition) => Op::DropPartition { partition: partition.0 as u8 },
            Command::Subscribe(who, Topic(topic)) => Op::Subscribe { who: self.who(who)?, topic: topic as u8 },
            Command::Unsubscribe(who, Topic(topic)) => Op::Unsubscribe { who: self.who(who)?, topic: topic as u8 },
            Command::UnsubscribeDiscarding(who, Topic(topic)) => {
                Op::UnsubscribeDiscarding { who: self.who(who)?, topic: topic as u8 }
            }
            Command::Move(who, partition) => Op::Move { who: self.who(who)?, partition: partition.0 as u8 },
            Command::Publish(_) if *outcome == Outcome::Refused(Refusal::Closed) => return None,
            Command::Publish(Publish { class, bytes, ref to, ref except, .. }) => Op::Publish {
                to: To {
                    topics: to.iter().map(|topic| topic.0 as u8).collect(),
                    except: except.iter().filter_map(|&who| self.who(who)).collect(),
                },
                bytes: bytes as u8,
                class: Class::number(class),
            },
            Command::Drain { partition, sessions_max } => Op::Drain {
                partition: partition.0 as u8,
                sessions_max: sessions_max as u8,
                answers: match outcome {
                    // What they acknowledge is counted back from the last event as of then.
                    Outcome::Drained { handed, .. } => {
                        let last = self.last;
                        let answers = handed.iter().map(|handed| self.answer(handed)).collect();
                        self.last = last;
                        answers
                    }
                    _ => vec![],
                },
            },
            Command::Writable(who) => Op::Writable { who: self.who(who)? },
            Command::Acknowledge(who, through) => Op::Acknowledge { who: self.who(who)?, back: self.back(through) },
            Command::Park(who) => Op::Park { who: self.who(who)? },
            Command::Resume(who, acknowledged) => Op::Resume { who: self.who(who)?, back: self.back(acknowledged) },
            Command::OpenOutbox(who) => Op::OpenOutbox { who: self.who(who)? },
            Command::CloseOutbox(who) => Op::CloseOutbox { who: self.who(who)? },
            Command::NextBatch(who, events_max) => Op::NextBatch { who: self.who(who)?, events_max: events_max as u8 },
            Command::Ready(_) | Command::Close => return None,
            ref command => unreachable!("{command}"),
        })
    }

    /// The name of a session that there has been.
    fn who(&self, who: Who) -> Option<u8> {
        (who.0 < self.sessions).then(|| u8::try_from(who.0).expect("the model has names for 256 sessions"))
    }

    fn back(&self, through: Sequence) -> u8 {
        u8::try_from((self.last + 1).saturating_sub(through.0)).expect("the model looks back 255 events")
    }

    fn answer(&mut self, handed: &Handed) -> Answer {
        let call = handed.call.as_ref().map_or(Call::Nothing, |(command, outcome)| match *command {
            Command::Writable(_) => Call::Writable,
            Command::Acknowledge(_, through) => Call::Acknowledge { back: self.back(through) },
            Command::Park(who) => Call::Park { who: who.0 as u8 },
            Command::Resume(who, acknowledged) => Call::Resume { who: who.0 as u8, back: self.back(acknowledged) },
            Command::Disconnect(who) => Call::Disconnect { who: who.0 as u8 },
            Command::DropPartition(partition) => Call::DropPartition { partition: partition.0 as u8 },
            Command::Move(who, partition) => Call::Move { who: who.0 as u8, partition: partition.0 as u8 },
            Command::UnsubscribeDiscarding(who, Topic(topic)) => {
                Call::UnsubscribeDiscarding { who: who.0 as u8, topic: topic as u8 }
            }
            Command::Publish(_) if *outcome == Outcome::Refused(Refusal::Closed) => Call::Nothing,
            Command::Publish(ref publish) => {
                self.last += 1;
                Call::Publish { topic: publish.to[0].0 as u8, class: publish.class.number() }
            }
            ref command => unreachable!("{command}"),
        });
        let took = match handed.answer.take {
            Take::All => Took::All,
            Take::Some(items) => Took::Some(items as u8),
            Take::Panic => Took::Panic,
        };
        Answer { call, took }
    }

    /// What was seen, in the model's words; keeps count.
    fn seen(&mut self, outcome: &Outcome) -> Seen {
        match outcome {
            Outcome::Done => Seen::Nothing,
            Outcome::Connected(who) => {
                self.sessions += 1;
                Seen::Connected(who.0)
            }
            Outcome::Ended(count) => Seen::Ended(*count),
            Outcome::Joined(joined) => {
                Seen::Joined { new: joined.subscribed == Subscribed::New, after: joined.after.0 }
            }
            Outcome::Left(unsubscribed) => Seen::Left(*unsubscribed == Unsubscribed::Left),
            Outcome::Discarded(discarding) => {
                Seen::Discarded { left: discarding.unsubscribed == Unsubscribed::Left, discarded: discarding.discarded }
            }
            Outcome::Published { sequence, count, refused_count, overflowed, .. } => {
                self.last = sequence.0;
                Seen::Published {
                    sequence: sequence.0,
                    count: *count,
                    refused: *refused_count,
                    overflowed: overflowed.iter().map(|who| who.0).collect(),
                }
            }
            Outcome::Drained { handed, overflowed } => Seen::Drained {
                handed: handed.iter().map(|handed| self.handed(handed)).collect(),
                overflowed: overflowed.iter().map(|who| who.0).collect(),
            },
            Outcome::Acknowledged(count) => Seen::Acknowledged(*count),
            Outcome::Resumed(resumed) => Seen::Resumed { again: resumed.again, pending: resumed.pending },
            Outcome::Batch(items) => Seen::Batch(items.iter().map(item).collect()),
            Outcome::Refused(refusal) => match refusal {
                Refusal::NoSuchSession => Seen::NoSuchSession,
                Refusal::NoSuchPartition => Seen::NoSuchPartition,
                Refusal::PartitionFull => Seen::PartitionFull,
                Refusal::TooManyTopics => Seen::TooManyTopics,
                Refusal::NotHandedOver => Seen::NotHandedOver,
                Refusal::Busy => Seen::Busy,
                Refusal::OverBudget => Seen::OverBudget,
                // A host that closes an outbox that it has not got, or publishes too late, does nothing.
                Refusal::NoOutbox | Refusal::Closed => Seen::Nothing,
                refusal => unreachable!("{refusal}"),
            },
            outcome => unreachable!("{outcome}"),
        }
    }

    fn handed(&mut self, handed: &Handed) -> model::Handed {
        let seen = handed.call.as_ref().map_or(Seen::Nothing, |(_, outcome)| self.seen(outcome));
        model::Handed { who: handed.who.0, items: handed.items.iter().map(item).collect(), seen }
    }
}

fn item(record: &Record) -> Item {
    match record {
        Record::Gap(gap) => Item::Gap(Gap { count: gap.count, first: gap.first.0, last: gap.last.0 }),
        Record::Event(sequence, _) => Item::Event(sequence.0),
    }
}
