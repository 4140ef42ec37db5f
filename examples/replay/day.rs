//! A day of channel traffic made from a seed, for when there are no logs to replay.
//!
//! A [`Day`] yields the same [`Line`]s a log does, but never as text: it keeps a plan of some 120,000 events of a few
//! bytes each and lends the lines out one by one, so that a day fanned out to 3,000 people costs no more memory than
//! its names and its plan.
//!
//! The shapes are those that make live member lists and fan-out hard, each for a reason:
//!
//! - **Who speaks** follows Zipf's law over all people: a few talk all day, most say nothing. Outboxes of the quiet
//!   must cost nothing while those of everyone fill at the pace of the few.
//! - **A daily curve**, lowest at 05:00 and highest at 17:00, moves speech, arrivals and the number present.
//! - **Storms**: after the restart that opens the day, and three times later, hundreds join within two minutes, so
//!   that the list shifts under every reader at once.
//! - **A netsplit**: a third of those present leave back to back, and most come back minutes later.
//! - **Renames** to away-names and back (`nick_`, `nick|work`), which move a row without changing who is present.
//! - **Operators** given and taken (`+o`, `-o`), which move a row to the head of the list and back.
//!
//! All figures here are ours, chosen for a run of a useful size: over 300 million deliveries when every event goes to
//! everyone present. None was measured from a service. Only the lengths of the messages follow the public #ubuntu
//! logs (log-normal, median 37 bytes, mean about 60). One seed gives one day, on any one platform: the draws pass
//! through floating-point logarithms, which may differ elsewhere in the last bit.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::f64::consts::TAU;

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Poisson, Zipf};

use crate::line::{Line, ModeChange, Nick, Sign};

const PEOPLE: u32 = 18_000;
/// One person in nine has an away-name, which makes 20,000 nicks.
const AWAY_EVERY: u32 = 9;
/// The most active come first, are there from the start and seldom leave.
const REGULARS: u32 = 400;
/// The most active of all take turns as operators.
const OPERATORS: u32 = 12;

const MINUTES: u32 = 24 * 60;
const PEAK_MINUTE: u32 = 17 * 60;
/// The restart that opens the day: everyone who was there comes back within these minutes.
const OPENING_MINUTES: u32 = 4;
/// Each is the first of two minutes.
const STORM_MINUTES: [u32; 3] = [9 * 60, 13 * 60 + 30, 20 * 60];
const SPLIT_MINUTE: u32 = 15 * 60 + 20;
const SPLIT_LASTS: u32 = 3;
const SPLIT_RETURN_MINUTES: u32 = 5;

/// Means over the day, for each minute of it.
const SPOKEN_A_MINUTE: f64 = 46.0;
const RETURNS_A_MINUTE: f64 = 5.0;
const LEAVES_A_MINUTE: f64 = 14.6;
const RENAMES_A_MINUTE: f64 = 1.6;
const OPERATORS_A_MINUTE: f64 = 0.15;
const PRESENT: f64 = 2_900.0;

/// A day of traffic: the names in it and what happens, in order.
#[derive(Debug)]
pub struct Day {
    names: Vec<String>,
    plan: Vec<Event>,
}

impl Day {
    /// Makes the day of `seed`; some 50 ms in a release build.
    pub fn new(seed: u64) -> Self {
        Day { names: (0..PEOPLE).map(name).chain(away_names()).collect(), plan: Planner::new(seed).day() }
    }

    /// The day's lines, in order, as a log would give them.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = Line<'_>> {
        self.plan.iter().map(|event| self.line(*event))
    }

    fn line(&self, event: Event) -> Line<'_> {
        match event {
            Event::Message(name, words) => Line::Message { nick: self.nick(name), text: words.text() },
            Event::Emote(name, words) => Line::Emote { nick: self.nick(name), text: words.text() },
            Event::Join(name) => Line::Join { nick: self.nick(name) },
            Event::Leave(name) => Line::Leave { nick: self.nick(name) },
            Event::Rename(from, to) => Line::Rename { from: self.nick(from), to: self.nick(to) },
            Event::Operator(sign, name) => {
                Line::Mode { changes: vec![ModeChange { sign, mode: 'o', argument: Some(self.nick(name)) }] }
            }
        }
    }

    fn nick(&self, name: Name) -> Nick<'_> {
        Cow::Borrowed(&self.names[name.0 as usize])
    }
}

