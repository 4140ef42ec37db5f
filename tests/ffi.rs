//! The C door from Rust, in debug, where arithmetic that overflows panics. What C does with it is in `tests/c`.

#![allow(unsafe_code, reason = "calls what C calls, and is called back as C is")]

use oyez::ffi::*;
use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A fan-out with one partition, its worker, and sessions that are subscribed to topic 7.
struct Host {
    fanout: Box<oyez_fanout>,
    worker: Box<oyez_worker>,
}

impl Host {
    fn new(options: oyez_fanout_options) -> Self {
        // SAFETY: the options live here.
        let fanout = made(|place| unsafe { oyez_fanout_new(&options, place) });
        let worker = made(|place| oyez_worker_new(Some(&fanout), 0, place));
        Host { fanout, worker }
    }

    fn worker(&self) -> *mut oyez_worker {
        (&raw const *self.worker).cast_mut()
    }

    fn session(&self) -> u64 {
        // SAFETY: NULL is no options.
        let session = told(|place| unsafe { oyez_fanout_connect(Some(&self.fanout), 0, null(), place) });
        assert_eq!(oyez_fanout_subscribe(Some(&self.fanout), session, 7, None), OYEZ_OK);
        session
    }

    fn publish(&self) {
        let query = oyez_query { topics: &7, topics_count: 1, ..oyez_query::default() };
        let event = oyez_event { payload: b"hi".as_ptr(), payload_len: 2, ..oyez_event::default() };
        // SAFETY: query and event point to what lives as long as the program.
        assert_eq!(unsafe { oyez_fanout_publish(Some(&self.fanout), &query, &event, None) }, OYEZ_OK);
    }

    fn drain(&self, host: oyez_drain_fn, userdata: *mut c_void) -> (oyez_status, oyez_drained) {
        let mut drained = oyez_drained { struct_size: size_of::<oyez_drained>(), ..oyez_drained::default() };
        // SAFETY: the callbacks of these tests, each with the userdata that it reads.
        let status = unsafe { oyez_worker_drain(self.worker(), usize::MAX, host, userdata, &mut drained) };
        (status, drained)
    }

    fn accounting(&self) -> oyez_accounting {
        let mut accounting = oyez_accounting { struct_size: size_of::<oyez_accounting>(), ..Default::default() };
        // SAFETY: the struct has its size.
        assert_eq!(unsafe { oyez_fanout_accounting(Some(&self.fanout), &mut accounting) }, OYEZ_OK);
        accounting
    }
}

fn told<T>(call: impl FnOnce(Option<&mut MaybeUninit<T>>) -> oyez_status) -> T {
    let mut place = MaybeUninit::uninit();
    assert_eq!(call(Some(&mut place)), OYEZ_OK);
    // SAFETY: every call writes its results.
    unsafe { place.assume_init() }
}

fn made<T>(call: impl FnOnce(Option<&mut MaybeUninit<*mut T>>) -> oyez_status) -> Box<T> {
    // SAFETY: the handle is new, and of this type.
    unsafe { Box::from_raw(told(call)) }
}

unsafe extern "C-unwind" fn panics(_: *mut c_void, _: u64, _: *const oyez_item, _: usize) -> usize {
    panic!("a host's bug")
}

/// Panics for the session that `userdata` points to, and fails for the others.
unsafe extern "C-unwind" fn fails(one: *mut c_void, session: u64, _: *const oyez_item, _: usize) -> usize {
    // SAFETY: who passes this function passes a session with it.
    assert_ne!(session, unsafe { *one.cast::<u64>() }, "a host's bug");
    OYEZ_TOOK_FAILED
}

unsafe extern "C-unwind" fn takes_all(_: *mut c_void, _: u64, _: *const oyez_item, count: usize) -> usize {
    count
}

/// Panics for the session that `userdata` points to.
unsafe extern "C-unwind" fn panics_for_one(one: *mut c_void, session: u64, _: *const oyez_item, count: usize) -> usize {
    // SAFETY: who passes this function passes a session with it.
    assert_ne!(session, unsafe { *one.cast::<u64>() }, "a host's bug");
    count
}

