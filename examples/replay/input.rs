//! The log files behind the command line's paths, in name order.
//!
//! A path is a log file, a directory (every log below it: `.log`, `.txt`, no extension, or packed), a `.tar.xz` or
//! `.tar` archive (every file in it), an `.xz` file, or `-` for standard input. Paths are taken in the order given, and
//! what one path stands for is taken in name order, compared component by component: logs are named by date, so the
//! days come in turn. An archive's own order is whatever the packer met first, which is why an archive is unpacked
//! whole, into memory, before its first file is given out. That also finds a damaged archive before anything is
//! replayed. Other files are read only when their turn comes.
//!
//! Nothing may use more memory than it says it will: whatever is unpacked or read stops at [`BYTES_MAX`].

use std::ffi::OsString;
use std::fmt::{self, Write as _};
use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::str::Utf8Error;
use std::vec;

use lzma_rust2::XzReader;
use tar::Archive;

/// The most that all archives together may unpack to, and that any other one file may hold.
pub const BYTES_MAX: u64 = 4 << 30;

/// A dictionary larger than this is no log archive's: `xz -9` asks for 64 MiB.
const DICTIONARY_KIB_MAX: u32 = 256 << 10;

/// A log file as it was found, not yet text.
#[derive(Debug, PartialEq, Eq)]
pub struct LogFile {
    /// The path it was found under; inside an archive, the archive's path and the name in it.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl LogFile {
    /// The lines with their numbers, counted from 1, without line ends (`\n` or `\r\n`).
    ///
    /// A line that is not UTF-8 keeps its number and place. An empty file has no lines; a missing last line end makes
    /// no difference.
    pub fn lines(&self) -> impl Iterator<Item = (usize, Result<&str, Utf8Error>)> {
        self.bytes
            .split_inclusive(|&byte| byte == b'\n')
            .map(without_line_end)
            .enumerate()
            .map(|(index, line)| (index + 1, str::from_utf8(line)))
    }
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The log files of a command line, in order. A file that cannot be read is an `Err` in its place.
#[derive(Debug)]
pub struct Input {
    pending: vec::IntoIter<Pending>,
    bytes: Option<u64>,
    passed_by: u64,
}

#[derive(Debug)]
enum Pending {
    Stdin,
    File(PathBuf),
    Unpacked(LogFile),
}

/// Finds the log files behind `paths` and unpacks archives; see the [module](self) for what a path may be.
///
/// # Errors
///
/// The first path that does not exist, holds no files, cannot be opened, is damaged or is too large.
pub fn open(paths: &[PathBuf]) -> Result<Input, InputError> {
    let mut search = Search { found: Vec::new(), bytes: Some(0), passed_by: 0, unpacked_left: BYTES_MAX };
    for path in paths {
        search.path(path)?;
    }
    Ok(Input { pending: search.found.into_iter(), bytes: search.bytes, passed_by: search.passed_by })
}

impl Input {
    /// The size of all files together, unpacked; `None` if a path is a stream, whose end nobody knows.
    ///
    /// A file that grows between [`open`] and its turn gives more bytes than counted here.
    pub fn total_bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// Files in the directories that are no logs by their names: a README beside them.
    pub fn passed_by(&self) -> u64 {
        self.passed_by
    }
}

impl Iterator for Input {
    type Item = Result<LogFile, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.pending.next()? {
            Pending::Stdin => read_log(Path::new(STDIN), io::stdin().lock()),
            Pending::File(path) => open_file(&path).and_then(|file| read_log(&path, file)),
            Pending::Unpacked(log) => Ok(log),
        })
    }
}

/// The path that stands for standard input.
const STDIN: &str = "-";

fn open_file(path: &Path) -> Result<File, InputError> {
    File::open(path).map_err(|cause| InputError::unreadable(path, cause))
}

fn read_log(path: &Path, reader: impl Read) -> Result<LogFile, InputError> {
    let mut bytes = Vec::new();
    Metered::new(reader, BYTES_MAX).read_to_end(&mut bytes).map_err(|cause| InputError::unreadable(path, cause))?;
    Ok(LogFile { name: path.display().to_string(), bytes })
}

/// What is found while the paths are gone through.
struct Search {
    found: Vec<Pending>,
    bytes: Option<u64>,
    passed_by: u64,
    unpacked_left: u64,
}