/// The index of a name: people's own names by activity, then the away-names.
#[derive(Debug, Clone, Copy)]
struct Name(u32);

/// A [`Line`] as planned.
#[derive(Debug, Clone, Copy)]
enum Event {
    Message(Name, Words),
    Emote(Name, Words),
    Join(Name),
    Leave(Name),
    Rename(Name, Name),
    Operator(Sign, Name),
}

/// A piece of [`TALK`].
#[derive(Debug, Clone, Copy)]
struct Words {
    start: u16,
    len: u16,
}

/// All that is ever said. Nobody reads it: a text must have a length and bytes, not a meaning.
const TALK: &str = "has anyone got the wireless card to work after the upgrade? mine shows up in lspci but not in \
    the list, and the forum thread says to load the module by hand, which did nothing. try it from a terminal and \
    paste what it says, not here please, there is a pastebin for that. ok done, it says that the firmware is missing. \
    then install the firmware package and reboot, that is all I did on my laptop and it has worked ever since. thanks, \
    that was it :) now for the sound...";

impl Words {
    fn text(self) -> &'static str {
        &TALK[usize::from(self.start)..][..usize::from(self.len)]
    }
}

const _: () = assert!(TALK.is_ascii(), "any piece of it must be text");

/// How much happens in a minute: 1 on average, 1.4 at the peak, 0.6 in the small hours.
fn pace(minute: u32) -> f64 {
    let from_peak = (f64::from(minute) - f64::from(PEAK_MINUTE)) / f64::from(MINUTES);
    1.0 + 0.4 * (TAU * from_peak).cos()
}

/// The share of the day's newcomers that come in `minute`, in average minutes' worth.
fn newcomers(minute: u32) -> f64 {
    let in_storm = STORM_MINUTES.iter().any(|&first| (first..first + 2).contains(&minute));
    match minute {
        0..OPENING_MINUTES => 70.0,
        _ if in_storm => 25.0,
        _ => pace(minute),
    }
}

/// How many people have come for the first time by the end of each minute; the last is everyone.
fn newcomers_by_minute() -> impl Iterator<Item = u32> {
    let all: f64 = (0..MINUTES).map(newcomers).sum();
    (0..MINUTES).scan(0.0, move |so_far, minute| {
        *so_far += newcomers(minute);
        Some((f64::from(PEOPLE) * *so_far / all).round() as u32)
    })
}

/// What is to happen within a minute; who it happens to is drawn when its turn comes.
#[derive(Debug, Clone, Copy)]
enum Step {
    Arrive,
    Return,
    Rejoin,
    Leave,
    Speak,
    Rename,
    Operate,
}

/// Lives through the day, minute by minute, and writes down what happens.
struct Planner {
    rng: ChaCha8Rng,
    plan: Vec<Event>,
    /// Who has not come yet; the next to come is last.
    expected: Vec<u32>,
    present: Crowd,
    /// Who was there and left.
    gone: Crowd,
    /// Who the netsplit took and will give back.
    split_off: Vec<u32>,
    away: BTreeSet<u32>,
    operators: BTreeSet<u32>,
    speaker: Zipf<f64>,
    length: LogNormal<f64>,
}

