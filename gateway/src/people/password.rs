//! Passwords: what is accepted, and how they are kept (Argon2id). Guideline 6.0: at least 13 characters, irreversible.

use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};
use std::{fmt, sync::LazyLock};
use zeroize::Zeroizing;

/// What a person typed as a password. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// Why a password is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Guideline 6.0.
    #[error("a password has at least {} characters", Password::LEAST)]
    TooShort,
    /// More than anybody types.
    #[error("a password has at most {} characters", Password::MOST)]
    TooLong,
    /// The same few characters over and over, or the person's own name.
    #[error("a password repeats neither the name nor the same few characters")]
    TooSimple,
    /// It can't be kept: no random numbers.
    #[error("the password can't be kept at the moment")]
    NotKept,
}

impl BadPassword {
    /// The key of its text.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::TooShort => "password-too-short",
            Self::TooLong => "password-too-long",
            Self::TooSimple => "password-too-simple",
            Self::NotKept => "password-not-kept",
        }
    }
}

/// Compared with where there is no person of a name, so that the answer takes as long. Nobody's password: its random
/// text is gone.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| {
    let secret = super::Secret::random().ok()?;
    Password::typed(secret.reveal().into()).kept().ok()
});

impl Password {
    /// Least and most characters.
    pub const LEAST: usize = 13;
    /// See [`Self::LEAST`].
    pub const MOST: usize = 200;
    /// With fewer different characters than this a long password is a short one.
    const DIFFERENT: usize = 5;

    /// As it was typed.
    pub fn typed(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Whether a person of this name may choose it.
    pub fn check(&self, name: &str) -> Result<(), BadPassword> {
        let characters = self.0.chars().count();
        if characters < Self::LEAST {
            return Err(BadPassword::TooShort);
        }
        if characters > Self::MOST {
            return Err(BadPassword::TooLong);
        }
        let different: std::collections::BTreeSet<_> = self.0.chars().collect();
        let name = name.to_lowercase();
        let without_name = self.0.to_lowercase().replace(&name, "");
        if different.len() < Self::DIFFERENT || without_name.chars().count() * 2 < characters {
            return Err(BadPassword::TooSimple);
        }
        Ok(())
    }

    /// What is kept of it: Argon2id with a salt of its own, 19 MiB and two passes, in the usual text form.
    /// Takes some 50 ms of a processor: not for a thread that others wait for.
    pub fn kept(&self) -> Result<String, BadPassword> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| BadPassword::NotKept)?;
        let salt = SaltString::encode_b64(&salt).map_err(|_| BadPassword::NotKept)?;
        let kept = Argon2::default().hash_password(self.0.as_bytes(), &salt);
        kept.map(|kept| kept.to_string()).map_err(|_| BadPassword::NotKept)
    }

    /// Whether it is the one of which `kept` was kept. Without one it is compared with nobody's, which takes as long.
    pub fn is(&self, kept: Option<&str>) -> bool {
        // A text so long was never accepted; it need not be digested either.
        if self.0.chars().count() > Self::MOST {
            return false;
        }
        let Some(compared) = kept.or(NOBODY.as_deref()) else { return false };
        let Ok(compared) = PasswordHash::new(compared) else { return false };
        Argon2::default().verify_password(self.0.as_bytes(), &compared).is_ok() && kept.is_some()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::typed(text.into())
    }

    #[test]
    fn short_simple_and_endless_passwords_are_refused() {
        let check = |text: &str| password(text).check("受付 花子");
        assert_eq!(check("twelve chars"), Err(BadPassword::TooShort));
        assert_eq!(
            check("窓口の朝は早くて静かです"),
            Err(BadPassword::TooShort),
            "characters count, not bytes"
        );
        assert_eq!(check("aaaabbbbaaaabbbb"), Err(BadPassword::TooSimple));
        assert_eq!(check("受付 花子受付 花子受付 花子"), Err(BadPassword::TooSimple));
        assert_eq!(check(&"abcdefgh".repeat(26)), Err(BadPassword::TooLong));
        assert_eq!(check("a long walk home"), Ok(()));
    }

    #[test]
    fn only_the_right_password_opens_and_two_keepings_differ() {
        let right = password("a long walk home");
        let (one, other) = (right.kept().unwrap(), right.kept().unwrap());
        assert_ne!(one, other);
        assert!(one.starts_with("$argon2id$"), "{one}");
        assert!(right.is(Some(&one)) && right.is(Some(&other)));
        assert!(!password("a long walk hom").is(Some(&one)));
        assert!(!right.is(None) && !right.is(Some("nonsense")));
        assert!(!format!("{right:?}").contains("walk"));
    }
}
