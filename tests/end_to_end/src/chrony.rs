//! A `chronyc` of a test's own, found before any other: the machine has one clock, and no test sets it.

use crate::House;
use std::{fs, os::unix::fs::PermissionsExt};

/// A clock that is as good as clocks are, in seconds.
pub const GOOD: &str = "-0.000012345";

impl House {
    /// Gateways that are started from now on ask this chrony, whose clock is good.
    pub fn with_chrony(&mut self) {
        let bin = self.directory().join("bin");
        fs::create_dir_all(&bin).expect("a folder");
        self.clock_is_off(GOOD);
        let program = bin.join("chronyc");
        fs::write(&program, "#!/bin/sh\nexec sed \"s/NOW/$(date +%s)/\" \"${0%/*}/tracking\"\n")
            .expect("a program");
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("a program");
        let path = std::env::var("PATH").unwrap_or_default();
        self.set("PATH", &format!("{}:{path}", bin.display()));
    }

    /// From now on chrony says that the clock is so many seconds off.
    pub fn clock_is_off(&self, seconds: &str) {
        // The one line of `chronyc -c tracking`.
        let line = format!(
            "C0000201,192.0.2.1,3,NOW.1,{seconds},0.000001,0.00002,-7.1,0.001,0.02,0.004,0.0005,64.2,Normal\n"
        );
        fs::write(self.directory().join("bin/tracking"), line).expect("written");
    }
}
