//! `include/oyez.h` is what the sources say. When it is not, this test fails; `OYEZ_WRITE_HEADER=1 cargo test --features ffi
//! --test header` writes it anew.
//!
//! cbindgen writes the declarations. What it cannot know comes from here: the layouts as the compiler sees them, as
//! assertions that every program checks which includes the header, and the defaults in the `_INIT` macros.

use cbindgen::{Builder, Config};
use oyez::ffi::*;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::mem::{align_of, offset_of, size_of};
use std::path::Path;

/// The parts of the header, in the order in which it is read: all files that have something for it, as a test sees to.
const PARTS: [&str; 14] = [
    "version",
    "status",
    "argument",
    "set",
    "byteset",
    "options",
    "event",
    "fanout",
    "receipt",
    "worker",
    "outbox",
    "stats",
    "member_list",
    "flush",
];

const END: &str = "#endif  /* OYEZ_H */\n";

#[test]
fn the_header_is_what_the_sources_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/oyez.h");
    let header = header();
    if std::env::var_os("OYEZ_WRITE_HEADER").is_some() {
        fs::write(&path, &header).unwrap();
    }
    let checked_in = fs::read_to_string(&path).unwrap_or_default();
    let difference = (1..).zip(checked_in.lines().zip(header.lines())).find(|(_, (old, new))| old != new);
    assert!(
        checked_in == header,
        "include/oyez.h is not what src/ffi says: write it with OYEZ_WRITE_HEADER=1. The first difference: {difference:?}"
    );
}

#[test]
fn every_file_that_has_something_for_the_header_is_one_of_its_parts() {
    let mut parts = BTreeSet::new();
    each_source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi"), &mut |path| {
        let source = fs::read_to_string(path).unwrap();
        let items = source.lines().filter_map(|line| line.strip_prefix("pub "));
        if source.contains("#[unsafe(no_mangle)]") || items.into_iter().any(is_exported) {
            parts.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    });
    assert_eq!(parts, PARTS.map(str::to_owned).into());
}

#[test]
fn every_struct_of_the_header_has_its_layout_in_it() {
    let (header, layouts) = (header(), layouts());
    let bodies = header.split("\ntypedef struct ").skip(1).filter_map(|rest| rest.split_once("\n} "));
    let mut structs = 0;
    for (name, fields) in bodies.filter_map(|(body, _)| body.split_once(" {\n")) {
        let layout = layouts.iter().find(|layout| layout.name == name).unwrap_or_else(|| panic!("no layout of {name}"));
        let fields = fields.lines().filter_map(|line| line.strip_suffix(';')).map(|field| {
            let name = field.rsplit([' ', '*']).next().unwrap();
            name.split('[').next().unwrap()
        });
        assert!(fields.eq(layout.fields.iter().map(|field| field.name)), "the fields of {name}");
        structs += 1;
    }
    assert_eq!(structs, layouts.len());
}

/// Or a field that a later version adds could come to lie where earlier programs have garbage.
#[test]
fn no_struct_has_a_hole_in_it_or_at_its_end() {
    for Layout { name, size, fields, .. } in layouts() {
        let mut end = 0;
        for field in fields {
            assert_eq!(field.offset, end, "before {} in {name}", field.name);
            end += field.size;
        }
        assert_eq!(size, end, "the end of {name}");
    }
}

#[test]
fn every_export_is_one_call_of_the_guard() {
    let mut exports = BTreeSet::new();
    for part in PARTS {
        let source = source(part);
        for export in source.split("#[unsafe(no_mangle)]\n").skip(1) {
            let (signature, rest) = export.split_once(" {\n").unwrap();
            let body = rest.split_once("\n}\n").unwrap().0;
            let name = signature.split_once("extern \"C\" fn ").unwrap().1.split('(').next().unwrap();
            assert!(is_guarded(body), "{name} does something outside of the guard:\n{body}");
            assert!(exports.insert(name.to_owned()), "{name} twice");
        }
    }
    let header = header();
    let declarations = header.split("/* What the structs").next().unwrap();
    let declared =
        declarations.lines().filter(|line| !line.starts_with([' ', '/', '#', '}']) && !line.contains("typedef"));
    let declared = declared.filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next());
    assert_eq!(declared.map(str::to_owned).collect::<BTreeSet<_>>(), exports);
}

