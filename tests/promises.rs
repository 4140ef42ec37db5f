//! What the crate promises not to do, read from its sources: "starts no thread, installs no allocator, panic hook or
//! logger, prints nothing, reads no environment and no clock". (Of its dependencies, the overview says what they do.)

use std::fs;
use std::path::Path;

/// Words that code cannot do these things without.
const FORBIDDEN: [&str; 17] = [
    "spawn",
    "spawn_unchecked",
    "thread_local",
    "time",
    "Instant",
    "SystemTime",
    "env",
    "option_env",
    "print",
    "println",
    "eprint",
    "eprintln",
    "stdout",
    "stderr",
    "dbg",
    "set_hook",
    "global_allocator",
];

#[test]
fn the_sources_name_no_thread_clock_environment_output_hook_or_allocator() {
    let mut files = 0;
    let mut found = Vec::new();
    each_source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut |path, text| {
        files += 1;
        let lines = (1..).zip(text.lines());
        let uses = lines.flat_map(|(number, line)| forbidden_in(line).map(move |word| (number, word)));
        found.extend(uses.map(|(number, word)| format!("{}:{number}: `{word}`", path.display())));
    });
    assert!(files > 10, "only {files} files were read");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_use_is_found_however_it_is_written() {
    let words = |line| forbidden_in(line).collect::<Vec<_>>();
    assert_eq!(words("    std::thread::spawn(work);"), ["spawn"]);
    assert_eq!(words("use std::{env, fmt, time::Instant};"), ["env", "time", "Instant"]);
    assert_eq!(words("eprintln!(\"lost\"); // told"), ["eprintln"]);
    assert_eq!(words("#[global_allocator]"), ["global_allocator"]);
    assert_eq!(words("/// Call it from any thread at any time."), [] as [&str; 0]);
    assert_eq!(words("let timed = threads + 1; // of this thread"), [] as [&str; 0]);
}

/// The forbidden words of a line that are outside of its comment. (There are no block comments in the sources.)
fn forbidden_in(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    let words = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.filter(|word| FORBIDDEN.contains(word))
}

fn each_source(directory: &Path, read: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_source(&path, read);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            read(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}
