//! `madoguchi people`: what an administrator of the machine does on its console. The way back when nobody can log in.

use super::{Code, Credentials, Deed, Password, Register, SecondFactor, Secret, Store};
use crate::{cli, config::Config, keeper::whereabouts};
use anyhow::{Context, Result};
use jiff::Timestamp;
use madoguchi_protocol::{
    PersonId,
    messages::audit_log::{Author, PersonAct},
};
use std::{
    io::{self, BufRead, Read, Write},
    path::Path,
    process::ExitCode,
};
use zeroize::Zeroizing;

/// Does what the command line says. The gateway may run meanwhile: it sees the change at once.
pub fn run(arguments: &cli::People) -> Result<ExitCode> {
    let file = &arguments.config;
    anyhow::ensure!(
        file.exists(),
        "{}: there is no such file; say where it is with --config",
        file.display()
    );
    // Also where the configuration is broken: the page that mends it needs somebody to log in.
    let store = Store::of(&whereabouts(file, None));
    let mut out = io::stdout().lock();
    match &arguments.act {
        cli::PeopleAct::List => list(&*store.read()?, &mut out)?,
        cli::PeopleAct::Add { name, role, here } => {
            let (code, at) = (code()?, Timestamp::now());
            let credentials = if *here { Some(credentials(name, file, &mut out)?) } else { None };
            store.change(|register| {
                let id = register.add(name, *role, &code, at)?;
                note(register, at, PersonAct::Added(id));
                if let Some(credentials) = credentials {
                    register.enrol(id, credentials)?;
                    note(register, at, PersonAct::SetUp(id));
                }
                Ok::<_, super::Refused>(())
            })??;
            if !*here {
                tell(&mut out, name, &code)?;
            }
        }
        cli::PeopleAct::Recover { name } => {
            let (code, at) = (code()?, Timestamp::now());
            store.change(|register| {
                let id = register.named(name).ok_or(super::Refused::Unknown)?.id;
                register.recover_on_console(id, &code, at)?;
                note(register, at, PersonAct::Recovered(id));
                Ok::<_, super::Refused>(())
            })??;
            tell(&mut out, name, &code)?;
        }
        cli::PeopleAct::Token { name, scope, revoke: false } => {
            let (token, at) = (Secret::random().context("no random numbers")?, Timestamp::now());
            let scopes = scope.iter().copied().collect();
            store.change(|register| {
                let id = register.add_token(name, scopes, token.digest(), at)?;
                note(register, at, PersonAct::TokenMade(id));
                Ok::<_, super::Refused>(())
            })??;
            writeln!(out, "{}", token.reveal())?;
        }
        cli::PeopleAct::Token { name, revoke: true, .. } => {
            let at = Timestamp::now();
            store.change(|register| {
                let called = |it: &&super::Token| it.name == *name;
                let id: PersonId = register.tokens.iter().find(called).ok_or(super::Refused::Unknown)?.id;
                register.revoke_token(id)?;
                note(register, at, PersonAct::TokenRevoked(id));
                Ok::<_, super::Refused>(())
            })??;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// For the audit log, which only a running gateway reaches.
fn note(register: &mut Register, at: Timestamp, act: PersonAct) {
    register.unrecorded.push(Deed { at, by: Author::Console, act });
}

fn code() -> Result<Code> {
    Code::random().context("no random numbers")
}

fn tell(out: &mut impl Write, name: &str, code: &Code) -> Result<()> {
    writeln!(
        out,
        "{name} sets password and second factor up on the page /first-start with this code, within 72 hours:"
    )?;
    writeln!(out, "{}", code.shown())?;
    Ok(())
}

/// Password from the first line of the input, second factor made here: for a box without a browser beside it.
fn credentials(name: &str, config: &Path, out: &mut impl Write) -> Result<Credentials> {
    writeln!(io::stderr(), "Password of at least {} characters, then Enter:", Password::LEAST)?;
    let mut line = Zeroizing::new(String::new());
    io::stdin().lock().take(4096).read_line(&mut line).context("no password")?;
    let password = Password::typed(line.trim_end_matches(['\r', '\n']).to_owned());
    password.check(name)?;
    let second_factor = SecondFactor::random().context("no random numbers")?;
    let terminal = Config::load(config).map_or_else(|_| "Gateway".into(), |it| it.site.terminal);
    writeln!(out, "{}", second_factor.address(name, &format!("Madoguchi {terminal}")))?;
    Ok(Credentials { password: password.kept()?, second_factor, last_step: 0, keys: Vec::new() })
}

fn list(register: &Register, out: &mut impl Write) -> Result<()> {
    for person in &register.people {
        let standing = match (person.disabled, &person.credentials) {
            (true, _) => "disabled",
            (false, None) => "not set up yet",
            (false, Some(_)) => "",
        };
        writeln!(out, "{}  {:<13}  {}  {standing}", person.id, person.role.name(), person.name)?;
    }
    for token in &register.tokens {
        let scopes: Vec<_> = token.scopes.iter().map(|scope| scope.name()).collect();
        writeln!(out, "{}  token          {}  {}", token.id, token.name, scopes.join(" "))?;
    }
    Ok(())
}
