//! A hospital and an eligibility centre to test the gateway against: everything that nobody can
//! have at hand (cards, phones, face-auth readers, the national service) and nothing else.

pub mod administrator;
pub mod cards;
pub mod centre;
pub mod control;
pub mod face_reader;
pub mod hospital;
pub mod pcscd;
pub mod pki;
