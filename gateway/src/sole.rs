//! One gateway for each state directory: a second one would take the broker and the queue away from the first.

use anyhow::{Context, Result, bail};
use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

/// Held for as long as the gateway runs. The kernel gives it back however the program ends.
pub struct Sole {
    _locked: File,
}

impl Sole {
    /// Claims a state directory, which is made if need be. Fails at once where another gateway has it.
    pub fn of(state_directory: &Path) -> Result<Self> {
        // In the gateway's own directory: on the appliance it may write nowhere else.
        let own = state_directory.join("gateway");
        let path = own.join("gateway.lock");
        let what = || format!("{}", path.display());
        DirBuilder::new().recursive(true).mode(0o700).create(&own).with_context(what)?;
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(what)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _locked: file }),
            Err(TryLockError::WouldBlock) => bail!(
                "another gateway runs on {} (site.state_directory): stop it first, or give this one a directory of its own",
                state_directory.display()
            ),
            Err(TryLockError::Error(error)) => Err(error).with_context(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_directory_has_one_gateway_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let first = Sole::of(&state).unwrap();
        let refused = Sole::of(&state).err().unwrap().to_string();
        assert!(refused.contains("another gateway"), "{refused}");
        drop(first);
        assert!(Sole::of(&state).is_ok());
    }
}