impl Search {
    fn path(&mut self, path: &Path) -> Result<(), InputError> {
        if path == Path::new(STDIN) {
            self.add(Pending::Stdin, None);
            return Ok(());
        }
        let metadata = metadata(path)?;
        if !metadata.is_dir() {
            return self.file(path, &metadata);
        }
        let found_before = self.found.len();
        self.directory(path)?;
        if self.found.len() == found_before {
            return Err(InputError::NoFiles { path: path.into() });
        }
        Ok(())
    }

    /// Follows links to files but not to directories, so that a loop of links ends. Pipes and devices are passed
    /// over: reading one that was not asked for by name may never end.
    fn directory(&mut self, directory: &Path) -> Result<(), InputError> {
        for name in sorted_names(directory)? {
            let path = directory.join(name);
            let metadata = metadata(&path)?;
            if metadata.is_file() {
                if is_log(&path) {
                    self.file(&path, &metadata)?;
                } else {
                    self.passed_by += 1;
                }
            } else if metadata.is_dir() && !path.is_symlink() {
                self.directory(&path)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, metadata: &Metadata) -> Result<(), InputError> {
        match Packing::of(path) {
            Packing::TarXz => self.archive(path, xz(open_file(path)?)),
            Packing::Tar => self.archive(path, BufReader::new(open_file(path)?)),
            Packing::Xz => self.xz_file(path),
            Packing::None => self.plain_file(path, metadata),
        }
    }

    fn plain_file(&mut self, path: &Path, metadata: &Metadata) -> Result<(), InputError> {
        let size = metadata.is_file().then_some(metadata.len());
        if size.is_some() {
            // Said now rather than when half of the logs are replayed. A pipe can be opened only once.
            open_file(path)?;
        }
        self.add(Pending::File(path.into()), size);
        Ok(())
    }

    fn xz_file(&mut self, path: &Path) -> Result<(), InputError> {
        let mut bytes = Vec::new();
        Metered::new(xz(open_file(path)?), self.unpacked_left)
            .read_to_end(&mut bytes)
            .map_err(|cause| InputError::damaged(path, cause))?;
        self.add_unpacked(LogFile { name: path.with_extension("").display().to_string(), bytes });
        Ok(())
    }

    fn archive(&mut self, path: &Path, reader: impl Read) -> Result<(), InputError> {
        let mut members =
            unpack(Metered::new(reader, self.unpacked_left)).map_err(|cause| InputError::damaged(path, cause))?;
        if members.is_empty() {
            return Err(InputError::NoFiles { path: path.into() });
        }
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (name, bytes) in members {
            let name = path.join(name).display().to_string();
            self.add_unpacked(LogFile { name, bytes });
        }
        Ok(())
    }

    fn add_unpacked(&mut self, log: LogFile) {
        let size = log.bytes.len() as u64;
        self.unpacked_left = self.unpacked_left.saturating_sub(size);
        self.add(Pending::Unpacked(log), Some(size));
    }

    fn add(&mut self, pending: Pending, size: Option<u64>) {
        self.bytes = self.bytes.zip(size).map(|(bytes, size)| bytes + size);
        self.found.push(pending);
    }
}

fn metadata(path: &Path) -> Result<Metadata, InputError> {
    fs::metadata(path).map_err(|cause| InputError::unreadable(path, cause))
}

fn sorted_names(directory: &Path) -> Result<Vec<OsString>, InputError> {
    let names =
        |directory| fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
    let mut names = names(directory).map_err(|cause| InputError::unreadable(directory, cause))?;
    names.sort();
    Ok(names)
}

/// Whether a file in a directory is a log, by its name. One that is named on the command line is read whatever its
/// name.
fn is_log(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    let is_packed = !matches!(Packing::of(path), Packing::None);
    is_packed || extension.is_none_or(|extension| extension == "log" || extension == "txt")
}

/// How a file is packed, by its name: a log has no signature that could tell it from the others.
enum Packing {
    TarXz,
    Tar,
    Xz,
    None,
}

impl Packing {
    fn of(path: &Path) -> Self {
        let name = path.to_string_lossy().to_ascii_lowercase();
        if name.ends_with(".tar.xz") || name.ends_with(".txz") {
            Packing::TarXz
        } else if name.ends_with(".tar") {
            Packing::Tar
        } else if name.ends_with(".xz") {
            Packing::Xz
        } else {
            Packing::None
        }
    }
}

fn xz(file: File) -> impl Read {
    let streams_may_follow = true; // parallel packers write several
    XzReader::new_mem_limit(BufReader::new(file), streams_may_follow, DICTIONARY_KIB_MAX)
}

/// The files of a tar stream, in the stream's order.
fn unpack(mut stream: Metered<impl Read>) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut members = Vec::new();
    for entry in Archive::new(&mut stream).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let name = plain_name(&entry.path()?);
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            members.push((name, bytes));
        }
    }
    // The tar reader is content with a stream that stops between two members, and never reads what comes after the
    // end mark, where the checksums of the compression are.
    io::copy(&mut stream, &mut io::sink())?;
    if stream.zeros_at_end < TAR_BLOCK_BYTES {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no end mark"));
    }
    Ok(members)
}

