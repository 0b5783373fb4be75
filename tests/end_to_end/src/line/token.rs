//! A PKCS#11 token in software (SoftHSM) of a test's own.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Its library.
pub const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const LABEL: &str = "tunnels";
/// Its PIN. No number, so that nothing else looks like it.
pub const PIN: &str = "q7-kohaku";

/// A token.
#[derive(Clone, Debug)]
pub struct Token {
    folder: PathBuf,
}

impl Token {
    /// A fresh one below `directory`, with a file that holds its PIN.
    pub fn make(directory: &Path) -> Self {
        let token = Self { folder: directory.join("softhsm") };
        let tokens = token.folder.join("tokens");
        fs::create_dir_all(&tokens).expect("a folder");
        let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
        fs::write(token.folder.join("softhsm2.conf"), text).expect("a file");
        token.put_pin(PIN);
        let mut command = Command::new("softhsm2-util");
        command.args(["--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN]);
        let output = command.envs([token.environment()]).output().expect("softhsm2-util (package softhsm2)");
        assert!(output.status.success(), "{output:?}");
        token
    }

    /// Puts a PIN into its file.
    pub fn put_pin(&self, pin: &str) {
        let file = self.folder.join("pin");
        fs::write(&file, pin).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("its mode");
    }

    /// What its library wants in the environment.
    pub fn environment(&self) -> (&'static str, String) {
        ("SOFTHSM2_CONF", self.folder.join("softhsm2.conf").display().to_string())
    }

    /// The gateway's setting.
    pub fn setting(&self) -> String {
        let pin_file = self.folder.join("pin");
        format!(
            "token = {{ module = \"{MODULE}\", label = \"{LABEL}\", pin_file = \"{}\" }}",
            pin_file.display()
        )
    }
}
