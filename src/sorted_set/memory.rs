//! The memory of nodes, which several versions of a set may share.
//!
//! **Why `unsafe`.** A snapshot walks the nodes of its version while the set's owner changes others. Counting
//! references (`Arc` with `make_mut`) is safe and was measured in a prototype: an insert after a snapshot copies a
//! branch and counts up all its children, 64 counters in 64 cold lines: 1,829 ns at a million keys, where the scheme
//! below took 421. And a leaf in one piece, keys behind a header, costs one cache miss where a `Vec` in a box costs
//! two.
//!
//! **The scheme.** A node carries the edition it was born in. A [`Seal`] says which editions a living snapshot may see:
//! all that were born before it. Such a node is never written; it is copied, and the old one retires (`versions.rs`).
//! All others belong to the set alone. So a handle needs no count, and is one pointer:
//!
//! 1. A node is written and freed at once only through a handle whose node is not seen, which every function below
//!    checks for itself.
//! 2. Handles are duplicated only when nobody may write what they reach: when a branch that is seen is copied (the
//!    original then retires, and the set walks it no more), and for a new snapshot, whose seal covers all of it.
//! 3. A node that was seen is freed only by `versions.rs`, when no snapshot is left that was taken within its life.
//!
//! Handles have no `Drop`: one that is let go leaks its node, which `Tree` prevents by freeing what it unlinks.
#![allow(unsafe_code)]

use super::node::{BRANCH_MAX, Branch, Children, LEAF_MAX};
use super::prefetch::prefetch;
use arrayvec::ArrayVec;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::{self, NonNull};

/// Which nodes a living snapshot may see: those born in an earlier edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seal(u64);

impl Seal {
    /// Nobody has taken a snapshot.
    pub const NONE: Seal = Seal(0);

    /// The edition of what is born under this seal.
    pub fn edition(self) -> u64 {
        self.0
    }

    /// # Safety
    ///
    /// No living snapshot reaches a node born in this edition or later, as long as the seal is used.
    pub unsafe fn of_edition(edition: u64) -> Self {
        Seal(edition)
    }
}

/// A handle on a node of keys: a small vector whose length lies in front of its keys.
pub(super) struct Leaf<K> {
    /// `None`: no keys and no memory.
    header: Option<NonNull<Header>>,
    keys: PhantomData<K>,
}

/// Eight bytes, so that a full leaf of keys of 16 bytes is no larger than what the usual allocator keeps at hand.
#[repr(C)]
struct Header {
    born_low: u32,
    born_high: u16,
    len: u8,
    capacity: u8,
}

impl Header {
    fn new(born: u64, capacity: usize) -> Self {
        Header { born_low: born as u32, born_high: (born >> 32) as u16, len: 0, capacity: capacity as u8 }
    }

    #[inline]
    fn born(&self) -> u64 {
        u64::from(self.born_high) << 32 | u64::from(self.born_low)
    }
}

/// No set lives to see so many: one a microsecond takes nine years.
pub(super) const EDITIONS_MAX: u64 = 1 << 48;

/// A handle on a branch.
pub(super) struct SharedBranch<K>(NonNull<Branch<K>>, PhantomData<Branch<K>>);

/// A handle on any node.
pub(super) enum Node<K> {
    Leaf(Leaf<K>),
    Branch(SharedBranch<K>),
}

// SAFETY: a handle is to a node what `Box` is, or, for nodes that are shared, what `&` is; a node is shared only when a
// snapshot was taken, which asks for `K: Send + Sync`, and the set and its snapshots cannot change their `K` for a
// subtype of it (`versions.rs`, where the function that clones keys makes them invariant).
unsafe impl<K: Send> Send for Leaf<K> {}
// SAFETY: through a shared handle a node is only read.
unsafe impl<K: Sync> Sync for Leaf<K> {}
// SAFETY: as for leaves.
unsafe impl<K: Send> Send for SharedBranch<K> {}
// SAFETY: as for leaves.
unsafe impl<K: Sync> Sync for SharedBranch<K> {}

impl<K> Leaf<K> {
    pub const EMPTY: Leaf<K> = Leaf { header: None, keys: PhantomData };

    pub fn with_capacity(capacity: usize, seal: Seal) -> Self {
        let mut leaf = Leaf::EMPTY;
        if capacity > 0 {
            leaf.allocate(capacity, seal.0);
        }
        leaf
    }