#[test]
fn what_is_outside_of_the_guard_is_seen() {
    assert!(is_guarded("    guard_or((), || drop(set));"));
    assert!(is_guarded("    guard(|| {\n        Ok(())\n    })"));
    assert!(!is_guarded("    guard(|| Ok(()));\n    more()"));
    assert!(!is_guarded("    more(guard(|| Ok(())))"));
    assert!(!is_guarded("    guard(|| Ok(())) + more()"));
    assert!(!is_guarded("    let set = set.unwrap();\n    guard(|| drop(set))"));
}

#[test]
fn every_item_says_since_when_it_is_there_and_every_call_what_may_run_beside_it() {
    let beside = ["Concurrent", "Exclusive", "rom any thread", "No other call may have it", "Only while no worker"];
    let (mut items, mut calls) = (0, 0);
    for part in PARTS {
        let source = source(part);
        let mut docs = String::new();
        for line in source.lines() {
            if let Some(doc) = line.strip_prefix("///") {
                docs += doc;
            } else if let Some(item) = line.strip_prefix("pub ").filter(|item| is_exported(item)) {
                items += 1;
                assert!(docs.contains("Since 0.1."), "{part}: since when {item}");
                if item.contains("extern \"C\" fn") {
                    calls += 1;
                    assert!(docs.contains(" O("), "{part}: the cost of {item}");
                    assert!(beside.iter().any(|word| docs.contains(word)), "{part}: what may run beside {item}");
                }
            } else if !line.starts_with("#[") {
                docs.clear();
            }
        }
    }
    assert!(items > 100 && calls > 80, "{items} items and {calls} calls were read");
}

#[test]
fn a_call_has_its_object_as_const_if_it_is_concurrent_and_otherwise_not() {
    let header = header();
    let (mut concurrent, mut exclusive) = (0, 0);
    for item in header.split("\n/**\n").skip(1) {
        let (docs, item) = item.split_once("*/\n").unwrap();
        let Some((_, parameters)) = item.split(';').next().unwrap().split_once('(') else { continue };
        if docs.contains(" Concurrent") {
            assert!(parameters.starts_with("const struct oyez_"), "{item}");
            concurrent += 1;
        } else if docs.contains(" Exclusive") {
            assert!(parameters.starts_with("struct oyez_"), "{item}");
            exclusive += 1;
        }
    }
    assert!(concurrent > 40 && exclusive > 10, "{concurrent} and {exclusive} calls were read");
}

/// The families of numbers. What is told is never 0, so that a result that was not told cannot be taken for one; 0 among
/// what is asked for is the default.
#[test]
fn numbers_belong_to_a_family_and_count_from_1_if_they_are_told() {
    let told = ["ITEM_", "VERDICT_", "FATE_", "UPSERTED_", "ROW_", "OP_"];
    let asked = ["OVERLOAD_", "ON_PANIC_", "TOOK_"];
    let header = header();
    for (name, number) in header.lines().filter_map(|line| line.strip_prefix("#define OYEZ_")?.split_once(' ')) {
        let is_of = |families: &[&str]| families.iter().any(|family| name.starts_with(family));
        let is_status = name == "OK" || number.starts_with("(-");
        let is_other = name.starts_with("VERSION_") || ["ABI_VERSION", "ASSERT(fact)"].contains(&name);
        assert!(is_status || is_other || name.ends_with("_INIT") || is_of(&told) || is_of(&asked), "{name} {number}");
        assert!(!is_of(&told) || number != "0", "{name} is told");
    }
}

/// Whether it is a constant, a type or a call of the header.
fn is_exported(item: &str) -> bool {
    let words = item.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let mut words =
        words.skip_while(|word| ["const", "struct", "type", "unsafe", "extern", "", "C", "fn"].contains(word));
    words.next().is_some_and(|name| name.starts_with("oyez_") || name.starts_with("OYEZ_"))
}

