//! What the file keeps: people, tokens of programs, and what was done on the console and is not in the audit log yet.
//! Plain values and the rules between them; no file, no clock.

use super::{Code, Digest, Password, Right, Role, SecondFactor, second_factor};
use jiff::{SignedDuration, Timestamp};
use madoguchi::security_key::{Asking, BadAnswer, SecurityKey};
use madoguchi_protocol::{
    PersonId,
    messages::audit_log::{Author, PersonAct},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long a one-time code for somebody who was added is good.
const CODE_LIVES: SignedDuration = SignedDuration::from_hours(72);
/// How many people and how many tokens there may be: a hospital has hundreds of clerks, not thousands.
const MOST: usize = 500;
/// Security keys of one person: one that is carried, one that lies in the safe, and a few more.
const MOST_KEYS: usize = 5;
/// The longest name, in characters.
const NAME: usize = 40;

/// Everybody.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// People, in the order in which they were added.
    pub people: Vec<Record>,
    /// Tokens of programs.
    pub tokens: Vec<Token>,
    /// Done on the console while no gateway could record it.
    pub unrecorded: Vec<Deed>,
}

/// One person.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// What the audit log knows them by.
    pub id: PersonId,
    /// What the page calls them, and what they type to log in.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// Kept, since the audit log names them, but let in no more.
    pub disabled: bool,
    /// What they log in with; nothing until they have set it up by their one-time code.
    pub credentials: Option<Credentials>,
    /// The code by which they set it up.
    pub code: Option<OneTime>,
    /// Rises whenever what is known of them is no longer to be relied on: sessions of before end.
    pub generation: u64,
    /// When they were added.
    pub added: Timestamp,
}

/// What a person logs in with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Argon2id.
    pub password: String,
    /// The authenticator.
    pub second_factor: SecondFactor,
    /// The step of the last code that was used; none of before is taken again.
    pub last_step: u64,
    /// Security keys that stand in for the authenticator. Left out where there is none: a file without them is read by
    /// a version that knows none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<SecurityKey>,
}

/// A one-time code, not used yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneTime {
    digest: Digest,
    until: Timestamp,
}

/// A token of a program.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// What the audit log knows it by.
    pub id: PersonId,
    /// What it is for, in words.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Right>,
    /// Of the token itself, which is shown once.
    pub digest: Digest,
    /// When it was made.
    pub made: Timestamp,
}

/// Something done to people or tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Author,
    /// What.
    pub act: PersonAct,
}

/// Why a change is not made. Nothing was changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Empty, too long, or with signs that are no letters.
    #[error("a name has 1 to {NAME} letters, digits and spaces, and no others before or after it")]
    BadName,
    /// Two people must not be mistaken for one another.
    #[error("somebody of that name is there already")]
    NameTaken,
    /// No such person or token.
    #[error("there is nobody of that name")]
    Unknown,
    /// Somebody must be able to mend things.
    #[error("this is the last administrator: make another one first")]
    LastAdministrator,
    /// See [`MOST`].
    #[error("there are {MOST} already: remove one first")]
    TooMany,
    /// See [`MOST_KEYS`].
    #[error("a person has {MOST_KEYS} security keys at most: remove one first")]
    TooManyKeys,
    /// It is somebody's already, perhaps their own.
    #[error("this security key was added before")]
    KeyTaken,
    /// A token without scopes, or with one that programs can't have.
    #[error("a token needs at least one scope, and none that is for persons only")]
    BadScopes,
}

impl Refused {
    /// The key of its text.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::BadName => "people-bad-name",
            Self::NameTaken => "people-name-taken",
            Self::Unknown => "people-unknown",
            Self::LastAdministrator => "people-last-administrator",
            Self::TooMany => "people-too-many",
            Self::TooManyKeys => "keys-too-many",
            Self::KeyTaken => "keys-taken",
            Self::BadScopes => "people-bad-scopes",
        }
    }
}

impl Record {
    /// Whether they could log in now.
    pub fn is_enrolled(&self) -> bool {
        !self.disabled && self.credentials.is_some()
    }

    fn is_called(&self, name: &str) -> bool {
        self.name.to_lowercase() == name.to_lowercase()
    }
}

/// A name as it is kept: without spaces around it.
fn checked(name: &str) -> Result<&str, Refused> {
    let name = name.trim();
    let fits = (1..=NAME).contains(&name.chars().count());
    // No control characters, and nothing that turns the direction of what follows.
    let plain = name.chars().all(|it| it.is_alphanumeric() || " 　.-_ー・々".contains(it));
    if fits && plain { Ok(name) } else { Err(Refused::BadName) }
}