    /// The next `count` keys, in a leaf that has room for `capacity`.
    pub fn filled(keys: &mut std::vec::IntoIter<K>, count: usize, capacity: usize, seal: Seal) -> Self {
        debug_assert!(count <= keys.len() && count <= capacity);
        let leaf = Leaf::with_capacity(capacity, seal);
        let Some(header) = leaf.header else { return leaf };
        let to = first_key::<K>(header);
        let mut len = 0;
        for key in keys.take(count.min(capacity)) {
            // SAFETY: `len` is below the capacity, and nobody else knows of this leaf.
            unsafe { to.add(len).write(key) };
            len += 1;
        }
        // SAFETY: as many keys have just been written.
        unsafe { (*header.as_ptr()).len = len as u8 };
        leaf
    }

    fn layout(capacity: usize) -> Layout {
        let keys = Layout::array::<K>(capacity).expect("a leaf has at most 64 keys");
        let (layout, _) = Layout::new::<Header>().extend(keys).expect("a leaf has at most 64 keys");
        layout.pad_to_align()
    }

    fn allocate(&mut self, capacity: usize, born: u64) {
        assert!(capacity <= LEAF_MAX, "a leaf has at most {LEAF_MAX} keys");
        let layout = Self::layout(capacity);
        // SAFETY: the layout has the size of the header at least.
        let Some(header) = NonNull::new(unsafe { alloc(layout) }.cast::<Header>()) else { handle_alloc_error(layout) };
        // SAFETY: freshly allocated for a header and the keys behind it.
        unsafe { header.write(Header::new(born, capacity)) };
        self.header = Some(header);
    }

    fn header(&self) -> Option<&Header> {
        // SAFETY: a handle's node is not freed while something reaches it (rules 1 and 3), and not written while a
        // snapshot sees it (rule 1); the set's own borrow rules out the rest.
        self.header.map(|header| unsafe { header.as_ref() })
    }

    /// Whether a living snapshot may see it.
    #[inline]
    pub fn is_seen(&self, seal: Seal) -> bool {
        self.born() < seal.0
    }

    /// The edition it was born in. Without memory there is nothing to be seen.
    #[inline]
    pub fn born(&self) -> u64 {
        self.header().map_or(u64::MAX, Header::born)
    }

    pub fn is_same(&self, other: &Self) -> bool {
        self.header == other.header
    }

    pub fn capacity(&self) -> usize {
        self.header().map_or(0, |header| header.capacity as usize)
    }

    /// Its size in memory.
    pub fn bytes(&self) -> usize {
        self.header().map_or(0, |header| Self::layout(header.capacity as usize).size())
    }

    /// Asks the processor for `count` keys from `from` on, so that their lines come at once and not one by one.
    #[inline]
    pub fn prefetch(&self, from: usize, count: usize) {
        if let Some(header) = self.header {
            prefetch(first_key::<K>(header).wrapping_add(from), count);
        }
    }

    /// For changing it.
    ///
    /// # Panics
    ///
    /// When a snapshot may see it.
    #[inline]
    pub fn edit(&mut self, seal: Seal) -> LeafMut<'_, K> {
        assert!(!self.is_seen(seal), "{SEEN}");
        LeafMut { leaf: self, seal }
    }

    /// A leaf with clones of its keys. When a clone panics, those before it are dropped.
    pub fn copied(&self, seal: Seal, cloner: Cloner<K>) -> Self {
        let mut copy = Unfinished { leaf: Leaf::with_capacity(self.capacity(), seal), seal };
        (cloner.leaf)(self, &mut copy);
        copy.finish()
    }

    /// Moves its keys to the end of a vector and frees it.
    ///
    /// # Panics
    ///
    /// When a snapshot may see it.
    pub fn move_into(mut self, keys: &mut Vec<K>, seal: Seal) {
        let len = self.len();
        keys.reserve(len);
        if len > 0 {
            let mut leaf = self.edit(seal);
            // SAFETY: the leaf has `len` keys and is told that it has none, so each is moved once; the vector has room
            // for as many behind its own, and the two do not overlap.
            unsafe {
                ptr::copy_nonoverlapping(leaf.keys(), keys.as_mut_ptr().add(keys.len()), len);
                leaf.set_len(0);
                keys.set_len(keys.len() + len);
            }
        }
        self.free(seal);
    }

    /// Drops its keys and frees it.
    ///
    /// # Panics
    ///
    /// When a snapshot may see it.
    pub fn free(self, seal: Seal) {
        assert!(!self.is_seen(seal), "{SEEN}");
        // SAFETY: not seen, so the handle is the only one (rules 1 and 2).
        unsafe { self.free_unseen() }
    }

    /// # Safety
    ///
    /// Nobody reads the node any more: no living snapshot reaches it, and the set has unlinked it.
    pub unsafe fn free_unseen(self) {
        let Some(header) = self.header else { return };
        // SAFETY: this handle is the last, so the keys are dropped once; the layout is the one it was allocated with.
        unsafe {
            let Header { len, capacity, .. } = *header.as_ref();
            ptr::drop_in_place(ptr::slice_from_raw_parts_mut(first_key::<K>(header), len as usize));
            dealloc(header.as_ptr().cast(), Self::layout(capacity as usize));
        }
    }

    /// Another handle on the same node.
    ///
    /// # Safety
    ///
    /// One of the two must not be used for changing or freeing (rule 2).
    pub unsafe fn duplicate(&self) -> Self {
        Leaf { header: self.header, keys: PhantomData }
    }
}

