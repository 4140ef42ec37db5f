//! Topics: the sessions subscribed to each, in slot order.

use super::session::Slot;
use crate::sorted_set::SortedSet;

/// What sessions subscribe to: a guild, a channel, a thread. The number is the host's own; a topic exists while a
/// session is subscribed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(pub u64);

/// The subscribers of one topic. In slot order, so that an audience comes out grouped by partition.
pub(super) type Subscribers = SortedSet<Slot>;