#[test]
fn a_callback_that_panics_gives_a_status_harms_nobody_else_and_poisons_nothing() {
    let host = Host::new(oyez_fanout_options::default());
    let (mut ada, _bob) = (host.session(), host.session());
    host.publish();

    let (status, drained) = host.drain(Some(panics_for_one), (&raw mut ada).cast());
    assert_eq!(status, OYEZ_PANIC);
    assert_eq!((drained.sessions, drained.items, drained.panicked), (2, 1, 1));
    let mut panicked = [0; 2];
    let total =
        // SAFETY: there is room for two.
        told(|total| unsafe { oyez_worker_panicked(Some(&host.worker), panicked.as_mut_ptr(), 2, None, total) });
    assert_eq!((panicked, total), ([ada, 0], 1));
    assert_eq!((host.accounting().delivered, host.accounting().abandoned), (1, 1));

    assert_eq!(oyez_fanout_writable(Some(&host.fanout), ada), OYEZ_OK);
    host.publish();
    let (status, drained) = host.drain(Some(takes_all), null_mut());
    assert_eq!((status, drained.items, drained.panicked), (OYEZ_OK, 3, 0), "two events, and the gap of one");
}

#[test]
fn a_callback_that_fails_is_treated_as_one_that_panicked_but_answered_otherwise() {
    let host = Host::new(oyez_fanout_options { on_panic: OYEZ_ON_PANIC_KEEP, ..oyez_fanout_options::default() });
    let (mut ada, bob, mut nobody) = (host.session(), host.session(), 0_u64);
    host.publish();
    let (status, drained) = host.drain(Some(fails), (&raw mut nobody).cast());
    assert_eq!((status, drained.sessions, drained.items, drained.panicked), (OYEZ_FAILED, 2, 0, 2));

    for session in [ada, bob] {
        assert_eq!(oyez_fanout_writable(Some(&host.fanout), session), OYEZ_OK);
    }
    let (status, drained) = host.drain(Some(fails), (&raw mut ada).cast());
    assert_eq!((status, drained.panicked), (OYEZ_PANIC, 2), "one panicked, one failed");
    assert_eq!((host.accounting().abandoned, host.accounting().pending), (0, 2), "both batches are kept");
}

#[test]
fn so_does_one_for_an_event_that_waits_in_the_log() {
    let host = Host::new(oyez_fanout_options::default());
    for _ in 0..100 {
        host.session();
    }
    host.publish();
    let (status, drained) = host.drain(Some(panics), null_mut());
    assert_eq!((status, drained.sessions, drained.panicked), (OYEZ_PANIC, 100, 100));
    assert_eq!(host.accounting().abandoned, 100);
    assert_eq!(oyez_fanout_is_open(Some(&host.fanout)), OYEZ_OK);
}

#[test]
fn a_batch_that_is_kept_when_its_callback_panics_comes_again() {
    let host = Host::new(oyez_fanout_options { on_panic: OYEZ_ON_PANIC_KEEP, ..oyez_fanout_options::default() });
    let ada = host.session();
    host.publish();
    assert_eq!(host.drain(Some(panics), null_mut()).0, OYEZ_PANIC);
    assert_eq!(oyez_fanout_writable(Some(&host.fanout), ada), OYEZ_OK);
    let (status, drained) = host.drain(Some(takes_all), null_mut());
    assert_eq!((status, drained.items), (OYEZ_OK, 1));
}

