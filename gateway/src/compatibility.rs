//! `madoguchi compatibility`: the list of compatible readers is shown, or another one takes its place.

use crate::{
    cli,
    config::{
        Config,
        compatibility::{CompatibilityError, CompatibilityList, Difference},
    },
};
use anyhow::{Context, Result, bail};
use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::ExitCode,
};

/// Does what was asked.
pub fn run(arguments: &cli::Compatibility) -> Result<ExitCode> {
    let config = Config::load(&arguments.config)?;
    match &arguments.act {
        cli::CompatibilityAct::Show => show(&config),
        cli::CompatibilityAct::Import { file, dry_run, older } => import(&config, file, *dry_run, *older),
    }
}

fn show(config: &Config) -> Result<ExitCode> {
    let makers = config.site.makers()?;
    match config.site.compatibility_list(&makers)? {
        Some(list) => println!("{}", heading(&list)),
        None => println!("no list was imported; the configuration's own pairs:"),
    }
    for pair in config.compatibility(&makers)?.pairs {
        println!("{pair}");
    }
    Ok(ExitCode::SUCCESS)
}

fn heading(list: &CompatibilityList) -> String {
    format!("version {} (as of {}), {} pair(s)", list.version, list.as_of, list.pairs.len())
}

/// Judges the list, shows what it changes, and puts it in place; the gateway takes it in when it starts next.
fn import(config: &Config, file: &Path, dry_run: bool, older: bool) -> Result<ExitCode> {
    let makers = config.site.makers()?;
    let list = match CompatibilityList::load(file, &makers) {
        Ok(list) => list,
        Err(CompatibilityError::Mistaken { path, slips }) => {
            for slip in &slips {
                eprintln!("{}, {slip}", path.display());
            }
            bail!("{} mistake(s), nothing was imported", slips.len());
        }
        Err(error) => return Err(error.into()),
    };
    let place = config.site.compatibility_file();
    // One that can't be read is to be replaced by one that can.
    let before = if place.exists() { CompatibilityList::load(&place, &makers).ok() } else { None };
    match &before {
        Some(before) => println!("{} -> {}", heading(before), heading(&list)),
        None => println!("{}", heading(&list)),
    }
    println!("{}", Difference::between(before.as_ref(), &list));
    if let Some(before) = before.filter(|before| before.as_of > list.as_of && !older) {
        bail!(
            "the list in place is of {}, this one of {}: --older takes it all the same",
            before.as_of,
            list.as_of
        );
    }
    if dry_run {
        println!("nothing was changed (--dry-run)");
        return Ok(ExitCode::SUCCESS);
    }
    write(&place, &list.to_toml()?).with_context(|| format!("{} can't be written", place.display()))?;
    println!("{} is in place; the gateway takes it in when it starts next", place.display());
    Ok(ExitCode::SUCCESS)
}

/// Whole or not at all, through a loss of power as well.
fn write(place: &Path, text: &str) -> Result<()> {
    let folder = place.parent().context("no folder")?;
    fs::create_dir_all(folder)?;
    let temporary = place.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, place)?;
    Ok(File::open(folder)?.sync_all()?)
}