const SEEN: &str = "a node that a snapshot may see is never changed";

/// Where the keys of a leaf begin.
fn first_key<K>(header: NonNull<Header>) -> *mut K {
    let offset = size_of::<Header>().next_multiple_of(align_of::<K>());
    // SAFETY: the layout of a leaf has the keys there, aligned, behind the header.
    unsafe { header.as_ptr().cast::<u8>().add(offset).cast() }
}

impl<K> Deref for Leaf<K> {
    type Target = [K];

    #[inline]
    fn deref(&self) -> &[K] {
        let Some(header) = self.header else { return &[] };
        // SAFETY: as in `header`; the first `len` keys are initialised.
        unsafe { std::slice::from_raw_parts(first_key::<K>(header), header.as_ref().len as usize) }
    }
}

/// How the keys of nodes are cloned: a whole node by one call that the compiler has seen, where a call for each key
/// takes twice the time of a copied path.
pub(super) struct Cloner<K> {
    leaf: fn(&[K], &mut Unfinished<K>),
    branch: fn(&ArrayVec<K, BRANCH_MAX>) -> ArrayVec<K, BRANCH_MAX>,
}

impl<K: Clone> Cloner<K> {
    pub fn new() -> Self {
        Cloner { leaf: |keys, copy| copy.fill(keys), branch: ArrayVec::clone }
    }
}

impl<K> Cloner<K> {
    /// Clones of a branch's keys.
    pub fn keys(&self, keys: &ArrayVec<K, BRANCH_MAX>) -> ArrayVec<K, BRANCH_MAX> {
        (self.branch)(keys)
    }
}

impl<K> Clone for Cloner<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Cloner<K> {}

/// A leaf that is filled with clones: a panic drops those there are.
struct Unfinished<K> {
    leaf: Leaf<K>,
    seal: Seal,
}

impl<K: Clone> Unfinished<K> {
    /// The clones of as many keys as there is room for.
    fn fill(&mut self, keys: &[K]) {
        let Some(header) = self.leaf.header else { return };
        let to = first_key::<K>(header);
        for (at, key) in keys.iter().enumerate().take(self.leaf.capacity()) {
            let key = key.clone();
            // SAFETY: `at` is below the capacity, and nobody else knows of this leaf. The length is told at once, or a
            // panic of the next clone would forget the key.
            unsafe {
                to.add(at).write(key);
                (*header.as_ptr()).len = at as u8 + 1;
            }
        }
    }
}

impl<K> Unfinished<K> {
    fn finish(mut self) -> Leaf<K> {
        std::mem::replace(&mut self.leaf, Leaf::EMPTY)
    }
}

impl<K> Drop for Unfinished<K> {
    fn drop(&mut self) {
        std::mem::replace(&mut self.leaf, Leaf::EMPTY).free(self.seal);
    }
}

/// A leaf that no snapshot sees, for changing it.
pub(super) struct LeafMut<'a, K> {
    leaf: &'a mut Leaf<K>,
    seal: Seal,
}