/// rustfmt leaves comments as they are.
#[test]
fn no_line_is_longer_than_120_columns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut long = Vec::new();
    let mut look = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with("#define ")); // one line each
        long.extend(
            lines.filter(|(_, line)| line.chars().count() > 120).map(|(at, _)| format!("{}:{at}", path.display())),
        );
    };
    each_source(&root.join("src/ffi"), &mut look);
    look(&root.join("src/ffi.rs"));
    look(&root.join("include/oyez.h"));
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn nothing_else_exports_a_symbol() {
    let mut files = 0;
    each_source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut |path| {
        files += 1;
        let source = fs::read_to_string(path).unwrap();
        let exports = ["no_mangle", "export_name"].iter().any(|word| source.contains(word));
        assert!(!exports || path.parent().unwrap().ends_with("src/ffi"), "{}", path.display());
    });
    assert!(files > 30, "only {files} files were read");
}

fn each_source(directory: &Path, read: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => each_source(&path, read),
            false => read(&path),
        }
    }
}

fn source(part: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/ffi/{part}.rs"))).unwrap()
}

/// Whether a function's body is a call of `guard` or `guard_or` and nothing else.
fn is_guarded(body: &str) -> bool {
    let body = body.trim().trim_end_matches(';');
    let Some(arguments) = body.strip_prefix("guard(").or_else(|| body.strip_prefix("guard_or(")) else { return false };
    let mut open = 1;
    let end = arguments.find(|letter| {
        open += i32::from(letter == '(') - i32::from(letter == ')');
        open == 0
    });
    end == Some(arguments.len() - 1)
}

fn header() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = Config::from_file(root.join("cbindgen.toml")).unwrap();
    let builder = PARTS.iter().fold(Builder::new().with_config(config), |builder, part| {
        builder.with_src(root.join(format!("src/ffi/{part}.rs")))
    });
    let mut written = Vec::new();
    builder.generate().unwrap().write(&mut written);
    let written = String::from_utf8(written).unwrap();
    let written = written.strip_suffix(END).expect("the include guard is last");
    let declarations: String = written.split_inclusive('\n').map(parenthesised).collect();
    format!("{declarations}{}{}{END}", defaults(), assertions())
}

/// A negative number stays one wherever the macro is written.
fn parenthesised(line: &str) -> String {
    match line.trim_end().rsplit_once(' ') {
        Some((define, number)) if define.starts_with("#define ") && number.starts_with('-') => {
            format!("{define} ({number})\n")
        }
        _ => line.to_owned(),
    }
}

/// How the compiler lays out a struct, and what it starts as if it has an `_INIT` macro.
struct Layout {
    name: &'static str,
    size: usize,
    align: usize,
    fields: Vec<Field>,
    starts: Option<Vec<String>>,
}

struct Field {
    name: &'static str,
    offset: usize,
    size: usize,
}

/// The size of a field, which is shown only to name its type.
fn size_of_field<S, F>(_: impl Fn(&S) -> &F) -> usize {
    size_of::<F>()
}

/// How a default is written in C.
trait Literal {
    fn literal(&self) -> String;
}

macro_rules! literals {
    ($($number:ty)*) => { $(impl Literal for $number {
        fn literal(&self) -> String {
            self.to_string()
        }
    })* };
}

literals!(u32 u64 usize);

impl<T> Literal for *const T {
    fn literal(&self) -> String {
        assert!(self.is_null());
        "NULL".into()
    }
}

impl Literal for [u8; 64] {
    fn literal(&self) -> String {
        let numbers: Vec<String> = self.iter().map(u8::to_string).collect();
        format!("{{ {} }}", numbers.join(", "))
    }
}

