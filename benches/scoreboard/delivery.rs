//! Area `delivery`: publishing to sessions and handing the events over, against the ways it is done elsewhere.
//!
//! **Publisher and worker are one figure**: a contender publishes and drains, and both are timed, so that nobody wins
//! by deferring work. Only `publisher.*` is the publisher's alone, and `catch_up.*` begins when a session is writable.
//! One thread does everything, ours too.
//!
//! **Touch**: the host writes a line of 64 bytes of its own for each session and batch, as who has a connection to
//! write to must. The lines are out of the caches when the clock starts, and so is what the contenders keep.
//!
//! | figure | what it is |
//! |---|---|
//! | `touch.*` | one topic, so many events and then a drain, for each delivery ([`one_topic`]) |
//! | `own.*`, `broadcast.*` | the same without touch |
//! | `publisher.*` | a publish to a topic of a million by one to a topic of ten, a worker draining in between |
//! | `catch_up.*`, `lagging_cost.*` | what slow sessions cost, themselves and the others ([`slow`]) |
//! | `have_lagged_cost.*` | what those that were slow cost once they have caught up |
//! | `hostile.*` | small events, broadcasts, joins and slow sessions at once ([`hostile`]) |
//! | `resume.*` | every session breaks off and comes back ([`resume`]) |
//! | `idle_bytes.*` | what a session costs that gets nothing ([`idle`]) |
//!
//! The best peer of one topic walks its subscribers in the order in which they lie; `*.hashed` is against the same peer
//! with a set as it usually is (`peers/pointer_set.rs` has both). A topic of a million is a million lines to touch,
//! so the floor is in the table: no ratio can be more than the peer's figure by that.
//!
//! What was delivered is asserted for every session, in every round: the right number, and where events are looked
//! at, in order.

mod hostile;
mod hosts;
mod idle;
mod one_topic;
mod publisher;
mod resume;
mod slow;

use super::measure::Readings;
use crate::delivery_peers::pointer_set::{self, Hashed, InPlaceOrder};
use crate::{Effort, Figure};

const SEED: u64 = 0xDE11;
const M: u32 = 1_000_000;

/// Measures those figures that are `wanted`.
pub fn run(effort: Effort, wanted: &dyn Fn(&str) -> bool) -> Vec<Figure> {
    pointer_set::check_against_queues::<Hashed>();
    pointer_set::check_against_queues::<InPlaceOrder>();
    let rounds = match effort {
        Effort::Quick => 5,
        Effort::Full => 9,
    };
    let mut figures = Vec::new();
    // What is measured together is left out together.
    let mut add = |names: &[&str], measure: &dyn Fn() -> Vec<Figure>| {
        if names.iter().any(|name| wanted(name)) {
            figures.extend(measure());
        }
    };
    add(&["delivery.broadcast.1event.100k", "delivery.broadcast.8events.100k"], &|| one_topic::broadcast(rounds));
    add(
        &[
            "delivery.touch.1event.1m_of_1m",
            "delivery.touch.1event.1m_of_1m.hashed",
            "delivery.touch.8events.1m_of_1m",
            "delivery.touch.8events.1m_of_1m.hashed",
            "delivery.own.8events.1m_of_1m",
        ],
        &|| one_topic::all_of_1m(effort, rounds),
    );
    add(&["delivery.touch.1event.1m_of_4m", "delivery.touch.1event.1m_of_4m.hashed"], &|| {
        one_topic::quarter_of_4m(rounds)
    });
    add(&["delivery.publisher.1m_by_10", "delivery.publisher.10", "delivery.publisher.1m"], &|| publisher::run(rounds));
    add(&["delivery.lagging_cost.1m", "delivery.have_lagged_cost.1m"], &|| slow::lagging_cost(rounds));
    add(&["delivery.catch_up.200events"], &|| slow::catch_up(rounds));
    add(&["delivery.hostile.cpu.1m", "delivery.hostile.bytes_over.1m"], &|| hostile::run(effort, rounds));
    add(&["delivery.resume.100k_x20"], &|| resume::run("delivery.resume.100k_x20", M / 10, rounds));
    if effort == Effort::Full {
        add(&["delivery.resume.1m_x20"], &|| resume::run("delivery.resume.1m_x20", M, rounds));
    }
    add(&["delivery.idle_bytes.1m", "delivery.idle_bytes_used.1m"], &|| idle::run());
    figures.retain(|figure| wanted(&figure.name));
    figures
}

/// A figure from the readings of these contenders, ours first; who has none is left out.
fn figure(name: &str, readings: &Readings, what: &'static str, contenders: &[&'static str]) -> Figure {
    let spread = |&who| Some((who, readings.get(what, who)?));
    let contenders = contenders.iter().filter_map(spread).collect();
    Figure { name: name.to_owned(), contenders, floor: readings.get(what, FLOOR) }
}

/// The contender that is the machine itself.
const FLOOR: &str = "floor";
