//! Takes the pictures: headless Chromium draws a page, pngquant makes its picture small.

use super::{Subject, html, index, subjects};
use anyhow::{Context, Result, bail};
use madoguchi_protocol::texts::Language;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// All pictures together stay below this: they are part of the sources.
pub const MAX_BYTES: u64 = 3 << 20;
/// Width and height in pixels.
const SIZE: (u32, u32) = (600, 720);
/// How long one picture may take. Generous, for a machine that builds beside.
const TAKES: Duration = Duration::from_secs(60);

/// A browser and where its pictures go.
pub struct Camera {
    /// The browser's program.
    pub browser: PathBuf,
    /// The folder of `PICTURES.md`; the pictures go into `pictures` below it.
    pub into: PathBuf,
}

impl Camera {
    /// Takes every picture anew and writes the index; tells each name to `progress`.
    pub fn take_all(&self, progress: impl Fn(&str)) -> Result<()> {
        let pictures = self.into.join("pictures");
        fs::create_dir_all(&pictures)?;
        let mut total = 0;
        let mut wanted = Vec::new();
        for subject in subjects() {
            for language in Language::ALL {
                let name = subject.file(language);
                self.take(subject, language, &pictures.join(&name)).with_context(|| name.clone())?;
                total += fs::metadata(pictures.join(&name))?.len();
                progress(&name);
                wanted.push(name);
            }
        }
        for entry in fs::read_dir(&pictures)? {
            let entry = entry?;
            // Of a screen that is no more.
            if !wanted.iter().any(|name| entry.file_name() == name.as_str()) {
                fs::remove_file(entry.path())?;
            }
        }
        if total > MAX_BYTES {
            bail!("the pictures have {total} bytes together; {MAX_BYTES} are allowed");
        }
        fs::write(self.into.join("PICTURES.md"), index())?;
        Ok(())
    }

    fn take(&self, subject: Subject, language: Language, picture: &Path) -> Result<()> {
        let folder = tempfile::Builder::new().prefix("madoguchi-picture-").tempdir()?;
        let (page, raw) = (folder.path().join("page.html"), folder.path().join("raw.png"));
        fs::write(&page, html(&subject.screen(language).render()))?;
        let mut browser = Command::new(&self.browser);
        browser.args([
            "--headless",
            // The page is our own, and the sandbox does not start for root.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
        ]);
        browser.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
        browser.arg(format!("--window-size={},{}", SIZE.0, SIZE.1));
        browser.arg(format!("--screenshot={}", raw.display()));
        browser.arg(format!("file://{}", page.display()));
        run(browser)?;
        shrink(&raw, picture)
    }
}

/// Makes a small picture of a raw one: flat colours and text need few.
pub(super) fn shrink(raw: &Path, picture: &Path) -> Result<()> {
    let mut small = Command::new("pngquant");
    small.args(["--force", "--strip", "--speed", "1", "16", "--output"]).arg(picture).arg(raw);
    run(small)
}

/// Runs a program to its end, for so long at most.
fn run(mut command: Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{program} does not start; `.ci/install --for-pictures` installs it"))?;
    let ended = ends(&mut child, TAKES);
    if ended.is_none() {
        child.kill()?;
        child.wait()?;
    }
    match ended {
        Some(true) => Ok(()),
        Some(false) => bail!("{program} failed"),
        None => bail!("{program} did not end within {TAKES:?}"),
    }
}

fn ends(child: &mut Child, within: Duration) -> Option<bool> {
    let began = Instant::now();
    while began.elapsed() < within {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status.success());
        }
        sleep(Duration::from_millis(20));
    }
    None
}