/// A tar stream ends with at least one block of zeros.
const TAR_BLOCK_BYTES: u64 = 512;

/// The name without `./`, `/` and `..`, so that packers who write them sort and print like those who do not.
fn plain_name(path: &Path) -> PathBuf {
    path.components().filter(|component| matches!(component, Component::Normal(_))).collect()
}

/// A reader that refuses to give more than it may, and knows how its stream ended.
struct Metered<R> {
    reader: R,
    bytes_left: u64,
    zeros_at_end: u64,
}

impl<R> Metered<R> {
    fn new(reader: R, bytes_max: u64) -> Self {
        Metered { reader, bytes_left: bytes_max, zeros_at_end: 0 }
    }

    fn note_zeros(&mut self, bytes: &[u8]) {
        match bytes.iter().rev().position(|&byte| byte != 0) {
            Some(zeros) => self.zeros_at_end = zeros as u64,
            None => self.zeros_at_end += bytes.len() as u64,
        }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.bytes_left = self.bytes_left.checked_sub(count as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        self.note_zeros(&buffer[..count]);
        Ok(count)
    }
}

/// Why the input cannot be had. Prints as one line that names the path and the cause.
#[derive(Debug)]
pub enum InputError {
    /// Nothing is called that.
    NoSuchFile { path: PathBuf },
    /// The directory or archive is there, but no file is in it.
    NoFiles { path: PathBuf },
    /// It is there and cannot be opened or read.
    Unreadable { path: PathBuf, cause: io::Error },
    /// The archive or compressed file is cut short, damaged, or none at all.
    Damaged { path: PathBuf, cause: io::Error },
    /// It holds, or unpacks to, more than [`BYTES_MAX`].
    TooLarge { path: PathBuf },
}

impl InputError {
    fn unreadable(path: &Path, cause: io::Error) -> Self {
        let path = path.into();
        match cause.kind() {
            io::ErrorKind::NotFound => InputError::NoSuchFile { path },
            io::ErrorKind::FileTooLarge => InputError::TooLarge { path },
            _ => InputError::Unreadable { path, cause },
        }
    }

    fn damaged(path: &Path, cause: io::Error) -> Self {
        let path = path.into();
        match cause.kind() {
            io::ErrorKind::FileTooLarge => InputError::TooLarge { path },
            _ => InputError::Damaged { path, cause },
        }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputError::NoSuchFile { path } => {
                write!(f, "{}: no such file or directory", Shown(path))
            }
            InputError::NoFiles { path } => write!(f, "{}: no logs in it", Shown(path)),
            InputError::Unreadable { path, cause } => {
                write!(f, "{}: cannot be read: {}", Shown(path), Whole(cause))
            }
            InputError::Damaged { path, cause } => {
                let path = Shown(path);
                write!(f, "{path}: damaged or cut short: {}", Whole(cause))
            }
            InputError::TooLarge { path } => {
                let limit_gib = BYTES_MAX >> 30;
                write!(f, "{}: too large: over {limit_gib} GiB", Shown(path))
            }
        }
    }
}

impl std::error::Error for InputError {}

/// A path in a message: quoted, so that a line end in a name cannot break the line.
struct Shown<'a>(&'a Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Path::new(STDIN) { f.write_str("standard input") } else { write!(f, "{:?}", self.0) }
    }
}

/// A cause with its own causes, on one line.
///
/// The tar reader's errors say where, and only their sources say what; they quote the header they could not read,
/// which in a damaged archive may be anything.
struct Whole<'a>(&'a io::Error);

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_printable(f, &self.0.to_string())?;
        let mut source = std::error::Error::source(self.0);
        while let Some(cause) = source {
            f.write_str(": ")?;
            write_printable(f, &cause.to_string())?;
            source = cause.source();
        }
        Ok(())
    }
}

