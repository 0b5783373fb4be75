//! `madoguchi config`: the configuration on the console.

use crate::{
    cli::{self, ConfigAct},
    config::{
        Config, Mistake, durable,
        parcel::{Contents, Key},
        restore,
        store::{Author, Origin, Staged, Store, Version},
        validate,
    },
    keeper::whereabouts,
    run::install_cryptography,
    sole::Sole,
};
use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufRead, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};
use zeroize::Zeroizing;

/// The largest file that is taken into an export, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// Does what the command line says.
pub fn run(arguments: &cli::Configuration) -> Result<ExitCode> {
    install_cryptography();
    let file = &arguments.config;
    match &arguments.act {
        ConfigAct::Check => check(file),
        ConfigAct::History { show } => history(file, *show),
        ConfigAct::Export { output, with_keys, passphrase_file } => {
            export(file, output, *with_keys, passphrase_file.as_deref())
        }
        ConfigAct::Import { parcel, replace_people, passphrase_file } => {
            import(file, parcel, *replace_people, passphrase_file.as_deref())
        }
    }
}

fn print(mistakes: &[Mistake]) {
    for mistake in mistakes {
        let line = mistake.line.map_or(String::new(), |line| format!("line {line}: "));
        println!("{line}{}", mistake.message);
    }
}

/// The same that the page asks before anything takes effect.
fn check(file: &Path) -> Result<ExitCode> {
    let text = Config::read(file)?;
    match validate(file, &text) {
        Ok(config) => {
            println!("sound: {} lane(s)", config.lanes().len());
            Ok(ExitCode::SUCCESS)
        }
        Err(mistakes) => {
            print(&mistakes);
            Ok(ExitCode::FAILURE)
        }
    }
}

fn history(file: &Path, show: Option<u32>) -> Result<ExitCode> {
    let store = Store::open(&whereabouts(file, None))?;
    let versions = store.history()?;
    if let Some(number) = show {
        let version = versions.iter().find(|version| version.number == number);
        let version = version.with_context(|| format!("there is no version {number}"))?;
        io::stdout().write_all(version.text.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    for Version { number, at, by, origin, .. } in &versions {
        let by = match by {
            Author::Person(id) => format!("person {id}"),
            Author::Console => "console".into(),
        };
        let origin = match origin {
            Origin::Page => "on the page".into(),
            Origin::File => "in the file, by hand".into(),
            Origin::History(number) => format!("from version {number}"),
            Origin::Import => "imported".into(),
        };
        println!("{number:>6}  {at}  {by}  {origin}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The passphrase: a file's first line, or what is typed.
fn passphrase(file: Option<&Path>) -> Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    match file {
        Some(path) => {
            let file = File::open(path).with_context(|| path.display().to_string())?;
            io::BufReader::new(file.take(4096)).read_line(&mut line)?;
        }
        None => {
            eprint!("Passphrase, at least 13 characters: ");
            io::stdin().lock().take(4096).read_line(&mut line)?;
        }
    }
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn read(path: &Path) -> Result<String> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let mut text = String::new();
    file.take(MAX_FILE + 1).read_to_string(&mut text).with_context(|| path.display().to_string())?;
    if text.len() as u64 > MAX_FILE {
        bail!("{}: larger than {MAX_FILE} bytes", path.display());
    }
    Ok(text)
}

fn people_file(state_directory: &Path) -> PathBuf {
    state_directory.join("gateway").join("people.json")
}

fn export(file: &Path, output: &Path, with_keys: bool, passphrase_file: Option<&Path>) -> Result<ExitCode> {
    let configuration = Config::read(file)?;
    let mut files = BTreeMap::new();
    let list = Config::parse(file, &configuration)?.site.compatibility_file();
    for path in restore::public_files(&configuration).into_iter().chain(list.exists().then_some(list)) {
        files.insert(path.display().to_string(), read(&path)?);
    }
    let mut keys = Vec::new();
    if with_keys {
        for path in restore::keys(&configuration) {
            keys.push(Key { path: path.display().to_string(), pem: read(&path)? });
        }
    }
    let people = people_file(&whereabouts(file, None));
    let people = if people.exists() { Some(read(&people)?) } else { None };
    let contents = Contents { at: Timestamp::now(), configuration, people, files, keys };
    let parcel = contents.seal(&passphrase(passphrase_file)?)?;
    if output.exists() {
        bail!("{}: it exists already", output.display());
    }
    durable::replace(output, &parcel, 0o600).with_context(|| output.display().to_string())?;
    println!("{} file(s), {} key(s): {}", contents.files.len(), contents.keys.len(), output.display());
    Ok(ExitCode::SUCCESS)
}

fn import(
    file: &Path,
    parcel: &Path,
    replace_people: bool,
    passphrase_file: Option<&Path>,
) -> Result<ExitCode> {
    let data = fs::metadata(parcel).with_context(|| parcel.display().to_string())?;
    if data.len() > crate::config::parcel::MAX_BYTES as u64 {
        bail!("{}: larger than an export may be", parcel.display());
    }
    let sealed = fs::read(parcel).with_context(|| parcel.display().to_string())?;
    let contents = Contents::open(&sealed, &passphrase(passphrase_file)?)?;
    let config = Config::parse(file, &contents.configuration).context("the export's configuration")?;
    let state_directory = &config.site.state_directory;
    // A running gateway would neither notice nor confirm this.
    let _sole = Sole::of(state_directory)?;
    let people = people_file(state_directory);
    if contents.people.is_some() && people.exists() && !replace_people {
        bail!(
            "{}: this box has people already; say --replace-people to have the export's instead",
            people.display()
        );
    }
    restore::put_back(&contents, &config, true)?;
    if let Some(text) = &contents.people {
        durable::make_folder(&state_directory.join("gateway"))?;
        durable::replace(&people, text.as_bytes(), 0o600).with_context(|| people.display().to_string())?;
    }
    let store = Store::open(state_directory)?;
    let (at, by, origin, text) =
        (Timestamp::now(), Author::Console, Origin::Import, contents.configuration.clone());
    match validate(file, &text) {
        Ok(_) => {
            if let Ok(former) = Config::read(file)
                && store.history()?.first().is_none_or(|newest| newest.text != former)
            {
                let number = store.next_number()?;
                store.note(&Version { number, at, by, origin: Origin::File, text: former })?;
            }
            let number = store.next_number()?;
            durable::replace(file, text.as_bytes(), 0o640).with_context(|| file.display().to_string())?;
            store.note(&Version { number, at, by, origin, text })?;
            println!("restored: {} lane(s); start the gateway", config.lanes().len());
            Ok(ExitCode::SUCCESS)
        }
        Err(mistakes) => {
            store.stage(Some(&Staged { base: None, at, by, origin, text }))?;
            print(&mistakes);
            println!("the export is prepared as a change; start the gateway and mend it on the page");
            Ok(ExitCode::FAILURE)
        }
    }
}
