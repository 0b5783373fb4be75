//! A disk with a write cache, and what a power cut may leave on it.
//!
//! Contents: what was written to a file since its last sync may be there, may be missing, or be torn between sectors,
//! each write for itself (so writes reach the medium in any order). The file's length likewise.
//! Names: what was done to a directory since its last sync is there up to some point, as a journal would have it.
//! A sync of a file makes its contents durable, not its name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::trace::Event;

/// Reaches the medium as a whole or not at all.
const SECTOR: u64 = 512;

#[derive(Clone, Debug)]
enum Change {
    Write { at: u64, data: Vec<u8> },
    Truncate(u64),
    Allocate(u64),
}

#[derive(Clone, Debug)]
enum Naming {
    Add { path: PathBuf, node: usize },
    Remove(PathBuf),
    Rename { from: PathBuf, to: PathBuf },
}

#[derive(Clone, Debug, Default)]
struct Node {
    is_directory: bool,
    durable: Vec<u8>,
    /// Not yet synced, with the number of the event, in order.
    pending: Vec<(usize, Change)>,
}

/// The disk while it runs.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
    nodes: Vec<Node>,
    /// Names as the running system sees them, and as they are on the medium.
    live: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// Not yet synced, by directory.
    pending: BTreeMap<PathBuf, Vec<(usize, Naming)>>,
}

/// What is found after the cut: relative paths; `None` is a directory.
pub type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// What happens to what was not synced.
pub enum Cut<'a> {
    /// All of it is lost.
    Dropped,
    /// All of it is there: the recording's prefix as it stands.
    Kept,
    /// Chance decides, write by write and sector by sector.
    Torn(&'a mut Chance),
}

impl Disk {
    /// An empty directory that is on the medium.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            nodes: Vec::new(),
            live: BTreeMap::new(),
            durable: BTreeMap::new(),
            pending: BTreeMap::new(),
        }
    }

    /// Carries out event number `number`.
    pub fn apply(&mut self, number: usize, event: &Event) {
        match event {
            Event::MakeDirectory(path) => self.add(number, path, true),
            Event::Open { path, truncate } => {
                if !self.live.contains_key(path) {
                    self.add(number, path, false);
                } else if *truncate {
                    self.change(number, path, Change::Truncate(0));
                }
            }
            Event::Write { path, at, data } => {
                self.change(number, path, Change::Write { at: *at, data: data.clone() });
            }
            Event::Truncate { path, length } => self.change(number, path, Change::Truncate(*length)),
            Event::Allocate { path, end } => self.change(number, path, Change::Allocate(*end)),
            Event::Sync { path, began } => self.sync(path, *began),
            Event::Rename { from, to } => {
                assert_eq!(from.parent(), to.parent(), "renaming between directories is not modelled");
                let moved: Vec<_> = self.live.keys().filter(|path| path.starts_with(from)).cloned().collect();
                for path in moved {
                    if let (Some(node), Ok(below)) = (self.live.remove(&path), path.strip_prefix(from)) {
                        self.live.insert(join(to, below), node);
                    }
                }
                self.name(number, from, Naming::Rename { from: from.clone(), to: to.clone() });
            }
            Event::Remove(path) => {
                self.live.remove(path);
                self.name(number, path, Naming::Remove(path.clone()));
            }
            Event::Said(_) => {}
        }
    }

    fn add(&mut self, number: usize, path: &Path, is_directory: bool) {
        let node = self.nodes.len();
        self.nodes.push(Node { is_directory, ..Node::default() });
        self.live.insert(path.to_owned(), node);
        self.name(number, path, Naming::Add { path: path.to_owned(), node });
    }

    fn name(&mut self, number: usize, path: &Path, naming: Naming) {
        let directory = path.parent().expect("it lies in a directory");
        self.pending.entry(directory.to_owned()).or_default().push((number, naming));
    }

    fn change(&mut self, number: usize, path: &Path, change: Change) {
        // A file that was removed while it is open can't be found after the cut whatever is written to it.
        if let Some(node) = self.live.get(path) {
            self.nodes[*node].pending.push((number, change));
        }
    }

    fn sync(&mut self, path: &Path, began: usize) {
        if let Some(node) = self.live.get(path).map(|node| &mut self.nodes[*node])
            && !node.is_directory
        {
            let later = node.pending.iter().position(|(number, _)| *number >= began);
            for (_, change) in node.pending.drain(..later.unwrap_or(node.pending.len())) {
                whole(&mut node.durable, &change);
            }
            return;
        }
        if let Some(pending) = self.pending.get_mut(path) {
            let later = pending.iter().position(|(number, _)| *number >= began);
            for (_, naming) in pending.drain(..later.unwrap_or(pending.len())) {
                rename(&mut self.durable, naming);
            }
        }
    }

    /// What a cut at this moment leaves.
    pub fn cut(&self, mut how: Cut<'_>) -> Tree {
        let mut names = self.durable.clone();
        for pending in self.pending.values() {
            let up_to = match &mut how {
                Cut::Dropped => 0,
                Cut::Kept => pending.len(),
                Cut::Torn(chance) => chance.below(pending.len() as u64 + 1) as usize,
            };
            pending[..up_to].iter().for_each(|(_, naming)| rename(&mut names, naming.clone()));
        }
        let mut tree = Tree::new();
        // A name is found only where its directory is; parents come before what is in them.
        for (path, node) in names {
            let Ok(relative) = path.strip_prefix(&self.root) else { continue };
            let parent = relative.parent().expect("the root itself has no event");
            if parent != Path::new("") && !tree.contains_key(parent) {
                continue;
            }
            let node = &self.nodes[node];
            let contents = (!node.is_directory).then(|| node.after(&mut how));
            tree.insert(relative.to_owned(), contents);
        }
        tree
    }
}