macro_rules! layout {
    ($name:ident: $($field:ident)*) => {
        Layout {
            name: stringify!($name),
            size: size_of::<$name>(),
            align: align_of::<$name>(),
            fields: vec![$(Field {
                name: stringify!($field),
                offset: offset_of!($name, $field),
                size: size_of_field(|one: &$name| &one.$field),
            }),*],
            starts: None,
        }
    };
    ($name:ident starts: struct_size $($field:ident)*) => {
        Layout {
            starts: Some(vec![format!("sizeof({})", stringify!($name)), $($name::default().$field.literal()),*]),
            ..layout!($name: struct_size $($field)*)
        }
    };
}

fn layouts() -> Vec<Layout> {
    vec![
        layout!(oyez_bytes: data len),
        layout!(oyez_fanout_options starts: struct_size partitions on_panic sessions_per_partition_max
            topics_per_session_max events_per_session_max batch_max bytes_per_partition_max payload_bytes_max
            history_bytes_max log_sessions_min overload),
        layout!(oyez_session_options starts: struct_size window),
        layout!(oyez_member_list_options starts: struct_size members_max collation_bytes_max viewers_max windows_max
            window_rows_max),
        layout!(oyez_query starts: struct_size topics topics_count except except_count),
        layout!(oyez_event starts: struct_size order_key metadata payload payload_len event_class
            reserved),
        layout!(oyez_item: kind event_class sequence last_sequence missing order_key metadata payload payload_len
            reserved),
        layout!(oyez_fate: kind reserved ahead gap_first gap_last gap_missing),
        layout!(oyez_receipt_counts starts: struct_size sequence accepted partitions_refused sessions_refused
            sessions_overflowed),
        layout!(oyez_drained starts: struct_size sessions items ready overflowed panicked),
        layout!(oyez_stats starts: struct_size published refused gaps sessions topics subscriptions lagging partitions),
        layout!(oyez_partition_stats starts: struct_size sessions ready lagging parked unacknowledged events_held
            events_in_log bytes lag refused gaps panics events_behind),
        layout!(oyez_accounting starts: struct_size accepted delivered dropped shed discarded_disconnect
            discarded_partition_drop discarded_overflow discarded_unsubscribe abandoned pending),
        layout!(oyez_upserted: kind reserved from row),
        layout!(oyez_window: first last),
        layout!(oyez_list_stats starts: struct_size members rows viewers view_groups flushes syncs synced_rows),
        layout!(oyez_row: kind reserved id),
        layout!(oyez_list_op: kind reserved first last rows rows_count),
        layout!(oyez_update: viewers viewers_count ops ops_count),
        layout!(oyez_group_count: group members),
    ]
}

/// The `_INIT` macros.
fn defaults() -> String {
    let mut text = "\n/* What the structs that begin with their size start as: the defaults, or zero. */\n".to_owned();
    for layout in layouts() {
        let Some(starts) = layout.starts else { continue };
        writeln!(text, "#define {}_INIT {{ {} }}", layout.name.to_uppercase(), starts.join(", ")).unwrap();
    }
    text
}

/// Layouts, where a program can check them: in C from C11 on, in C++ from C++11 on, where pointers have 64 bits.
fn assertions() -> String {
    let mut text = "\n/* Layouts as the library has them. */\n\
        #if UINTPTR_MAX == UINT64_MAX\n\
        #if defined(__cplusplus) && __cplusplus >= 201103L\n\
        #define OYEZ_ASSERT(fact) static_assert(fact, #fact)\n\
        #elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L\n\
        #define OYEZ_ASSERT(fact) _Static_assert(fact, #fact)\n\
        #endif\n\
        #endif\n\
        #ifdef OYEZ_ASSERT\n"
        .to_owned();
    for Layout { name, size, align, fields, .. } in layouts() {
        writeln!(text, "OYEZ_ASSERT(sizeof({name}) == {size});").unwrap();
        for Field { name: field, offset, .. } in fields {
            writeln!(text, "OYEZ_ASSERT(offsetof({name}, {field}) == {offset});").unwrap();
        }
        assert_eq!(size % align, 0);
    }
    text + "#undef OYEZ_ASSERT\n#endif\n\n"
}
