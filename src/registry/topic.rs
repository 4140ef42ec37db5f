//! What sessions subscribe to: [`Topic`].

/// What sessions subscribe to: a guild, a channel, a thread. The number is the host's own; a topic exists while a
/// session is subscribed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(pub u64);