impl Node {
    fn after(&self, how: &mut Cut<'_>) -> Vec<u8> {
        let mut contents = self.durable.clone();
        match how {
            Cut::Dropped => {}
            Cut::Kept => self.pending.iter().for_each(|(_, change)| whole(&mut contents, change)),
            Cut::Torn(chance) => {
                // Some caches write back nearly all, some nearly nothing; some files fare better than others.
                let kept = [0, 10, 50, 90, 100][chance.below(5) as usize];
                for (_, change) in &self.pending {
                    match chance.below(100) {
                        lot if lot < kept => whole(&mut contents, change),
                        lot if lot.is_multiple_of(4) => torn(&mut contents, change, chance),
                        _ => {}
                    }
                }
            }
        }
        contents
    }
}

fn whole(contents: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { at, data } => {
            let (from, to) = (*at as usize, *at as usize + data.len());
            contents.resize(contents.len().max(to), 0);
            contents[from..to].copy_from_slice(data);
        }
        Change::Truncate(length) => contents.resize(*length as usize, 0),
        Change::Allocate(end) => contents.resize(contents.len().max(*end as usize), 0),
    }
}

/// Each sector that the write touches for itself; with none of them, the length alone may have changed.
fn torn(contents: &mut Vec<u8>, change: &Change, chance: &mut Chance) {
    let Change::Write { at, data } = change else { return };
    let end = *at + data.len() as u64;
    if chance.below(2) == 0 {
        contents.resize(contents.len().max(end as usize), 0);
    }
    let mut from = *at;
    while from < end {
        let to = end.min((from / SECTOR + 1) * SECTOR);
        if chance.below(2) == 0 {
            let part = data[(from - at) as usize..(to - at) as usize].to_vec();
            whole(contents, &Change::Write { at: from, data: part });
        }
        from = to;
    }
}

fn rename(names: &mut BTreeMap<PathBuf, usize>, naming: Naming) {
    match naming {
        Naming::Add { path, node } => {
            names.insert(path, node);
        }
        Naming::Remove(path) => {
            names.remove(&path);
        }
        Naming::Rename { from, to } => {
            let moved: Vec<_> = names.keys().filter(|path| path.starts_with(&from)).cloned().collect();
            for path in moved {
                if let (Some(node), Ok(below)) = (names.remove(&path), path.strip_prefix(&from)) {
                    names.insert(join(&to, below), node);
                }
            }
        }
    }
}

/// `to` itself where nothing is below: joining nothing would add a slash.
fn join(to: &Path, below: &Path) -> PathBuf {
    if below == Path::new("") { to.to_owned() } else { to.join(below) }
}

/// SplitMix64: the same numbers everywhere for the same seed.
pub struct Chance(pub u64);

impl Chance {
    /// A number from 0 to `limit` - 1.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
