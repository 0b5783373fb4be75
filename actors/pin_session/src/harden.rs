//! What the process does at its start so that no PIN reaches a core file.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use std::io;

/// Switches core dumps of this process off, and with them tracing by other processes of the same account.
///
/// The pages of [`crate::vault`] are left out of core dumps anyway; this also covers what the seals pass
/// through: registers, stacks, and the medium's driver. Call it once, before anything else.
///
/// # Errors
/// The operating system's refusal; a program that keeps PINs should not go on then.
pub fn disable_core_dumps() -> io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}