impl Planner {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut expected: Vec<u32> = (0..PEOPLE).rev().collect();
        expected[..(PEOPLE - REGULARS) as usize].shuffle(&mut rng);
        Planner {
            rng,
            plan: Vec::new(),
            expected,
            present: Crowd::new(),
            gone: Crowd::new(),
            split_off: Vec::new(),
            away: BTreeSet::new(),
            operators: BTreeSet::new(),
            speaker: Zipf::new(f64::from(PEOPLE), 1.0).expect("an exponent of 1 is lawful"),
            length: LogNormal::new(3.62, 1.06).expect("a finite deviation is lawful"),
        }
    }

    fn day(mut self) -> Vec<Event> {
        let mut came = 0;
        for (minute, come) in (0..).zip(newcomers_by_minute()) {
            if minute == SPLIT_MINUTE {
                self.split();
            }
            for step in self.steps(minute, come - came) {
                self.take(step);
            }
            came = come;
        }
        self.plan
    }

    /// A minute's steps, mixed.
    fn steps(&mut self, minute: u32, arrivals: u32) -> Vec<Step> {
        let pace = pace(minute);
        let surplus = self.present.people.len() as f64 - PRESENT * (1.0 + pace) / 2.0;
        let counts = [
            (Step::Arrive, arrivals as usize),
            (Step::Rejoin, self.rejoins(minute)),
            (Step::Return, self.about(RETURNS_A_MINUTE * pace)),
            // The surplus drains over some twenty minutes, so that storms are seen and then pass.
            (Step::Leave, self.about(LEAVES_A_MINUTE * pace + surplus / 20.0)),
            (Step::Speak, self.about(SPOKEN_A_MINUTE * pace)),
            (Step::Rename, self.about(RENAMES_A_MINUTE * pace)),
            (Step::Operate, self.about(OPERATORS_A_MINUTE)),
        ];
        let mut steps: Vec<Step> =
            counts.into_iter().flat_map(|(step, count)| std::iter::repeat_n(step, count)).collect();
        steps.shuffle(&mut self.rng);
        steps
    }

    fn about(&mut self, mean: f64) -> usize {
        Poisson::new(mean).map_or(0, |count| count.sample(&mut self.rng) as usize)
    }

    /// Those split off come back in equal parts.
    fn rejoins(&self, minute: u32) -> usize {
        let first = SPLIT_MINUTE + SPLIT_LASTS;
        let minutes_left = (first + SPLIT_RETURN_MINUTES).saturating_sub(minute);
        match minute {
            _ if minute < first || minutes_left == 0 => 0,
            _ => self.split_off.len().div_ceil(minutes_left as usize),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Arrive => self.arrive(),
            Step::Return => self.come_back(),
            Step::Rejoin => self.rejoin(),
            Step::Leave => self.let_leave(),
            Step::Speak => self.speak(),
            Step::Rename => self.rename_someone(),
            Step::Operate => self.operate(),
        }
    }

    /// For the first time. Who has an away-name comes under it, as a client does that finds its own nick still taken,
    /// and renames at once: so every name is seen.
    fn arrive(&mut self) {
        let Some(person) = self.expected.pop() else {
            return;
        };
        if away_name(person).is_some() {
            self.away.insert(person);
        }
        self.join(person);
        if self.away.contains(&person) {
            self.rename(person);
        }
    }

    fn come_back(&mut self) {
        if let Some(person) = self.gone.any(&mut self.rng) {
            self.join(person);
        }
    }

    fn rejoin(&mut self) {
        let back = self.split_off.pop();
        // Some will have come back by themselves.
        if let Some(person) = back.filter(|&person| !self.present.has(person)) {
            self.join(person);
        }
    }

    fn let_leave(&mut self) {
        let Some(person) = self.present.any(&mut self.rng) else {
            return;
        };
        if person >= REGULARS || self.rng.random_ratio(1, 8) {
            self.leave(person);
        }
    }

    fn split(&mut self) {
        for person in self.present.people.clone() {
            if self.rng.random_ratio(1, 3) {
                self.leave(person);
                if self.rng.random_ratio(6, 7) {
                    self.split_off.push(person);
                }
            }
        }
    }

    fn join(&mut self, person: u32) {
        self.gone.remove(person);
        self.present.insert(person);
        self.plan.push(Event::Join(self.name_of(person)));
    }

    /// Whoever leaves is no operator any more, and comes back under their own name.
    fn leave(&mut self, person: u32) {
        self.plan.push(Event::Leave(self.name_of(person)));
        self.present.remove(person);
        self.gone.insert(person);
        self.away.remove(&person);
        self.operators.remove(&person);
    }

    fn speak(&mut self) {
        let Some(person) = self.draw_speaker() else {
            return;
        };
        let name = self.name_of(person);
        let words = self.words();
        self.plan.push(match self.rng.random_ratio(1, 100) {
            true => Event::Emote(name, words),
            false => Event::Message(name, words),
        });
    }

    /// Drawing again until someone present is met keeps Zipf's proportions among those present. In an almost empty
    /// channel that could take long, so then anyone will do.
    fn draw_speaker(&mut self) -> Option<u32> {
        for _ in 0..64 {
            let rank = self.speaker.sample(&mut self.rng) as u32;
            if self.present.has(rank - 1) {
                return Some(rank - 1);
            }
        }
        self.present.any(&mut self.rng)
    }

    fn words(&mut self) -> Words {
        let len = (self.length.sample(&mut self.rng) as usize).clamp(1, TALK.len());
        let start = self.rng.random_range(0..=TALK.len() - len);
        Words { start: start as u16, len: len as u16 }
    }

    /// One person in nine can, so the first one met rarely can and one of forty almost surely.
    fn rename_someone(&mut self) {
        for _ in 0..40 {
            match self.present.any(&mut self.rng) {
                Some(person) if away_name(person).is_some() => return self.rename(person),
                _ => {}
            }
        }
    }

    fn rename(&mut self, person: u32) {
        let from = self.name_of(person);
        if !self.away.remove(&person) {
            self.away.insert(person);
        }
        self.plan.push(Event::Rename(from, self.name_of(person)));
    }

    fn operate(&mut self) {
        let person = self.rng.random_range(0..OPERATORS);
        if !self.present.has(person) {
            return;
        }
        let sign = match self.operators.remove(&person) {
            true => Sign::Unset,
            false => Sign::Set,
        };
        if sign == Sign::Set {
            self.operators.insert(person);
        }
        self.plan.push(Event::Operator(sign, self.name_of(person)));
    }

    fn name_of(&self, person: u32) -> Name {
        let away = away_name(person).filter(|_| self.away.contains(&person));
        away.unwrap_or(Name(person))
    }
}

