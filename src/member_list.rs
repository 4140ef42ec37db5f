//! What a client shows at the side of a channel: [`MemberList`].
//!
//! A single-owner value: changes in, rows and updates out, deterministic. `row.rs` and `window.rs` have the values,
//! `shift.rs` the account of which rows changes have moved, `view_group.rs` the viewers, `collation.rs` a helper for
//! sort keys.

pub mod collation;
mod row;
mod shift;
mod view_group;
mod window;

pub use row::{GroupId, MemberId, Row};
pub use view_group::{ListOp, Update, View, ViewerId};
pub use window::{Window, WindowError, WindowLimits};

use ahash::AHashMap;
use row::{Group, Place};
use shift::Shift;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use view_group::ViewGroups;

/// Members in groups, each group that is not empty with a header row; and the viewers who have parts of it on screen.
///
/// **Rows** are the headers and the members, top to bottom: for each non-empty group its header, then its members by
/// collation bytes, then by id. Indices of rows count headers; a rank within a group does not.
///
/// **Changes collect** until [`flush`](Self::flush) turns them into updates, one for each view group: the viewers with
/// the same windows. A host flushes after each change, or every 250 ms.
///
/// # Trade-offs
///
/// - A change costs O(log n) and O(groups), whoever is looking; a flush costs O(view groups), and O(rows) for each
///   window that changes may have touched.
/// - An update sends a changed window whole ([`ListOp::Sync`]), encoded once for a view group.
///
/// # Examples
///
/// ```
/// use oyez::{GroupId, ListOp, MemberId, MemberList, MemberListOptions, Row, ViewerId, Window};
///
/// const ONLINE: GroupId = GroupId(1);
/// const OFFLINE: GroupId = GroupId(2);
/// let mut list = MemberList::new([ONLINE, OFFLINE], MemberListOptions::default());
/// list.upsert(MemberId(10), ONLINE, b"ada").unwrap();
/// list.upsert(MemberId(11), OFFLINE, b"bob").unwrap();
///
/// let view = list.set_windows(ViewerId(1), &[Window::new(0, 99)]).unwrap();
/// let rows = vec![Row::Header(ONLINE), Row::Member(MemberId(10)), Row::Header(OFFLINE), Row::Member(MemberId(11))];
/// assert_eq!(view.ops, [ListOp::Sync { window: Window::new(0, 99), rows }]);
/// assert_eq!(view.counts.unwrap().rows, 4);
/// let _ = list.flush();
///
/// list.regroup(MemberId(11), ONLINE).unwrap();
/// let flush = list.flush();
/// assert_eq!(flush.counts.unwrap().groups, [(ONLINE, 2)]);
/// assert_eq!(flush.updates[0].viewers, [ViewerId(1)]);
/// ```
pub struct MemberList {
    options: MemberListOptions,
    /// Top to bottom, empty ones included.
    groups: Vec<Group>,
    members: AHashMap<MemberId, Place>,
    views: ViewGroups,
    /// Which rows have moved since the last flush.
    shift: Shift,
    flushed_counts: Counts,
    flushes: u64,
}

/// Limits of a [`MemberList`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MemberListOptions {
    /// Members the list may hold. Default 16,777,216.
    pub members_max: usize,
    /// Bytes of one member's collation key. Default 65,536.
    pub collation_bytes_max: usize,
    /// Viewers the list may have. Default 1,048,576.
    pub viewers_max: usize,
    /// Of a viewer's windows.
    pub windows: WindowLimits,
}

/// Members of each group, and rows of the whole list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// The groups that are not empty, top to bottom, with their numbers of members.
    pub groups: Vec<(GroupId, usize)>,
    /// Headers and members of the whole list.
    pub rows: usize,
}

/// What [`MemberList::flush`] has to tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "the viewers see nothing of the changes otherwise"]
#[non_exhaustive]
pub struct Flush {
    /// For each view group whose rows have changed.
    pub updates: Vec<Update>,
    /// The counts, when they are not those that every viewer has: for every viewer, after the ops.
    pub counts: Option<Counts>,
}

/// What [`MemberList::upsert`] or [`MemberList::regroup`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "tells where the member is"]
pub enum Upserted {
    /// The member is new, in this row.
    Inserted {
        /// Its row.
        row: usize,
    },
    /// The member had another group or collation key. The row may be the same all the same.
    Moved {
        /// Its row before.
        from: usize,
        /// Its row now.
        to: usize,
    },
    /// The member was there with the same group and collation key.
    Unchanged {
        /// Its row.
        row: usize,
    },
}