impl Register {
    /// The person with this id.
    pub fn person(&self, id: PersonId) -> Option<&Record> {
        self.people.iter().find(|it| it.id == id)
    }

    fn person_mut(&mut self, id: PersonId) -> Result<&mut Record, Refused> {
        self.people.iter_mut().find(|it| it.id == id).ok_or(Refused::Unknown)
    }

    /// The person of this name, in small letters or capitals.
    pub fn named(&self, name: &str) -> Option<&Record> {
        self.people.iter().find(|it| it.is_called(name.trim()))
    }

    /// Whether anybody could administer the box now. Until then the console's code makes the first one.
    pub fn has_administrator(&self) -> bool {
        self.people.iter().any(|it| it.role == Role::Administrator && it.is_enrolled())
    }

    /// Adds a person, who sets password and second factor up by the code.
    pub fn add(&mut self, name: &str, role: Role, code: &Code, now: Timestamp) -> Result<PersonId, Refused> {
        let name = checked(name)?;
        if self.named(name).is_some() {
            return Err(Refused::NameTaken);
        }
        if self.people.len() >= MOST {
            return Err(Refused::TooMany);
        }
        let id = PersonId::random();
        self.people.push(Record {
            id,
            name: name.to_owned(),
            role,
            disabled: false,
            credentials: None,
            code: Some(OneTime::new(code, now)),
            generation: 0,
            added: now,
        });
        Ok(id)
    }

    /// Takes a person's password and second factor away; they set both up anew by the code. Their sessions end.
    pub fn recover(&mut self, id: PersonId, code: &Code, now: Timestamp) -> Result<(), Refused> {
        self.keeps_an_administrator(id)?;
        self.recover_on_console(id, code, now)
    }

    /// The same where the console itself is the way back: the last administrator's too.
    pub fn recover_on_console(&mut self, id: PersonId, code: &Code, now: Timestamp) -> Result<(), Refused> {
        let person = self.person_mut(id)?;
        person.credentials = None;
        person.disabled = false;
        person.code = Some(OneTime::new(code, now));
        person.generation += 1;
        Ok(())
    }

    /// Who may set up by this code.
    pub fn with_code(&self, code: &Code, now: Timestamp) -> Option<&Record> {
        let digest = code.digest();
        self.people.iter().find(|it| {
            !it.disabled && it.code.as_ref().is_some_and(|code| code.digest == digest && code.until > now)
        })
    }

    /// A person sets up what they log in with. The code is used up, sessions of before end.
    pub fn enrol(&mut self, id: PersonId, credentials: Credentials) -> Result<(), Refused> {
        let person = self.person_mut(id)?;
        person.credentials = Some(credentials);
        person.code = None;
        person.generation += 1;
        Ok(())
    }

    /// Changes what a person is.
    pub fn set_role(&mut self, id: PersonId, role: Role) -> Result<(), Refused> {
        if role != Role::Administrator {
            self.keeps_an_administrator(id)?;
        }
        self.person_mut(id)?.role = role;
        Ok(())
    }

    /// Lets a person in no more, or again. Their sessions end.
    pub fn set_disabled(&mut self, id: PersonId, disabled: bool) -> Result<(), Refused> {
        if disabled {
            self.keeps_an_administrator(id)?;
        }
        let person = self.person_mut(id)?;
        person.disabled = disabled;
        person.generation += 1;
        Ok(())
    }

    /// Refuses where without this person nobody could administer the box.
    fn keeps_an_administrator(&self, without: PersonId) -> Result<(), Refused> {
        let person = self.person(without).ok_or(Refused::Unknown)?;
        let counts = |it: &&Record| it.role == Role::Administrator && it.is_enrolled();
        let others = self.people.iter().filter(|it| it.id != without).filter(counts).count();
        if counts(&person) && others == 0 { Err(Refused::LastAdministrator) } else { Ok(()) }
    }

    /// Who logs in by these three, compared in the same time whether or not there is such a person; and the step of
    /// the code, which is to be kept by [`Self::used`].
    pub fn logs_in(
        &self,
        name: &str,
        password: &Password,
        code: &str,
        now: Timestamp,
    ) -> Option<(&Record, u64)> {
        let right_password = self.has_password(name, password).is_some();
        let person = self.named(name).filter(|it| it.is_enrolled());
        let credentials = person.and_then(|it| it.credentials.as_ref());
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let step = match credentials {
            Some(credentials) => credentials.second_factor.step(code, seconds, credentials.last_step),
            None => {
                second_factor::nobodys(code, seconds);
                None
            }
        };
        match (person, right_password, step) {
            (Some(person), true, Some(step)) => Some((person, step)),
            _ => None,
        }
    }

