//! What the store's process asked of the system, in order: a recording of strace, read.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The calls that change files, or that would and must therefore be noticed.
pub const CALLS: &str = "open,openat,creat,write,pwrite64,writev,pwritev,pwritev2,lseek,ftruncate,truncate,fallocate,\
    fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,link,linkat,symlink,symlinkat,\
    copy_file_range,sendfile,splice,mmap,io_uring_setup,sync,syncfs";

/// One thing that happened, below the directory that is watched; paths are as the process used them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    MakeDirectory(PathBuf),
    /// The file was made if it was not there, and emptied if `truncate`.
    Open {
        path: PathBuf,
        truncate: bool,
    },
    Write {
        path: PathBuf,
        at: u64,
        data: Vec<u8>,
    },
    Truncate {
        path: PathBuf,
        length: u64,
    },
    /// Space was reserved up to here; the file is at least so long.
    Allocate {
        path: PathBuf,
        end: u64,
    },
    /// A sync returned. What had been done before event number `began` is on the medium.
    Sync {
        path: PathBuf,
        began: usize,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove(PathBuf),
    /// A line that the process began to print: what it acknowledged.
    Said(String),
}

/// Reads a recording made with `strace -f -qq -y -xx` of [`CALLS`]. Panics at anything it does not know.
pub fn read(text: &str, root: &Path) -> Vec<Event> {
    let mut reader = Reader { root, events: Vec::new(), places: HashMap::new() };
    let mut begun: HashMap<&str, (String, usize)> = HashMap::new();
    for line in text.lines() {
        let (thread, rest) = line.split_once(' ').expect("a thread's number");
        let rest = rest.trim_start();
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if let Some(start) = rest.strip_suffix("<unfinished ...>") {
            reader.hear(start);
            begun.insert(thread, (start.trim_end().to_owned(), reader.events.len()));
        } else if let Some((_, end)) = rest.split_once(" resumed>") {
            let (start, began) = begun.remove(thread).expect("a call that began");
            reader.call(&(start + end.trim_start()), began);
        } else {
            reader.hear(rest);
            reader.call(rest, reader.events.len());
        }
    }
    reader.events
}

struct Reader<'a> {
    root: &'a Path,
    events: Vec<Event>,
    /// Where each open file is written next.
    places: HashMap<String, u64>,
}

impl Reader<'_> {
    /// What is printed counts from the moment when the call begins: the other end may know it from then on.
    fn hear(&mut self, call: &str) {
        if let Some(rest) = call.strip_prefix("write(1<") {
            let data = rest.split('"').nth(1).map(bytes).unwrap_or_default();
            let text = String::from_utf8(data).expect("what it prints is text");
            self.events.extend(
                text.lines().filter(|line| !line.is_empty()).map(|line| Event::Said(line.to_owned())),
            );
        }
    }

    fn call(&mut self, text: &str, began: usize) {
        let (call, result) = text.rsplit_once(" = ").unwrap_or_else(|| panic!("no result: {text:.200}"));
        let (name, arguments) = call.trim_end().split_once('(').expect("a call");
        let arguments: Vec<&str> = arguments.strip_suffix(')').expect("its end").split(", ").collect();
        let result = result.split(['<', ' ']).next().unwrap_or_default();
        if result.starts_with('-') || result == "?" {
            return;
        }
        let number = |place: usize| arguments[place].parse::<u64>().expect("a number");
        let of_descriptor = || {
            let (descriptor, path) = arguments[0].split_once('<')?;
            Some((descriptor.to_owned(), self.inside(path.trim_end_matches('>'))?))
        };
        let named = |place: usize| self.inside(arguments[place].trim_matches('"'));
        let mut event = None;
        match name {
            "openat" => {
                let Some(path) = named(1) else { return };
                self.places.insert(result.to_owned(), 0);
                let flags = arguments[2];
                assert!(!flags.contains("O_APPEND") && !flags.contains("O_TMPFILE"), "{text}");
                if flags.contains("O_CREAT") || flags.contains("O_TRUNC") {
                    event = Some(Event::Open { path, truncate: flags.contains("O_TRUNC") });
                }
            }
            "lseek" => {
                if let Some((descriptor, _)) = of_descriptor() {
                    self.places.insert(descriptor, result.parse().expect("a place"));
                }
            }
            "write" | "pwrite64" => {
                let Some((descriptor, path)) = of_descriptor() else { return };
                let mut data = bytes(arguments[1].trim_matches('"'));
                data.truncate(result.parse().expect("a length"));
                let at = if name == "write" {
                    let place = self.places.get_mut(&descriptor).expect("a known place");
                    let at = *place;
                    *place += data.len() as u64;
                    at
                } else {
                    number(3)
                };
                event = Some(Event::Write { path, at, data });
            }
            "ftruncate" => {
                event = of_descriptor().map(|(_, path)| Event::Truncate { path, length: number(1) });
            }
            "fallocate" => {
                event = of_descriptor().map(|(_, path)| {
                    assert_eq!(arguments[1], "0", "only plain reservations: {text}");
                    Event::Allocate { path, end: number(2) + number(3) }
                });
            }
            "fsync" | "fdatasync" => event = of_descriptor().map(|(_, path)| Event::Sync { path, began }),
            "rename" => {
                event = named(0).zip(named(1)).map(|(from, to)| Event::Rename { from, to });
            }
            "renameat" | "renameat2" => {
                event = named(1).zip(named(3)).map(|(from, to)| Event::Rename { from, to });
            }
            "unlink" | "rmdir" => event = named(0).map(Event::Remove),
            "unlinkat" => event = named(1).map(Event::Remove),
            "mkdir" => event = named(0).map(Event::MakeDirectory),
            "mkdirat" => event = named(1).map(Event::MakeDirectory),
            "mmap" => {
                let shared = arguments[3].contains("MAP_SHARED") && arguments[2].contains("PROT_WRITE");
                let file = arguments.get(4).and_then(|file| file.split_once('<'));
                let inside = file.is_some_and(|(_, path)| self.inside(path.trim_end_matches('>')).is_some());
                assert!(!(shared && inside), "writes through memory are not recorded: {text}");
            }
            other => {
                let inside = arguments.iter().any(|argument| {
                    let path = argument.split_once('<').map_or(*argument, |(_, path)| path);
                    self.inside(path.trim_matches(['"', '>'])).is_some()
                });
                assert!(!inside && other != "io_uring_setup", "a call that is not modelled: {text:.300}");
            }
        }
        self.events.extend(event);
    }

    /// The path when it lies in the directory that is watched.
    fn inside(&self, escaped: &str) -> Option<PathBuf> {
        if !escaped.starts_with("\\x") {
            return None;
        }
        let path = PathBuf::from(OsString::from_vec(bytes(escaped)));
        path.starts_with(self.root).then_some(path)
    }
}

/// `\x41\x42` as bytes.
fn bytes(escaped: &str) -> Vec<u8> {
    let byte = |digits: &[u8]| {
        let digit = |digit: u8| char::from(digit).to_digit(16).expect("a digit") as u8;
        digit(digits[2]) << 4 | digit(digits[3])
    };
    assert!(!escaped.contains("..."), "strace has cut a text");
    escaped.as_bytes().chunks_exact(4).map(byte).collect()
}