/// People one can draw from and look up, both in O(1).
struct Crowd {
    people: Vec<u32>,
    /// Where in `people` each person stands.
    place: Vec<Option<u32>>,
}

impl Crowd {
    fn new() -> Self {
        Crowd { people: Vec::new(), place: vec![None; PEOPLE as usize] }
    }

    fn has(&self, person: u32) -> bool {
        self.place[person as usize].is_some()
    }

    fn any(&self, rng: &mut ChaCha8Rng) -> Option<u32> {
        self.people.choose(rng).copied()
    }

    fn insert(&mut self, person: u32) {
        debug_assert!(!self.has(person));
        self.place[person as usize] = Some(self.people.len() as u32);
        self.people.push(person);
    }

    fn remove(&mut self, person: u32) {
        if let Some(place) = self.place[person as usize].take() {
            self.people.swap_remove(place as usize);
            if let Some(&moved) = self.people.get(place as usize) {
                self.place[moved as usize] = Some(place);
            }
        }
    }
}

fn away_name(person: u32) -> Option<Name> {
    let has_one = person.is_multiple_of(AWAY_EVERY);
    has_one.then_some(Name(PEOPLE + person / AWAY_EVERY))
}

/// In the order of [`away_name`].
fn away_names() -> impl Iterator<Item = String> {
    const FORMS: [&str; 4] = ["_away", "|work", "_", "|afk"];
    (0..PEOPLE).step_by(AWAY_EVERY as usize).zip(FORMS.iter().cycle()).map(|(person, form)| name(person) + form)
}

/// Three syllables of two letters, which no two people share, dressed up as nicks are.
///
/// The stride shares no factor with the million there are, so that neighbours in activity are far apart in the list.
fn name(person: u32) -> String {
    const STRIDE: u64 = 394_867;
    let core = u64::from(person) * STRIDE % 1_000_000;
    let word = [core / 10_000, core / 100, core].map(syllable).concat();
    match person % 16 {
        0 => format!("{word}[{}]", person % 7),
        1 => format!("|{word}"),
        2 => format!("{word}`"),
        3 => format!("^{word}^"),
        4..=6 => format!("{word}{}", person % 100),
        7..=9 => word[..1].to_ascii_uppercase() + &word[1..],
        _ => word,
    }
}

