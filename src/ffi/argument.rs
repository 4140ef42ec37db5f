//! What comes in through pointers and what goes out: arrays, buffers, structs that may grow.

#![expect(unsafe_code, reason = "an array from C is a pointer and a number: only the caller knows what lies there")]

use super::guard::Done;
use super::owner::Output;
use super::status::{OYEZ_INVALID, OYEZ_NULL, OYEZ_SHORT_BUFFER, oyez_status};
use std::mem::MaybeUninit;
use std::slice;

/// Bytes that belong to somebody else. `data` may be NULL when `len` is 0. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oyez_bytes {
    /// The first byte.
    pub data: *const u8,
    /// Their number.
    pub len: usize,
}

impl oyez_bytes {
    /// Where there is none.
    pub(super) const NONE: Self = oyez_bytes { data: std::ptr::null(), len: 0 };

    pub(super) fn of(bytes: &[u8]) -> Self {
        oyez_bytes { data: bytes.as_ptr(), len: bytes.len() }
    }
}

/// What a handle's pointer points to.
#[inline]
pub(super) fn given<T>(handle: Option<T>) -> Result<T, oyez_status> {
    handle.ok_or(OYEZ_NULL)
}

/// What a handle's pointer points to, of a call that changes what is behind a lock and so must look whether another
/// call is at it: that is why it gets no `&mut`, though C gives it the handle as its own.
///
/// # Safety
///
/// The pointer is NULL or a handle that is not freed for as long as `'a`.
#[inline]
pub(super) unsafe fn locked<'a, T>(handle: *mut T) -> Result<&'a T, oyez_status> {
    // SAFETY: the caller's promise; nobody has it as `&mut` but `_free`.
    given(unsafe { handle.as_ref() })
}

/// An array; `(NULL, 0)` is an empty one.
///
/// # Safety
///
/// The pointer is NULL or points to so many elements that nobody changes for as long as `'a`.
#[inline]
pub(super) unsafe fn array<'a, T>(data: *const T, count: usize) -> Result<&'a [T], oyez_status> {
    if count == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(OYEZ_NULL);
    }
    if count > isize::MAX as usize / size_of::<T>() {
        return Err(OYEZ_INVALID);
    }
    // SAFETY: not NULL, not larger than an array can be, and the rest is the caller's promise.
    Ok(unsafe { slice::from_raw_parts(data, count) })
}

/// An array of byte strings, all of them checked before the first is used.
///
/// # Safety
///
/// As for [`array`], and so is each of the strings.
pub(super) unsafe fn strings<'a>(data: *const oyez_bytes, count: usize) -> Result<Vec<&'a [u8]>, oyez_status> {
    // SAFETY: the caller's promise, for the array and for each string.
    unsafe { array(data, count)?.iter().map(|string| array(string.data, string.len)).collect() }
}

/// Room for results: a place for each.
pub(super) struct Buffer<'a, T>(&'a mut [MaybeUninit<T>]);

/// Room for results; `(NULL, 0)` has none.
///
/// # Safety
///
/// The pointer is NULL or points to room for so many elements, which nobody else uses for as long as `'a`.
#[inline]
pub(super) unsafe fn buffer<'a, T>(data: *mut T, capacity: usize) -> Result<Buffer<'a, T>, oyez_status> {
    if capacity == 0 {
        return Ok(Buffer(&mut []));
    }
    if data.is_null() {
        return Err(OYEZ_NULL);
    }
    if capacity > isize::MAX as usize / size_of::<T>() {
        return Err(OYEZ_INVALID);
    }
    // SAFETY: as for `array`; what has not been written yet is `MaybeUninit`.
    Ok(Buffer(unsafe { slice::from_raw_parts_mut(data.cast(), capacity) }))
}

/// How much of a buffer was written, and how much there was to write.
pub(super) struct Filled<'a> {
    written: Output<'a, usize>,
    total: Output<'a, usize>,
}

impl<'a> Filled<'a> {
    #[inline]
    pub fn of(written: Option<&'a mut MaybeUninit<usize>>, total: Option<&'a mut MaybeUninit<usize>>) -> Self {
        Filled { written: Output::of(written, 0), total: Output::of(total, 0) }
    }
}

impl<'a, T> Buffer<'a, T> {
    /// Fills it with the first of so many elements, as many as it has room for.
    pub fn fill<I: Iterator<Item = T>>(self, mut filled: Filled, total: usize, first: impl FnOnce(usize) -> I) -> Done {
        filled.total.set(total);
        let count = total.min(self.0.len());
        let mut places = self.0.iter_mut();
        // Unlike a loop, this goes through whole leaves at once.
        first(count).for_each(|element| {
            if let Some(place) = places.next() {
                place.write(element);
            }
        });
        filled.written.set(count);
        if count < total { Err(OYEZ_SHORT_BUFFER) } else { Ok(()) }
    }

    /// Fills it with the first of these, as many as it has room for, as C sees them.
    pub fn fill_from<R>(self, filled: Filled, results: &[R], show: impl Fn(&R) -> T) -> Done {
        self.fill(filled, results.len(), |count| results[..count].iter().map(show))
    }

