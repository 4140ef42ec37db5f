//! Rows, and what they are made of.

use crate::sorted_set::SortedSet;
use std::ops::Range;
use std::sync::Arc;

/// Someone in a list. The number is the host's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u64);

/// A part of a list with a header. The number is the host's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u64);

/// One row of a list. A header is the same row whatever its group's count: counts travel apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Row {
    /// The header of a group.
    Header(GroupId),
    /// A member.
    Member(MemberId),
}

/// A member's position in the order of its group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MemberKey {
    pub collation: Arc<[u8]>,
    pub member: MemberId,
}

/// Where a member is.
pub(super) struct Place {
    /// Index of the group, top to bottom.
    pub group: usize,
    pub collation: Arc<[u8]>,
}

impl Place {
    pub fn key(&self, member: MemberId) -> MemberKey {
        MemberKey { collation: Arc::clone(&self.collation), member }
    }
}

pub(super) struct Group {
    pub id: GroupId,
    pub members: SortedSet<MemberKey>,
}

impl Group {
    pub fn new(id: GroupId) -> Self {
        Group { id, members: SortedSet::new() }
    }

    /// Members and header; an empty group has none.
    pub fn row_count(&self) -> usize {
        match self.members.len() {
            0 => 0,
            members => members + 1,
        }
    }

    /// The rows of this range within the group, in which the header is row 0.
    pub fn rows(&self, rows: Range<usize>) -> impl Iterator<Item = Row> {
        let header = (rows.start == 0 && rows.end > 0).then_some(Row::Header(self.id));
        let ranks = rows.start.saturating_sub(1)..rows.end.saturating_sub(1);
        header.into_iter().chain(self.members.slice(ranks).map(|key| Row::Member(key.member)))
    }
}