impl Upserted {
    /// The member's row now.
    pub fn row(self) -> usize {
        match self {
            Upserted::Inserted { row } | Upserted::Moved { to: row, .. } | Upserted::Unchanged { row } => row,
        }
    }
}

/// Why [`MemberList::upsert`] refused. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpsertError {
    /// The list was made without this group.
    NoSuchGroup(GroupId),
    /// The collation key is longer than it may be.
    CollationTooLong {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The list holds as many members as it may.
    ListFull {
        /// The limit.
        max: usize,
    },
}

/// Why [`MemberList::regroup`] refused. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegroupError {
    /// The member is not in the list.
    NoSuchMember(MemberId),
    /// The list was made without this group.
    NoSuchGroup(GroupId),
}

/// A snapshot of a list's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberListStats {
    /// Members in the list.
    pub members: usize,
    /// Headers and members.
    pub rows: usize,
    /// Viewers with windows.
    pub viewers: usize,
    /// View groups: distinct sets of windows.
    pub view_groups: usize,
    /// Flushes so far.
    pub flushes: u64,
    /// [`ListOp::Sync`]s so far, one for each view group that an update is for.
    pub syncs: u64,
    /// Rows in them.
    pub synced_rows: u64,
}

impl Default for MemberListOptions {
    fn default() -> Self {
        MemberListOptions {
            members_max: 1 << 24,
            collation_bytes_max: 64 << 10,
            viewers_max: 1 << 20,
            windows: WindowLimits::default(),
        }
    }
}

impl MemberListOptions {
    /// Sets how many members the list may hold.
    pub fn members_max(self, members_max: usize) -> Self {
        MemberListOptions { members_max, ..self }
    }

    /// Sets how long a collation key may be.
    pub fn collation_bytes_max(self, collation_bytes_max: usize) -> Self {
        MemberListOptions { collation_bytes_max, ..self }
    }

    /// Sets how many viewers the list may have.
    pub fn viewers_max(self, viewers_max: usize) -> Self {
        MemberListOptions { viewers_max, ..self }
    }

    /// Sets the limits of a viewer's windows.
    pub fn windows(self, windows: WindowLimits) -> Self {
        MemberListOptions { windows, ..self }
    }
}

impl MemberList {
    /// An empty list with these groups, top to bottom. O(groups).
    ///
    /// # Panics
    ///
    /// When a group is named twice.
    pub fn new(groups: impl IntoIterator<Item = GroupId>, options: MemberListOptions) -> Self {
        let groups: Vec<Group> = groups.into_iter().map(Group::new).collect();
        for (at, group) in groups.iter().enumerate() {
            let is_new = groups[..at].iter().all(|before| before.id != group.id);
            assert!(is_new, "{:?} is named twice", group.id);
        }
        MemberList {
            options,
            groups,
            members: AHashMap::new(),
            views: ViewGroups::default(),
            shift: Shift::default(),
            flushed_counts: Counts::default(),
            flushes: 0,
        }
    }

    /// Puts a member into a group with this collation key, or moves it there. O(log n + groups).
    ///
    /// # Errors
    ///
    /// When there is no such group, the key is too long, or the list is full.
    ///
    /// ```
    /// use oyez::{GroupId, MemberId, MemberList, MemberListOptions, Upserted};
    ///
    /// let mut list = MemberList::new([GroupId(1)], MemberListOptions::default());
    /// assert_eq!(list.upsert(MemberId(7), GroupId(1), b"bob"), Ok(Upserted::Inserted { row: 1 }));
    /// assert_eq!(list.upsert(MemberId(8), GroupId(1), b"ada"), Ok(Upserted::Inserted { row: 1 }));
    /// assert_eq!(list.upsert(MemberId(8), GroupId(1), b"eve"), Ok(Upserted::Moved { from: 1, to: 2 }));
    /// ```
    pub fn upsert(&mut self, member: MemberId, group: GroupId, collation: &[u8]) -> Result<Upserted, UpsertError> {
        let group = self.group_index(group).ok_or(UpsertError::NoSuchGroup(group))?;
        let max = self.options.collation_bytes_max;
        if collation.len() > max {
            return Err(UpsertError::CollationTooLong { len: collation.len(), max });
        }
        match self.members.get(&member) {
            Some(place) if place.group == group && *place.collation == *collation => {
                let row = self.row_at(place, member);
                Ok(Upserted::Unchanged { row })
            }
            Some(_) => Ok(self.place_anew(member, group, collation.into())),
            None if self.members.len() >= self.options.members_max => {
                Err(UpsertError::ListFull { max: self.options.members_max })
            }
            None => {
                let row = self.insert(member, Place { group, collation: collation.into() });
                Ok(Upserted::Inserted { row })
            }
        }
    }

