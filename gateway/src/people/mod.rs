//! Who may use the page: people with roles, tokens of programs, and the one file below the state directory that keeps
//! both. What each may do is one table in [`rights`].

pub mod console;
mod password;
mod register;
mod rights;
mod second_factor;
mod secret;
mod store;

pub use password::{BadPassword, Password};
pub use register::{Credentials, Deed, Refused, Register, Token};
pub use rights::{Right, Role};
pub use second_factor::SecondFactor;
pub use secret::{Code, Digest, Secret};
pub use store::{Store, StoreError};
