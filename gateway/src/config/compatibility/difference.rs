//! What a new list of compatible readers would change.

use super::CompatibilityList;
use madoguchi_reception::compatibility::Pair;
use std::fmt;

/// From one list to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference<'a> {
    /// Pairs that were not known.
    pub added: Vec<&'a Pair>,
    /// Pairs that will not be known any more: lanes that have them lose the button.
    pub removed: Vec<&'a Pair>,
    /// Pairs whose minimum version changes: before, after.
    pub changed: Vec<(&'a Pair, &'a Pair)>,
    /// How many stay as they are.
    pub same: usize,
}

impl<'a> Difference<'a> {
    /// From what is in place, if anything, to what is to come.
    pub fn between(before: Option<&'a CompatibilityList>, after: &'a CompatibilityList) -> Self {
        let before = before.map_or(&[][..], |list| &list.pairs);
        let mut difference = Self { added: Vec::new(), removed: Vec::new(), changed: Vec::new(), same: 0 };
        for pair in &after.pairs {
            match before.iter().find(|known| known.is_same_pair(pair)) {
                None => difference.added.push(pair),
                Some(known) if known.minimum_software != pair.minimum_software => {
                    difference.changed.push((known, pair));
                }
                Some(_) => difference.same += 1,
            }
        }
        let is_gone = |known: &&Pair| !after.pairs.iter().any(|pair| pair.is_same_pair(known));
        difference.removed.extend(before.iter().filter(is_gone));
        difference
    }

    /// Whether nothing changes but version and day.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for pair in &self.added {
            writeln!(f, "+ {pair}")?;
        }
        for pair in &self.removed {
            writeln!(f, "- {pair}")?;
        }
        for (before, after) in &self.changed {
            writeln!(f, "~ {before} -> {}", after.minimum_software)?;
        }
        let (added, removed, changed) = (self.added.len(), self.removed.len(), self.changed.len());
        write!(f, "{added} new, {removed} gone, {changed} changed, {} as before", self.same)
    }
}