    /// Fills all of it at once, so that whatever becomes of the call, it was written; what is better known is written
    /// over it.
    pub fn filled_with(self, element: T) -> &'a mut [T]
    where
        T: Copy,
    {
        for place in &mut *self.0 {
            place.write(element);
        }
        // SAFETY: each place was written just now.
        unsafe { self.0.assume_init_mut() }
    }
}

impl Buffer<'_, u8> {
    /// Fills it with the first of these strings, one behind the other, as many as there is room for and a place for
    /// where they end. `bytes` is what all of them need.
    pub fn fill_joined<'a>(
        self,
        ends: Buffer<usize>,
        strings: impl Iterator<Item = &'a [u8]>,
        mut filled: Filled,
        mut bytes: Output<usize>,
    ) -> Done {
        let mut places = ends.0.iter_mut();
        let (mut written, mut total, mut end) = (0, 0, 0);
        for string in strings {
            let start = end;
            end += string.len();
            if written == total // those before had room
                && let Some(room) = self.0.get_mut(start..end)
                && let Some(place) = places.next()
            {
                room.write_copy_of_slice(string);
                place.write(end);
                written += 1;
            }
            total += 1;
        }
        filled.written.set(written);
        filled.total.set(total);
        bytes.set(end);
        if written < total { Err(OYEZ_SHORT_BUFFER) } else { Ok(()) }
    }
}

/// A struct that later versions may make longer, at its end. Its first field is its size as the caller knows it: what a
/// caller of an earlier version does not have starts as the default, and what one of a later version has and we do not
/// know must be zero.
///
/// # Safety
///
/// The type is `repr(C)`, its first field is `struct_size: usize`, and any bytes are a value of it.
pub(super) unsafe trait Growing: Copy + Default {
    /// Its size in the first version that had it. Never changed: programs built with that version say so for ever.
    const SIZE_MIN: usize;
}

/// The size of a struct up to and with a field: of its last one in the version that [`Growing::SIZE_MIN`] is about.
macro_rules! size_through {
    ($struct:ty, $field:ident: $type:ty) => {
        std::mem::offset_of!($struct, $field) + size_of::<$type>()
    };
}
pub(super) use size_through;

/// Larger than any struct of ours will be: the size was not set.
const STRUCT_SIZE_MAX: usize = 4096;

/// The size that a struct says it has, if that can be one of a `T`, earlier or later.
///
/// # Safety
///
/// The pointer points to a `struct_size`.
unsafe fn size_of_struct<T: Growing>(pointer: *const T) -> Result<usize, oyez_status> {
    // SAFETY: the caller's promise.
    let size = unsafe { pointer.cast::<usize>().read() };
    let is_possible = (T::SIZE_MIN..=STRUCT_SIZE_MAX).contains(&size);
    if is_possible { Ok(size) } else { Err(OYEZ_INVALID) }
}

/// Reads a struct of this version, an earlier one, or a later one if what that added is not used.
///
/// # Safety
///
/// The pointer is NULL, or points to a `struct_size` and to so many bytes.
pub(super) unsafe fn sized<T: Growing>(pointer: *const T) -> Result<T, oyez_status> {
    if pointer.is_null() {
        return Err(OYEZ_NULL);
    }
    // SAFETY: not NULL, and begins with its size.
    let size = unsafe { size_of_struct(pointer)? };
    let known = size.min(size_of::<T>());
    // SAFETY: the caller promises so many bytes.
    let unknown = unsafe { slice::from_raw_parts(pointer.cast::<u8>().add(known), size - known) };
    if unknown.iter().any(|byte| *byte != 0) {
        return Err(OYEZ_INVALID);
    }
    let mut value = T::default();
    // SAFETY: both have so many bytes, and any bytes are a value of a `T`.
    unsafe { pointer.cast::<u8>().copy_to_nonoverlapping((&raw mut value).cast(), known) };
    Ok(value)
}

/// The same, or the default if the pointer is NULL.
///
/// # Safety
///
/// As for [`sized`].
pub(super) unsafe fn sized_or_default<T: Growing>(pointer: *const T) -> Result<T, oyez_status> {
    if pointer.is_null() {
        return Ok(T::default());
    }
    // SAFETY: the caller's promise.
    unsafe { sized(pointer) }
}

/// Where a struct of results goes; nowhere if the pointer is NULL. Zero at once, but for its size.
pub(super) struct Report<T>(*mut T);

impl<T: Growing> Report<T> {
    /// # Safety
    ///
    /// The pointer is NULL, or points to a `struct_size` and to so many bytes, which nobody else uses while this lives.
    pub unsafe fn of(pointer: *mut T) -> Result<Self, oyez_status> {
        if !pointer.is_null() {
            // SAFETY: not NULL, and begins with its size.
            unsafe { size_of_struct(pointer)? };
        }
        let mut report = Report(pointer);
        report.set(T::default());
        Ok(report)
    }