impl<K> LeafMut<'_, K> {
    fn len(&self) -> usize {
        self.leaf.len()
    }

    /// Writes `len`; the caller has moved keys in or out accordingly.
    ///
    /// # Safety
    ///
    /// The first `len` keys are initialised, and whoever took out the others owns them.
    unsafe fn set_len(&mut self, len: usize) {
        if let Some(header) = self.leaf.header {
            // SAFETY: not seen, and borrowed exclusively.
            unsafe { (*header.as_ptr()).len = len as u8 };
        }
    }

    fn keys(&mut self) -> *mut K {
        self.leaf.header.map_or(NonNull::dangling().as_ptr(), first_key::<K>)
    }

    /// Room for so many keys.
    fn reserve(&mut self, len: usize) {
        let capacity = self.leaf.capacity();
        if len <= capacity {
            return;
        }
        assert!(len <= LEAF_MAX, "a leaf has at most {LEAF_MAX} keys");
        let wanted = (2 * capacity).clamp(4, LEAF_MAX).max(len);
        let Some(header) = self.leaf.header else {
            self.leaf.allocate(wanted, self.seal.0);
            return;
        };
        let layout = Leaf::<K>::layout(wanted);
        let old = Leaf::<K>::layout(capacity);
        // SAFETY: allocated with the layout of its capacity; not seen, so that nobody else knows where it lies.
        let grown = unsafe { realloc(header.as_ptr().cast(), old, layout.size()) };
        let Some(mut grown) = NonNull::new(grown.cast::<Header>()) else { handle_alloc_error(layout) };
        // SAFETY: `realloc` took the header along.
        unsafe { grown.as_mut() }.capacity = wanted as u8;
        self.leaf.header = Some(grown);
    }

    /// Moves the keys from `at` on by `gap` to make room, which the caller fills before it raises the length.
    fn open(&mut self, at: usize, gap: usize) -> *mut K {
        let len = self.len();
        assert!(at <= len, "a key goes at {at} of {len}");
        self.reserve(len + gap);
        // SAFETY: there is room for `len + gap` keys.
        unsafe {
            let hole = self.keys().add(at);
            ptr::copy(hole, hole.add(gap), len - at);
            hole
        }
    }

    pub fn insert(&mut self, at: usize, key: K) {
        let hole = self.open(at, 1);
        // SAFETY: `open` made room for one key at `hole`, and with it one more is initialised.
        unsafe {
            hole.write(key);
            self.set_len(self.len() + 1);
        }
    }

    pub fn push(&mut self, key: K) {
        self.insert(self.len(), key);
    }

    pub fn remove(&mut self, at: usize) -> K {
        let len = self.len();
        assert!(at < len, "there is no key {at} of {len}");
        // SAFETY: `at` is a key; it is read out, and the ones behind it close up.
        unsafe {
            let hole = self.keys().add(at);
            let key = hole.read();
            ptr::copy(hole.add(1), hole, len - at - 1);
            self.set_len(len - 1);
            key
        }
    }

    pub fn pop(&mut self) -> K {
        self.remove(self.len() - 1)
    }

    /// The keys from `at` on, in a leaf of its own with room for `capacity`.
    pub fn split_off(&mut self, at: usize, capacity: usize) -> Leaf<K> {
        let mut right = Leaf::with_capacity(capacity, self.seal);
        let count = self.len() - at;
        right.edit(self.seal).take_tail(self, count);
        right
    }

    /// Moves the last `count` keys of `left` to the front.
    pub fn take_tail(&mut self, left: &mut LeafMut<'_, K>, count: usize) {
        let kept = left.len().checked_sub(count).expect("so many keys are there");
        let len = self.len();
        let hole = self.open(0, count);
        // SAFETY: two leaves, as both are borrowed exclusively; `open` made room for `count` keys, which change hands.
        unsafe {
            ptr::copy_nonoverlapping(left.keys().add(kept), hole, count);
            left.set_len(kept);
            self.set_len(len + count);
        }
    }

    /// Moves the first `count` keys of `right` to the end.
    pub fn take_head(&mut self, right: &mut LeafMut<'_, K>, count: usize) {
        let left = right.len().checked_sub(count).expect("so many keys are there");
        let len = self.len();
        let hole = self.open(len, count);
        // SAFETY: as in `take_tail`; what is left of `right` closes up.
        unsafe {
            let from = right.keys();
            ptr::copy_nonoverlapping(from, hole, count);
            ptr::copy(from.add(count), from, left);
            right.set_len(left);
            self.set_len(len + count);
        }
    }
}

impl<K> SharedBranch<K> {
    pub fn new(branch: Branch<K>) -> Self {
        SharedBranch(NonNull::from(Box::leak(Box::new(branch))), PhantomData)
    }

    pub fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Whether a living snapshot may see it.
    #[inline]
    pub fn is_seen(&self, seal: Seal) -> bool {
        self.born < seal.0
    }

    /// Asks the processor for all of it.
    #[inline]
    pub fn prefetch(&self) {
        prefetch(self.0.as_ptr(), 1);
    }

    /// For changing it.
    ///
    /// # Panics
    ///
    /// When a snapshot may see it.
    #[inline]
    pub fn edit(&mut self, seal: Seal) -> &mut Branch<K> {
        assert!(!self.is_seen(seal), "{SEEN}");
        // SAFETY: not seen, so the handle is the only one in use (rules 1 and 2).
        unsafe { self.0.as_mut() }
    }

