//! Hands a tunnel's connection, certificates and key over to strongSwan: at first, when files change, and again where that
//! failed. What keeps one tunnel from it is told once, and costs the other line nothing.

use super::{
    connection::{LOAD_TOKEN, commands},
    settings::TunnelSettings,
};
use crate::{
    settings::SetupError,
    vici::{Client, ViciError},
};
use madoguchi_protocol::messages::line::Way;
use std::time::Duration;
use tokio::time::Instant;

/// Files that can't be used are read anew so often, and a token that is away is looked for.
const AGAIN: Duration = Duration::from_secs(1);
/// A token's key is handed over anew so often while its tunnel is missing: strongSwan forgets nothing by itself, but a key
/// of a token that was pulled out and put back no longer signs.
const KEY_ANEW: Duration = Duration::from_secs(10);
/// When a key that strongSwan did not take from the token is handed over once more.
const REFUSED: Duration = Duration::from_secs(60);
/// So often at most, until files change or strongSwan restarts: should it find the key's identifier in another token, each
/// time uses up a try of *that* token's PIN.
const HANDED: u32 = 2;

/// How far one tunnel's handing over has got.
#[derive(Debug)]
pub(super) struct Loading {
    /// When it is to be done; never where there is nothing to do.
    due: Option<Instant>,
    /// When it was last done with success.
    done: Option<Instant>,
    /// How often strongSwan refused the token's key.
    refused: u32,
    /// What was told last.
    told: String,
}

impl Loading {
    /// Everything is to be handed over.
    pub(super) fn new(now: Instant) -> Self {
        Self { due: Some(now), done: None, refused: 0, told: String::new() }
    }

    /// The same, since strongSwan or the files are new; what was told before is not told again.
    pub(super) fn anew(&mut self, now: Instant) {
        *self = Self { told: std::mem::take(&mut self.told), ..Self::new(now) };
    }

    /// The tunnel is missing: a token's key may be of no use any more.
    pub(super) fn missing(&mut self, tunnel: &TunnelSettings, now: Instant) {
        if tunnel.token.is_some() && self.done.is_some_and(|done| now - done >= KEY_ANEW) {
            self.due = Some(now);
        }
    }

    /// Hands everything over, where that is due. Says whether it was done now.
    pub(super) async fn load(
        &mut self,
        client: &mut Client,
        way: Way,
        tunnel: &TunnelSettings,
    ) -> Result<bool, ViciError> {
        if self.due.is_none_or(|due| due > Instant::now()) {
            return Ok(false);
        }
        let outcome = match read(way, tunnel).await {
            Ok(commands) => hand_over(client, commands).await?,
            Err(error) => Outcome::Unread(error),
        };
        if let Some(why) = self.note(&outcome, Instant::now()) {
            tracing::error!(line = way.name(), why, "a tunnel's certificates and key can't be used");
        }
        Ok(matches!(outcome, Outcome::Taken))
    }

    /// Says what is to be told of an outcome, where that is anything new.
    fn note(&mut self, outcome: &Outcome, now: Instant) -> Option<String> {
        let why = match outcome {
            Outcome::Taken => {
                *self = Self { due: None, done: Some(now), ..Self::new(now) };
                return None;
            }
            Outcome::Refused(LOAD_TOKEN, reason) => {
                self.refused += 1;
                self.due = (self.refused < HANDED).then(|| now + REFUSED);
                format!(
                    "strongSwan does not take the key from the token ({reason}); check that its plugin pkcs11 is loaded \
                     and has the token's library among its modules, then restart it"
                )
            }
            Outcome::Refused(command, reason) => {
                self.due = Some(now + AGAIN);
                format!("strongSwan refuses {command}: {reason}")
            }
            Outcome::Unread(error) => {
                self.due = Some(now + AGAIN);
                error.to_string()
            }
        };
        self.done = None;
        let new = self.told != why;
        self.told.clone_from(&why);
        new.then_some(why)
    }
}

/// What came of handing over.
#[derive(Debug)]
enum Outcome {
    /// strongSwan has everything.
    Taken,
    /// It refused this command, in these words.
    Refused(&'static str, String),
    /// There is nothing to hand over: a file or the token can't be read.
    Unread(SetupError),
}

type Commands = Vec<(&'static str, crate::vici::Message)>;

/// Beside everything else: a token may take its time.
async fn read(way: Way, tunnel: &TunnelSettings) -> Result<Commands, SetupError> {
    let tunnel = tunnel.clone();
    let read = tokio::task::spawn_blocking(move || commands(way, &tunnel)).await;
    read.unwrap_or_else(|error| Err(SetupError::Client(error.to_string())))
}

async fn hand_over(client: &mut Client, commands: Commands) -> Result<Outcome, ViciError> {
    for (command, message) in commands {
        match client.ask(command, message).await {
            Ok(_) => {}
            Err(ViciError::Refused { reason, .. }) => return Ok(Outcome::Refused(command, reason)),
            Err(error) => return Err(error),
        }
    }
    Ok(Outcome::Taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_can_not_be_read_is_tried_again_each_second_and_told_once() {
        let zero = Instant::now();
        let mut loading = Loading::new(zero);
        let away = || Outcome::Unread(SetupError::Client("no token".into()));
        assert!(loading.note(&away(), zero).is_some());
        assert_eq!(loading.note(&away(), zero), None);
        assert_eq!(loading.due, Some(zero + SECOND));
        assert_eq!(loading.note(&Outcome::Taken, zero), None);
        assert_eq!(loading.due, None);
        assert!(loading.note(&away(), zero).is_some(), "it was well in between");
    }

    #[test]
    fn a_tokens_key_that_strongswan_refuses_is_handed_over_twice_until_something_changes() {
        let zero = Instant::now();
        let mut loading = Loading::new(zero);
        let refused = Outcome::Refused(LOAD_TOKEN, "failed".into());
        let told = loading.note(&refused, zero).unwrap();
        assert!(told.contains("pkcs11"), "{told}");
        assert_eq!(loading.due, Some(zero + REFUSED));
        loading.note(&refused, zero);
        assert_eq!(loading.due, None);
        loading.anew(zero + SECOND);
        assert_eq!(loading.due, Some(zero + SECOND));
        loading.note(&refused, zero);
        assert_eq!(loading.due, Some(zero + REFUSED));
    }

    #[test]
    fn a_tokens_key_is_handed_over_anew_while_its_tunnel_is_missing_and_a_files_is_not() {
        let (zero, later) = (Instant::now(), Instant::now() + KEY_ANEW * 2);
        let tunnel = |token: &str| {
            let text = "local = \"192.0.2.1\"\nremote = \"192.0.2.2\"\nidentity = \"a\"\nremote_identity = \"b\"\n\
                        networks = [\"198.18.0.0/24\"]\n";
            toml::from_str::<TunnelSettings>(&format!("{text}{token}")).unwrap()
        };
        let in_token = tunnel("token = { module = \"/t.so\", label = \"t\", pin_file = \"/pin\" }");
        let mut loading = Loading::new(zero);
        loading.note(&Outcome::Taken, zero);
        loading.missing(&in_token, zero + SECOND);
        loading.missing(&tunnel(""), later);
        assert_eq!(loading.due, None);
        loading.missing(&in_token, later);
        assert_eq!(loading.due, Some(later));
    }
}