fn write_printable(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.chars()
        .map(|letter| if letter.is_control() { '\u{FFFD}' } else { letter })
        .try_for_each(|letter| f.write_char(letter))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::{env, process, slice};

    use lzma_rust2::{XzOptions, XzWriter};

    use super::*;

    /// A directory of its own for one test, removed when the test ends, passed or failed.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("oyez-replay-input-{}-{count}", process::id());
            let path = env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Scratch(path)
        }

        fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            path
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn tar_of(members: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, text) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn xz_of(bytes: &[u8]) -> Vec<u8> {
        let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    /// Each file as its last name component and its text.
    fn read(paths: &[PathBuf]) -> Vec<(String, String)> {
        open(paths)
            .unwrap()
            .map(|log| {
                let log = log.unwrap();
                let name = Path::new(&log.name).file_name().unwrap();
                let text = String::from_utf8(log.bytes.clone()).unwrap();
                (name.to_str().unwrap().to_owned(), text)
            })
            .collect()
    }

    fn names(paths: &[PathBuf]) -> Vec<String> {
        read(paths).into_iter().map(|(name, _)| name).collect()
    }

    fn refusal(path: PathBuf) -> InputError {
        open(&[path]).unwrap_err()
    }

    #[test]
    fn lines_have_numbers_and_no_ends() {
        let log = LogFile { name: "x".into(), bytes: b"one\r\n\ntw\xFFo\nthree".to_vec() };
        let lines: Vec<_> = log.lines().map(|(number, line)| (number, line.ok())).collect();
        assert_eq!(lines, [(1, Some("one")), (2, Some("")), (3, None), (4, Some("three"))]);
    }

    #[test]
    fn no_bytes_are_no_lines() {
        let scratch = Scratch::new();
        let path = scratch.write("empty.log", "");
        let input = open(&[path]).unwrap();
        assert_eq!(input.total_bytes(), Some(0));
        assert_eq!(input.map(|log| log.unwrap().lines().count()).sum::<usize>(), 0);
        let no_paths = open(&[]).unwrap();
        assert_eq!(no_paths.total_bytes(), Some(0));
        assert_eq!(no_paths.count(), 0);
    }

    #[test]
    fn a_directory_gives_its_files_in_name_order() {
        let scratch = Scratch::new();
        for name in ["b.log", "a/2.log", "a/1.log", "a.log", "c/d/e.log"] {
            scratch.write(name, name);
        }
        let input = open(slice::from_ref(&scratch.0)).unwrap();
        assert_eq!(input.total_bytes(), Some(5 + 7 + 7 + 5 + 9));
        assert_eq!(names(slice::from_ref(&scratch.0)), ["1.log", "2.log", "a.log", "b.log", "e.log"]);
    }

    #[test]
    fn paths_keep_the_order_given() {
        let scratch = Scratch::new();
        let late = scratch.write("late.log", "2");
        let early = scratch.write("early.log", "1");
        assert_eq!(names(&[late.clone(), early, late]), ["late.log", "early.log", "late.log"]);
    }

    #[test]
    fn an_archive_gives_its_files_in_name_order() {
        let scratch = Scratch::new();
        let members = [("./2005-01-02.log", "second\n"), ("2004-12-25.log", "first\n"), ("later/2003.log", "third\n")];
        let archive = tar_of(&members);
        let expected = [
            ("2004-12-25.log".to_owned(), "first\n".to_owned()),
            ("2005-01-02.log".to_owned(), "second\n".to_owned()),
            ("2003.log".to_owned(), "third\n".to_owned()),
        ];
        for path in [
            scratch.write("logs.tar", &archive),
            scratch.write("logs.tar.xz", xz_of(&archive)),
            scratch.write("LOGS.TXZ", xz_of(&archive)),
        ] {
            let bytes = open(slice::from_ref(&path)).unwrap().total_bytes();
            assert_eq!(bytes, Some(6 + 7 + 6));
            assert_eq!(read(&[path]), expected);
        }
    }

    #[test]
    fn an_archive_is_named_with_its_members() {
        let scratch = Scratch::new();
        let path = scratch.write("logs.tar", tar_of(&[("./a.log", "x")]));
        let log = open(slice::from_ref(&path)).unwrap().next().unwrap().unwrap();
        assert_eq!(Path::new(&log.name), path.join("a.log"));
    }

    #[test]
    fn a_single_file_may_be_compressed_in_several_streams() {
        let scratch = Scratch::new();
        let bytes = [xz_of(b"one\n"), xz_of(b"two\n")].concat();
        let path = scratch.write("day.log.xz", bytes);
        assert_eq!(read(&[path]), [("day.log".to_owned(), "one\ntwo\n".to_owned())]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let scratch = Scratch::new();
        let error = refusal(scratch.path("gone.log"));
        assert!(matches!(error, InputError::NoSuchFile { .. }), "{error:?}");
        assert_eq!(error.to_string(), format!("{:?}: no such file or directory", scratch.path("gone.log")));
        let removed = scratch.write("removed.log", "x");
        let mut input = open(slice::from_ref(&removed)).unwrap();
        fs::remove_file(removed).unwrap();
        let late = input.next().unwrap().unwrap_err();
        assert!(matches!(late, InputError::NoSuchFile { .. }), "{late:?}");
    }

    #[test]
    fn what_is_no_log_by_its_name_is_passed_by_in_a_directory() {
        let scratch = Scratch::new();
        for name in ["README.md", "a.log", "b.txt", "c", "d.LOG", "e.html"] {
            scratch.write(name, "[01:00] <a> hi\n");
        }
        let input = open(&[scratch.path("")]).unwrap();
        assert_eq!(input.passed_by(), 2);
        assert_eq!(input.count(), 4);
        assert_eq!(open(&[scratch.path("README.md")]).unwrap().count(), 1, "asked for by name");
    }

    #[test]
    fn nothing_inside_is_said() {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.path("empty/inner")).unwrap();
        let error = refusal(scratch.path("empty"));
        assert!(matches!(error, InputError::NoFiles { .. }), "{error:?}");
        let error = refusal(scratch.write("empty.tar", tar_of(&[])));
        assert!(matches!(error, InputError::NoFiles { .. }), "{error:?}");
    }

    #[test]
    fn a_truncated_archive_is_refused_wherever_it_was_cut() {
        let scratch = Scratch::new();
        let text = "[11:27] <bob> which release is this?\n".repeat(40);
        let archive = tar_of(&[("a.log", &text), ("b.log", &text)]);
        let compressed = xz_of(&archive);
        for cut in 0..compressed.len() {
            let path = scratch.write("cut.tar.xz", &compressed[..cut]);
            let error = refusal(path);
            assert!(matches!(error, InputError::Damaged { .. }), "{cut}: {error}");
        }
        let end_mark = archive.len() - 1024;
        for cut in (0..end_mark).step_by(128) {
            let path = scratch.write("cut.tar", &archive[..cut]);
            let error = refusal(path);
            assert!(matches!(error, InputError::Damaged { .. }), "{cut}: {error}");
        }
    }

    #[test]
    fn what_is_no_archive_is_refused_in_one_line() {
        let scratch = Scratch::new();
        let text = "[11:27] <bob> this is no archive\n".repeat(100);
        for name in ["log.tar.xz", "log.tar", "log.xz"] {
            let error = refusal(scratch.write(name, &text));
            assert!(matches!(error, InputError::Damaged { .. }), "{error:?}");
            let message = error.to_string();
            assert!(message.contains(name), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn damage_inside_an_archive_is_found_by_its_checksum() {
        let scratch = Scratch::new();
        let mut compressed = xz_of(&tar_of(&[("a.log", "which release is this?\n")]));
        let middle = compressed.len() / 2;
        compressed[middle] ^= 0x10;
        let error = refusal(scratch.write("bad.tar.xz", compressed));
        assert!(matches!(error, InputError::Damaged { .. }), "{error:?}");
    }

    #[test]
    fn a_reader_stops_at_its_limit() {
        let mut bytes = Vec::new();
        let exact = Metered::new(&b"12345"[..], 5).read_to_end(&mut bytes);
        assert_eq!(exact.unwrap(), 5);
        let cause = Metered::new(io::repeat(0), 100_000).read_to_end(&mut bytes).unwrap_err();
        let error = InputError::damaged(Path::new("bomb.xz"), cause);
        assert_eq!(error.to_string(), "\"bomb.xz\": too large: over 4 GiB");
    }

    #[test]
    fn a_limit_inside_a_tar_is_still_told_as_one() {
        let archive = tar_of(&[("a.log", "x"), ("b.log", &"x".repeat(9_000))]);
        let cause = unpack(Metered::new(&archive[..], 4_000)).unwrap_err();
        let error = InputError::damaged(Path::new("logs.tar"), cause);
        assert!(matches!(error, InputError::TooLarge { .. }), "{error:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_loop_of_links_ends() {
        let scratch = Scratch::new();
        scratch.write("logs/a.log", "x");
        std::os::unix::fs::symlink(&scratch.0, scratch.path("logs/loop")).unwrap();
        assert_eq!(names(&[scratch.path("logs")]), ["a.log"]);
    }
}