    /// A code was used: it and all of before are taken no more. Says whether it was still unused.
    pub fn used(&mut self, id: PersonId, step: u64) -> bool {
        let credentials = self.person_mut(id).ok().and_then(|it| it.credentials.as_mut());
        match credentials {
            Some(credentials) if step > credentials.last_step => {
                credentials.last_step = step;
                true
            }
            _ => false,
        }
    }

    /// Whether a person may add a security key and call it so: the name as it is kept.
    pub fn may_add_key(&self, id: PersonId, name: &str) -> Result<String, Refused> {
        let name = checked(name)?;
        let keys = &self.person(id).and_then(|it| it.credentials.as_ref()).ok_or(Refused::Unknown)?.keys;
        if keys.len() >= MOST_KEYS {
            return Err(Refused::TooManyKeys);
        }
        if keys.iter().any(|key| key.name.to_lowercase() == name.to_lowercase()) {
            return Err(Refused::NameTaken);
        }
        Ok(name.to_owned())
    }

    /// Adds a person's security key, which is nobody's yet.
    pub fn add_key(&mut self, id: PersonId, mut key: SecurityKey) -> Result<(), Refused> {
        key.name = self.may_add_key(id, &key.name)?;
        let all = self.people.iter().filter_map(|it| it.credentials.as_ref()).flat_map(|it| &it.keys);
        if all.into_iter().any(|other| other.is(&key)) {
            return Err(Refused::KeyTaken);
        }
        let credentials = self.person_mut(id)?.credentials.as_mut().ok_or(Refused::Unknown)?;
        credentials.keys.push(key);
        Ok(())
    }

    /// Takes a person's security key away. The authenticator stays: nobody is left without a second factor.
    pub fn remove_key(&mut self, id: PersonId, key: &str) -> Result<(), Refused> {
        let credentials = self.person_mut(id)?.credentials.as_mut().ok_or(Refused::Unknown)?;
        let before = credentials.keys.len();
        credentials.keys.retain(|it| it.id() != key);
        if credentials.keys.len() < before { Ok(()) } else { Err(Refused::Unknown) }
    }

    /// Who is of this name and password, compared in the same time whether or not there is such a person.
    pub fn has_password(&self, name: &str, password: &Password) -> Option<&Record> {
        let person = self.named(name).filter(|it| it.is_enrolled());
        let credentials = person.and_then(|it| it.credentials.as_ref());
        let right = password.is(credentials.map(|it| it.password.as_str()));
        person.filter(|_| right)
    }

    /// Who logs in by this answer of a security key, if what is known of them is still as it was when it was asked for.
    pub fn opens_with_key(
        &mut self,
        id: PersonId,
        generation: u64,
        asked: Asking,
        answer: &str,
    ) -> Result<&Record, BadAnswer> {
        let person = self.person_mut(id).map_err(|_| BadAnswer::Unknown)?;
        if !person.is_enrolled() || person.generation != generation {
            return Err(BadAnswer::Unknown);
        }
        let credentials = person.credentials.as_mut().ok_or(BadAnswer::Unknown)?;
        asked.finish(answer, &mut credentials.keys)?;
        Ok(person)
    }

    /// Adds a token of a program.
    pub fn add_token(
        &mut self,
        name: &str,
        scopes: BTreeSet<Right>,
        digest: Digest,
        now: Timestamp,
    ) -> Result<PersonId, Refused> {
        let name = checked(name)?;
        if self.tokens.iter().any(|it| it.name.to_lowercase() == name.to_lowercase()) {
            return Err(Refused::NameTaken);
        }
        if self.tokens.len() >= MOST {
            return Err(Refused::TooMany);
        }
        if scopes.is_empty() || !scopes.iter().all(|scope| Right::FOR_PROGRAMS.contains(scope)) {
            return Err(Refused::BadScopes);
        }
        let id = PersonId::random();
        self.tokens.push(Token { id, name: name.to_owned(), scopes, digest, made: now });
        Ok(id)
    }

    /// Takes a token away.
    pub fn revoke_token(&mut self, id: PersonId) -> Result<(), Refused> {
        let before = self.tokens.len();
        self.tokens.retain(|it| it.id != id);
        if self.tokens.len() < before { Ok(()) } else { Err(Refused::Unknown) }
    }

    /// The token whose text this is.
    pub fn token(&self, text: &str) -> Option<&Token> {
        let digest = Digest::of(text);
        self.tokens.iter().find(|it| it.digest == digest)
    }
}

impl OneTime {
    fn new(code: &Code, now: Timestamp) -> Self {
        Self { digest: code.digest(), until: now.checked_add(CODE_LIVES).unwrap_or(Timestamp::MAX) }
    }
}

#[cfg(test)]
#[path = "register_tests.rs"]
mod tests;