    /// Moves a member to another group; it keeps its collation key. O(log n + groups).
    ///
    /// # Errors
    ///
    /// When there is no such member or no such group.
    pub fn regroup(&mut self, member: MemberId, group: GroupId) -> Result<Upserted, RegroupError> {
        let place = self.members.get(&member).ok_or(RegroupError::NoSuchMember(member))?;
        let group = self.group_index(group).ok_or(RegroupError::NoSuchGroup(group))?;
        if place.group == group {
            let row = self.row_at(place, member);
            return Ok(Upserted::Unchanged { row });
        }
        let collation = Arc::clone(&place.collation);
        Ok(self.place_anew(member, group, collation))
    }

    /// Takes a member out; returns the row it had. O(log n + groups).
    pub fn remove(&mut self, member: MemberId) -> Option<usize> {
        let place = self.members.remove(&member)?;
        let start = self.group_start(place.group);
        let group = &mut self.groups[place.group];
        let rank = group.members.remove(&place.key(member)).rank();
        let row = start + 1 + rank;
        self.shift.remove_row(row);
        if group.members.is_empty() {
            self.shift.remove_row(start);
        }
        Some(row)
    }

    fn place_anew(&mut self, member: MemberId, group: usize, collation: Arc<[u8]>) -> Upserted {
        let from = self.remove(member).expect("the member is there");
        let to = self.insert(member, Place { group, collation });
        Upserted::Moved { from, to }
    }

    fn insert(&mut self, member: MemberId, place: Place) -> usize {
        let start = self.group_start(place.group);
        let group = &mut self.groups[place.group];
        if group.members.is_empty() {
            self.shift.insert_row(start);
        }
        let row = start + 1 + group.members.insert(place.key(member)).rank();
        self.shift.insert_row(row);
        self.members.insert(member, place);
        row
    }

    fn group_index(&self, id: GroupId) -> Option<usize> {
        self.groups.iter().position(|group| group.id == id)
    }

    /// The row of a group's header, or where it would be.
    fn group_start(&self, group: usize) -> usize {
        self.groups[..group].iter().map(Group::row_count).sum()
    }

    fn row_at(&self, place: &Place, member: MemberId) -> usize {
        let rank = self.groups[place.group].members.rank(&place.key(member));
        self.group_start(place.group) + 1 + rank.expect("a member stands in its group")
    }

    /// The number of members. O(1).
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member. O(1).
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The number of rows: headers and members. O(groups).
    pub fn row_count(&self) -> usize {
        self.group_start(self.groups.len())
    }

    /// The row of a member. O(log n + groups).
    pub fn row_of(&self, member: MemberId) -> Option<usize> {
        self.members.get(&member).map(|place| self.row_at(place, member))
    }

    /// The row of a group's header; `None` when it is empty or unknown. O(groups).
    pub fn header_row(&self, group: GroupId) -> Option<usize> {
        let group = self.group_index(group)?;
        (!self.groups[group].members.is_empty()).then(|| self.group_start(group))
    }

    /// The group of a member. O(1).
    pub fn group_of(&self, member: MemberId) -> Option<GroupId> {
        self.members.get(&member).map(|place| self.groups[place.group].id)
    }

    /// These rows in order. What lies beyond the end is left out. O(log n + groups), then O(1) amortised a row.
    ///
    /// ```
    /// use oyez::{GroupId, MemberId, MemberList, MemberListOptions, Row};
    ///
    /// let mut list = MemberList::new([GroupId(1), GroupId(2)], MemberListOptions::default());
    /// list.upsert(MemberId(7), GroupId(2), b"bob").unwrap();
    /// assert!(list.rows(0..9).eq([Row::Header(GroupId(2)), Row::Member(MemberId(7))]));
    /// ```
    pub fn rows(&self, rows: Range<usize>) -> impl Iterator<Item = Row> {
        let mut start = 0;
        self.groups.iter().flat_map(move |group| {
            let end = start + group.row_count();
            let from = rows.start.clamp(start, end) - start;
            let to = rows.end.clamp(start, end) - start;
            start = end;
            group.rows(from..to)
        })
    }

    /// The row of this index, `None` from the row count on. O(log n + groups).
    pub fn row(&self, index: usize) -> Option<Row> {
        self.rows(index..index.checked_add(1)?).next()
    }