    /// The branch itself; its memory is freed, its children live on.
    ///
    /// # Panics
    ///
    /// When a snapshot may see it.
    pub fn take(self, seal: Seal) -> Branch<K> {
        assert!(!self.is_seen(seal), "{SEEN}");
        // SAFETY: not seen, so the handle is the only one (rules 1 and 2); made by `new`.
        *unsafe { Box::from_raw(self.0.as_ptr()) }
    }

    /// A branch with clones of its keys over the same children. When a clone panics, those before it are dropped.
    ///
    /// # Panics
    ///
    /// Unless a snapshot may see it, and so its children.
    pub fn copied(&self, seal: Seal, cloner: Cloner<K>) -> Self {
        assert!(self.is_seen(seal), "a branch that is the set's alone needs no copy");
        let mut copy = Box::<Branch<K>>::new_uninit();
        let to = copy.as_mut_ptr();
        // SAFETY: field by field into fresh memory: a branch of a kilobyte made elsewhere would be moved two times.
        // Keys come first, as they may panic, and then nothing else is there yet. What a snapshot sees of a branch it
        // sees of the children, so no handle on them changes them.
        unsafe {
            (&raw mut (*to).keys).write((cloner.branch)(&self.keys));
            (&raw mut (*to).born).write(seal.0);
            (&raw mut (*to).starts).write(self.starts);
            (&raw mut (*to).children).write(self.children.duplicate());
            SharedBranch(NonNull::from(Box::leak(copy.assume_init())), PhantomData)
        }
    }

    /// Drops its keys and frees it. Its children live on.
    ///
    /// # Safety
    ///
    /// Nobody reads the node any more: no living snapshot reaches it, and the set has unlinked it.
    pub unsafe fn free_unseen(self) {
        // SAFETY: the last handle; made by `new`.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }

    /// Another handle on the same node.
    ///
    /// # Safety
    ///
    /// One of the two must not be used for changing or freeing (rule 2).
    pub unsafe fn duplicate(&self) -> Self {
        SharedBranch(self.0, PhantomData)
    }
}

impl<K> Deref for SharedBranch<K> {
    type Target = Branch<K>;

    #[inline]
    fn deref(&self) -> &Branch<K> {
        // SAFETY: as in `Leaf::header`.
        unsafe { self.0.as_ref() }
    }
}

impl<K> Children<K> {
    /// Other handles on the same nodes.
    ///
    /// # Safety
    ///
    /// One of each two must not be used for changing or freeing (rule 2).
    pub unsafe fn duplicate(&self) -> Self {
        // SAFETY: the caller's word.
        let leaf = |leaf: &Leaf<K>| unsafe { leaf.duplicate() };
        // SAFETY: the caller's word.
        let branch = |branch: &SharedBranch<K>| unsafe { branch.duplicate() };
        match self {
            Children::Leaves(leaves) => Children::Leaves(leaves.iter().map(leaf).collect()),
            Children::Branches(branches) => Children::Branches(branches.iter().map(branch).collect()),
        }
    }
}

impl<K> Node<K> {
    /// The edition it was born in.
    pub fn born(&self) -> u64 {
        match self {
            Node::Leaf(leaf) => leaf.born(),
            Node::Branch(branch) => branch.born,
        }
    }

    /// Its size in memory, without what its keys point to.
    pub fn bytes(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.bytes(),
            Node::Branch(_) => size_of::<Branch<K>>(),
        }
    }

    /// Drops its keys and frees it. Its children live on.
    ///
    /// # Safety
    ///
    /// Nobody reads the node any more: no living snapshot reaches it, and the set has unlinked it.
    pub unsafe fn free_unseen(self) {
        match self {
            // SAFETY: the caller's word.
            Node::Leaf(leaf) => unsafe { leaf.free_unseen() },
            // SAFETY: the caller's word.
            Node::Branch(branch) => unsafe { branch.free_unseen() },
        }
    }

    /// Another handle on the same node.
    ///
    /// # Safety
    ///
    /// One of the two must not be used for changing or freeing (rule 2).
    pub unsafe fn duplicate(&self) -> Self {
        match self {
            // SAFETY: the caller's word.
            Node::Leaf(leaf) => Node::Leaf(unsafe { leaf.duplicate() }),
            // SAFETY: the caller's word.
            Node::Branch(branch) => Node::Branch(unsafe { branch.duplicate() }),
        }
    }
}