    /// Writes as much of it as the caller knows, but for its size, which says how much that is.
    pub fn set(&mut self, value: T) {
        if self.0.is_null() {
            return;
        }
        // SAFETY: `of` was promised that as many bytes as the size says are there and ours.
        unsafe {
            let size = self.0.cast::<usize>().read();
            (&raw const value).cast::<u8>().copy_to_nonoverlapping(self.0.cast(), size.min(size_of::<T>()));
            self.0.cast::<usize>().write(size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::{null, null_mut};

    /// A struct as the first version had it, as this one has it, and as a later one will.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct First {
        struct_size: usize,
        limit: usize,
    }

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Ours {
        struct_size: usize,
        limit: usize,
        added: usize,
    }

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Later {
        struct_size: usize,
        limit: usize,
        added: usize,
        unknown: usize,
    }

    impl Default for Ours {
        fn default() -> Self {
            Ours { struct_size: size_of::<Self>(), limit: 7, added: 8 }
        }
    }

    // SAFETY: three `usize`s, the size first.
    unsafe impl Growing for Ours {
        const SIZE_MIN: usize = size_through!(Ours, limit: usize);
    }

    #[test]
    fn an_earlier_struct_is_read_and_what_it_does_not_have_is_the_default() {
        let memory = [First { struct_size: size_of::<First>(), limit: 9 }, First { struct_size: 1, limit: 2 }];
        // SAFETY: as many bytes as its size says.
        let read: Ours = unsafe { sized(memory.as_ptr().cast()) }.unwrap();
        assert_eq!((read.limit, read.added), (9, 8), "what is behind it is not its own");
    }

    #[test]
    fn a_later_struct_is_read_if_it_asks_for_nothing_unknown() {
        let mut later = Later { struct_size: size_of::<Later>(), limit: 9, added: 10, unknown: 0 };
        // SAFETY: as many bytes as its size says.
        let read = |later: &Later| unsafe { sized::<Ours>((&raw const *later).cast()) };
        assert_eq!(read(&later).map(|ours| (ours.limit, ours.added)), Ok((9, 10)));
        later.unknown = 1;
        assert_eq!(read(&later), Err(OYEZ_INVALID));
        later.struct_size = size_of::<Ours>();
        assert_eq!(read(&later).unwrap().limit, 9, "what is behind it is not its own");
    }

    #[test]
    fn a_size_that_was_not_set_is_refused() {
        for struct_size in [0, size_of::<First>() - 1, STRUCT_SIZE_MAX + 1, usize::MAX] {
            let mut ours = Ours { struct_size, limit: 9, added: 10 };
            // SAFETY: refused before more than the size is read.
            assert_eq!(unsafe { sized(&raw const ours) }, Err(OYEZ_INVALID));
            // SAFETY: as above.
            assert!(unsafe { Report::of(&raw mut ours) }.is_err());
            assert_eq!((ours.limit, ours.added), (9, 10));
        }
    }

    #[test]
    fn a_report_is_written_as_far_as_the_caller_knows_it() {
        let told = Ours { struct_size: 0, limit: 3, added: 4 };
        let mut memory = [First { struct_size: size_of::<First>(), limit: 9 }, First { struct_size: 1, limit: 2 }];
        // SAFETY: as many bytes as its size says.
        let mut report: Report<Ours> = unsafe { Report::of(memory.as_mut_ptr().cast()) }.unwrap();
        report.set(told);
        assert_eq!(memory[0], First { struct_size: size_of::<First>(), limit: 3 });
        assert_eq!(memory[1], First { struct_size: 1, limit: 2 }, "not its own");

        let mut later = Later { struct_size: size_of::<Later>(), limit: 9, added: 10, unknown: 5 };
        // SAFETY: as many bytes as its size says.
        let mut report: Report<Ours> = unsafe { Report::of((&raw mut later).cast()) }.unwrap();
        report.set(told);
        assert_eq!(later, Later { struct_size: size_of::<Later>(), limit: 3, added: 4, unknown: 5 });
    }

    #[test]
    fn null_is_an_empty_array_but_no_other() {
        // SAFETY: NULL.
        unsafe {
            assert_eq!(array::<u64>(null(), 0), Ok(&[][..]));
            assert_eq!(array::<u64>(null(), 1), Err(OYEZ_NULL));
            assert_eq!(buffer::<u64>(null_mut(), 1).err(), Some(OYEZ_NULL));
            assert_eq!(sized::<Ours>(null()), Err(OYEZ_NULL));
            assert_eq!(sized_or_default::<Ours>(null()), Ok(Ours::default()));
        }
    }

    #[test]
    fn an_array_larger_than_memory_is_refused() {
        let (one, mut room) = (0_u64, 0_u64);
        // SAFETY: refused before anything is read.
        unsafe {
            assert_eq!(array(&raw const one, usize::MAX / 8), Err(OYEZ_INVALID));
            assert_eq!(buffer(&raw mut room, usize::MAX / 8).err(), Some(OYEZ_INVALID));
        }
    }
}