/// The syllable of the last two digits.
fn syllable(digits: u64) -> String {
    const CONSONANTS: [char; 20] =
        ['b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'q', 'r', 's', 't', 'v', 'w', 'x', 'z'];
    const VOWELS: [char; 5] = ['a', 'e', 'i', 'o', 'u'];
    let digits = (digits % 100) as usize;
    [CONSONANTS[digits / 5], VOWELS[digits % 5]].iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// What a replay sees of a day: who is present, by the rule that whoever does something is there.
    #[derive(Default)]
    struct Seen<'a> {
        present: HashSet<Nick<'a>>,
        nicks: HashSet<Nick<'a>>,
        peak: usize,
        deliveries: u64,
        implied_joins: usize,
        doubled_joins: usize,
    }

    impl<'a> Seen<'a> {
        fn of(day: &'a Day) -> Self {
            let mut seen = Seen::default();
            for line in day.lines() {
                seen.see(line);
                seen.peak = seen.peak.max(seen.present.len());
                seen.deliveries += seen.present.len() as u64;
            }
            seen
        }

        fn see(&mut self, line: Line<'a>) {
            match line {
                Line::Join { nick } => self.doubled_joins += usize::from(!self.join(nick)),
                Line::Message { nick, .. } | Line::Emote { nick, .. } => self.be_there(nick),
                Line::Leave { nick } => self.leave(nick),
                Line::Rename { from, to } => {
                    self.leave(from);
                    self.join(to);
                }
                Line::Mode { changes } => {
                    changes.into_iter().filter_map(|change| change.argument).for_each(|nick| self.be_there(nick))
                }
                Line::NotParsed(why) => panic!("a planned line was not parsed: {why}"),
            }
        }

        fn join(&mut self, nick: Nick<'a>) -> bool {
            self.nicks.insert(nick.clone());
            self.present.insert(nick)
        }

        fn be_there(&mut self, nick: Nick<'a>) {
            self.implied_joins += usize::from(self.join(nick));
        }

        fn leave(&mut self, nick: Nick<'a>) {
            self.be_there(nick.clone());
            self.present.remove(&nick);
        }
    }

    /// A line as a log would write it.
    fn written(line: &Line<'_>) -> String {
        match line {
            Line::Message { nick, text } => format!("[00:00] <{nick}> {text}"),
            Line::Emote { nick, text } => format!("[00:00]  * {nick} {text}"),
            Line::Join { nick } => format!("=== {} [~a@b]  has joined #x", padded(nick)),
            Line::Leave { nick } => format!("=== {} [~a@b]  has left #x []", padded(nick)),
            Line::Rename { from, to } => format!("=== {from} is now known as {to}"),
            Line::Mode { changes } => {
                let change = &changes[0];
                let sign = if change.sign == Sign::Set { '+' } else { '-' };
                let nick = padded(change.argument.as_deref().unwrap_or_default());
                format!("=== mode/#x [{sign}o {nick}]  by ChanServ")
            }
            Line::NotParsed(why) => panic!("a planned line was not parsed: {why}"),
        }
    }

    fn padded(nick: &str) -> String {
        nick.replace(']', "] ")
    }

    #[test]
    fn a_day_has_the_size_it_promises() {
        for seed in [0, 1, 2026] {
            let day = Day::new(seed);
            let seen = Seen::of(&day);
            assert!(seen.peak >= 3_000, "{}", seen.peak);
            assert!((300_000_000..450_000_000).contains(&seen.deliveries), "{}", seen.deliveries);
            assert_eq!(seen.nicks.len(), 20_000);
            assert_eq!((seen.implied_joins, seen.doubled_joins), (0, 0));
        }
    }

    #[test]
    fn one_seed_is_one_day() {
        let (day, again, other) = (Day::new(7), Day::new(7), Day::new(8));
        assert!(day.lines().eq(again.lines()));
        assert!(day.lines().ne(other.lines()));
    }

    #[test]
    fn a_planned_line_is_what_a_log_would_give() {
        for line in Day::new(3).lines() {
            assert_eq!(Line::parse(&written(&line)), line);
        }
    }

    #[test]
    fn every_shape_occurs() {
        let day = Day::new(5);
        let (mut emotes, mut renames, mut given, mut taken) = (0, 0, 0, 0);
        for line in day.lines() {
            match line {
                Line::Emote { .. } => emotes += 1,
                Line::Rename { .. } => renames += 1,
                Line::Mode { changes } if changes[0].sign == Sign::Set => given += 1,
                Line::Mode { .. } => taken += 1,
                _ => {}
            }
        }
        assert!(emotes > 300 && renames > 3_000 && given > 50 && taken > 20);
    }

    #[test]
    fn the_split_takes_a_third_at_once() {
        let day = Day::new(9);
        let mut run = 0;
        let longest = day
            .lines()
            .map(|line| {
                run = if matches!(line, Line::Leave { .. }) { run + 1 } else { 0 };
                run
            })
            .max();
        assert!(longest > Some(800), "{longest:?}");
    }

    #[test]
    fn few_say_most() {
        let day = Day::new(11);
        let mut said = vec![0_u32; PEOPLE as usize];
        for event in &day.plan {
            if let Event::Message(name, _) = event {
                said[name.0 as usize % PEOPLE as usize] += 1;
            }
        }
        said.sort_unstable_by(|a, b| b.cmp(a));
        let all: u32 = said.iter().sum();
        let by_a_hundred: u32 = said[..100].iter().sum();
        assert!(by_a_hundred * 5 > all * 2, "{by_a_hundred} of {all}");
    }
}
