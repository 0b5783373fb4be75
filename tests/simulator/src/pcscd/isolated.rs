//! Tests with a pcscd of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, process};

use super::SOCKET_VARIABLE;
use super::process::wait_for_end;

/// Set in the child: the folder whose pcscd it may start.
const FOLDER_VARIABLE: &str = "MADOGUCHI_ISOLATED_FOLDER";
const LIMIT: Duration = Duration::from_secs(120);

/// Runs `body` in a process of its own whose PC/SC clients use the pcscd that `body` starts in the
/// folder it is given (with [`super::Pcscd::start`] or [`super::HotplugPcscd::start`]).
///
/// libpcsclite reads its environment once per process, and a test harness runs many tests in one: so
/// this runs the test program again, with `test` (the test's full name, as `module::name`) as the only
/// test. Everything before the call happens in both processes. 120 s at most.
///
/// # Panics
/// When the test fails in its own process.
///
/// ```no_run
/// // #[test]
/// fn a_card_is_seen() {
///     madoguchi_simulator::pcscd::isolated("a_card_is_seen", |folder| {
///         // let pcscd = Pcscd::start(folder, …); pcsc::Context::establish(…); …
///     });
/// }
/// ```
pub fn isolated(test: &str, body: impl FnOnce(&Path)) {
    if let Some(folder) = env::var_os(FOLDER_VARIABLE) {
        return body(Path::new(&folder));
    }
    let folder = short_folder(test);
    if let Err(problem) = run_again(test, &folder) {
        let _ = fs::remove_dir_all(&folder);
        panic!("{test}, in a process of its own: {problem}");
    }
    let _ = fs::remove_dir_all(&folder);
}

fn run_again(test: &str, folder: &Path) -> Result<(), String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER_VARIABLE, folder)
        .env(SOCKET_VARIABLE, folder.join("pcscd.sock"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let output = child.stdout.take();
    // Read aside, so that a full pipe can't hold the child up.
    let output = std::thread::spawn(move || output.map(std::io::read_to_string));
    if !wait_for_end(&mut child, LIMIT) {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let output = output.join().ok().flatten().and_then(Result::ok).unwrap_or_default();
    print!("{output}");
    if !status.success() {
        return Err(format!("it failed ({status})"));
    }
    if !output.contains("1 passed") {
        return Err("no test of this name ran: give its full name".to_owned());
    }
    Ok(())
}

/// Socket paths are short: the name of the test would not do.
fn short_folder(test: &str) -> PathBuf {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    test.hash(&mut hasher);
    env::temp_dir().join(format!("madoguchi-{}-{:08x}", process::id(), hasher.finish() as u32))
}