    /// The members of each group that is not empty, and the number of rows. O(groups).
    pub fn counts(&self) -> Counts {
        let groups = self.groups.iter().filter(|group| !group.members.is_empty());
        Counts { groups: groups.map(|group| (group.id, group.members.len())).collect(), rows: self.row_count() }
    }

    /// Replaces a viewer's windows, and says what the viewer must do: forget the rows that are in no window any more,
    /// take those that it does not have. Windows that overlap are merged first. No windows end the viewer. O(log view
    /// groups + rows of the windows), and O(log n + groups) for the first viewer with these windows.
    ///
    /// Someone else may have the same windows already. Then both are shown the list as the other one has it, from then
    /// on and through every flush; what has changed since the last flush comes with the next one.
    ///
    /// # Errors
    ///
    /// When a window, their number, or the number of viewers is beyond the limits; the viewer keeps the windows it had.
    ///
    /// ```
    /// use oyez::{GroupId, ListOp, MemberId, MemberList, MemberListOptions, Row, ViewerId, Window};
    ///
    /// let mut list = MemberList::new([GroupId(1)], MemberListOptions::default());
    /// list.upsert(MemberId(10), GroupId(1), b"ada").unwrap();
    /// let _ = list.set_windows(ViewerId(1), &[Window::new(0, 3)]).unwrap();
    ///
    /// let scrolled = list.set_windows(ViewerId(1), &[Window::new(1, 4)]).unwrap();
    /// let gone = ListOp::Invalidate { window: Window::new(0, 0) };
    /// let come = ListOp::Sync { window: Window::new(4, 4), rows: vec![] };
    /// assert_eq!(scrolled.ops, [gone, come]);
    /// ```
    pub fn set_windows(&mut self, viewer: ViewerId, windows: &[Window]) -> Result<View, WindowError> {
        let spans = self.options.windows.spans(windows)?;
        let max = self.options.viewers_max;
        if !spans.is_empty() && !self.views.contains(viewer) && self.views.viewer_count() >= max {
            return Err(WindowError::TooManyViewers { max });
        }
        let mut views = std::mem::take(&mut self.views);
        let view = views.set_windows(viewer, spans, self);
        self.views = views;
        Ok(view)
    }

    /// Turns everything since the last flush into one update for each view group whose rows have changed. A window
    /// whose rows are what its viewers have on screen is not sent. O(view groups + groups), then O(log n + groups +
    /// rows) for each window that changes may have touched.
    pub fn flush(&mut self) -> Flush {
        let counts = self.counts();
        let mut views = std::mem::take(&mut self.views);
        let given_other = views.were_given_other(&counts);
        let updates = views.flush(self);
        self.views = views;
        self.shift = Shift::default();
        self.flushes += 1;
        let are_news = counts != self.flushed_counts || given_other;
        self.flushed_counts.clone_from(&counts);
        Flush { updates, counts: are_news.then_some(counts) }
    }

    /// Counters. O(groups).
    pub fn stats(&self) -> MemberListStats {
        MemberListStats {
            members: self.members.len(),
            rows: self.row_count(),
            flushes: self.flushes,
            ..self.views.stats()
        }
    }

    /// Checks that members and groups agree; returns the number of members. O(n log n). For tests.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    #[doc(hidden)]
    pub fn validate(&self) -> Result<usize, String> {
        let mut grouped = 0;
        for (index, group) in self.groups.iter().enumerate() {
            grouped += group.members.validate()?;
            for key in &group.members {
                let place = self.members.get(&key.member);
                if !place.is_some_and(|place| place.group == index && place.collation == key.collation) {
                    return Err(format!("{:?} stands in {:?}, not in its place", key.member, group.id));
                }
            }
        }
        if grouped != self.members.len() {
            return Err(format!("{grouped} members in groups, {} known", self.members.len()));
        }
        self.views.validate(self)?;
        Ok(grouped)
    }
}

impl fmt::Debug for MemberList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberList").field("options", &self.options).field("stats", &self.stats()).finish()
    }
}

impl fmt::Display for UpsertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UpsertError::NoSuchGroup(group) => write!(f, "the list has no group {}", group.0),
            UpsertError::CollationTooLong { len, max } => {
                write!(f, "the collation key has {len} bytes, the limit is {max}")
            }
            UpsertError::ListFull { max } => write!(f, "the list holds {max} members, its limit"),
        }
    }
}

impl fmt::Display for RegroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegroupError::NoSuchMember(member) => write!(f, "the list has no member {}", member.0),
            RegroupError::NoSuchGroup(group) => write!(f, "the list has no group {}", group.0),
        }
    }
}

impl std::error::Error for UpsertError {}
impl std::error::Error for RegroupError {}
