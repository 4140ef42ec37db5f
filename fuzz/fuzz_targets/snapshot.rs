//! Any sequence of operations gives the same versions from the sorted set and from the model's sorted vectors, and
//! leaves no key behind. A crash prints the sequence as a test that can be pasted into `tests/snapshot.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oyez_model::versions::Op;

fuzz_target!(
    // libFuzzer's panic hook aborts at once; without it the panic unwinds, and the driver prints the script.
    init: drop(std::panic::take_hook()),
    |ops: Vec<Op>| oyez_driver::versions::run(&ops)
);