#[test]
fn any_limits_may_be_asked_for() {
    for limit in [0, 1, usize::MAX] {
        let host = Host::new(oyez_fanout_options {
            sessions_per_partition_max: limit.max(1),
            topics_per_session_max: limit.max(1),
            events_per_session_max: limit,
            batch_max: limit,
            bytes_per_partition_max: limit,
            payload_bytes_max: limit.max(2),
            history_bytes_max: limit,
            log_sessions_min: limit,
            ..oyez_fanout_options::default()
        });
        let ada = host.session();
        host.publish();
        host.publish();
        assert_eq!(host.drain(Some(takes_all), null_mut()).0, OYEZ_OK);
        assert_eq!(oyez_fanout_resume(Some(&host.fanout), ada, 0, None, None), OYEZ_OK);
        assert_eq!(oyez_fanout_validate(Some(&host.fanout), None), OYEZ_OK);
    }
}

#[test]
fn any_window_may_be_asked_for() {
    let options = oyez_member_list_options {
        members_max: usize::MAX,
        collation_bytes_max: usize::MAX,
        viewers_max: usize::MAX,
        windows_max: usize::MAX,
        window_rows_max: usize::MAX,
        ..oyez_member_list_options::default()
    };
    // SAFETY: the group and the options live here.
    let mut list = made(|place| unsafe { oyez_member_list_new(&1, 1, &options, place) });
    let mut flush = made(|place| oyez_flush_new(place));
    let ends = [0, 1, usize::MAX - 1, usize::MAX];
    for (member, (first, last)) in (0..).zip(ends.iter().flat_map(|first| ends.map(|last| (*first, last)))) {
        let windows = [oyez_window { first, last }, oyez_window { first: 0, last: 0 }];
        // SAFETY: there are two windows.
        let status =
            unsafe { oyez_member_list_set_windows(Some(&mut list), member, windows.as_ptr(), 2, Some(&mut flush)) };
        let expected = match last.checked_sub(first) {
            None => OYEZ_INVALID,
            Some(usize::MAX) => OYEZ_TOO_LARGE,
            Some(_) => OYEZ_OK,
        };
        assert_eq!(status, expected, "rows {first} to {last}");
        // SAFETY: an empty key.
        let status = unsafe { oyez_member_list_upsert(Some(&mut list), member, 1, null(), 0, None) };
        assert_eq!(status, OYEZ_OK);
        assert_eq!(oyez_member_list_flush(Some(&mut list), Some(&mut flush)), OYEZ_OK);
    }
    assert_eq!(oyez_member_list_validate(Some(&list), None), OYEZ_OK);
}

static RELEASED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C-unwind" fn wake_panics(_: *mut c_void) {
    panic!("a host's bug")
}

unsafe extern "C-unwind" fn release(_: *mut c_void) {
    RELEASED.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn a_wake_that_panics_does_not_reach_who_publishes() {
    let host = Host::new(oyez_fanout_options::default());
    host.session();
    // SAFETY: these callbacks use no userdata.
    let poll = || unsafe { oyez_worker_poll(host.worker(), Some(wake_panics), null_mut(), Some(release)) };
    assert_eq!(poll(), OYEZ_PENDING);
    assert_eq!(RELEASED.load(Ordering::Relaxed), 0);
    host.publish();
    assert_eq!(RELEASED.load(Ordering::Relaxed), 1);
    assert_eq!(poll(), OYEZ_OK);
    assert_eq!(RELEASED.load(Ordering::Relaxed), 2);
}

#[test]
fn versions_are_those_of_the_package() {
    let number = |part: &str| part.parse::<u32>().unwrap();
    let (major, minor, patch) = (
        number(env!("CARGO_PKG_VERSION_MAJOR")),
        number(env!("CARGO_PKG_VERSION_MINOR")),
        number(env!("CARGO_PKG_VERSION_PATCH")),
    );
    assert_eq!((OYEZ_VERSION_MAJOR, OYEZ_VERSION_MINOR, OYEZ_VERSION_PATCH), (major, minor, patch));
    assert_eq!(oyez_version_number(), major * 1_000_000 + minor * 1_000 + patch);
    // SAFETY: a static text.
    let string = unsafe { CStr::from_ptr(oyez_version_string()) };
    assert_eq!(string.to_str().unwrap(), env!("CARGO_PKG_VERSION"));
}
