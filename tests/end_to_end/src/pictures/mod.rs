//! Pictures of every screen of `reception` in every language, for its documentation, and their index. Those of the
//! gateway's pages are in [`pages`].
//!
//! Which screens there are and what can be touched on them comes from `actors/reception/SCREENS.md`, which
//! `reception`'s own tests hold complete; words come from its catalogue, looks from the simulated readers' page.

mod camera;
mod page;
pub mod pages;

pub use camera::{Camera, MAX_BYTES};
pub use page::html;

use madoguchi_protocol::{
    device::{PinPad, SlotMethod},
    evidence::Medium,
    fault::FaultCode,
    pin::{PinJob, PublicKey},
    texts::Language,
};
use madoguchi_reception::{Choice, ConsentItem, Offers, ScreenKind, ScreenSpec};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

const SCREENS: &str = include_str!("../../../../actors/reception/SCREENS.md");
/// The number that is shown on the PIN pads.
const JOB: u32 = 4711;

/// One screen that is photographed.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// The screen.
    pub kind: ScreenKind,
    /// Which of its wordings, where it has several; part of the file's name.
    pub wording: &'static str,
}

impl Subject {
    /// The file's name.
    pub fn file(self, language: Language) -> String {
        let wording = if self.wording.is_empty() { String::new() } else { format!("-{}", self.wording) };
        format!("{}{wording}-{}.png", self.kind.name(), language.tag())
    }

    /// The screen with its words and buttons.
    pub fn screen(self, language: Language) -> ScreenSpec {
        let asks_for_pin = matches!(self.kind, ScreenKind::EnterPin(_));
        ScreenSpec {
            practice: false,
            number: 1,
            kind: self.kind,
            language,
            notice: None,
            choices: choices(self.kind.name()).unwrap_or_default(),
            pin_pad: asks_for_pin.then_some(PinPad { job: PinJob(JOB), public_key: PublicKey([0; 32]) }),
            visit: None,
        }
    }
}

/// Every wording of every screen.
pub fn subjects() -> Vec<Subject> {
    use ScreenKind as K;
    let media = [("android", Medium::Android), ("iphone", Medium::Iphone), ("card", Medium::MyNumberCard)];
    let methods = [
        ("face", SlotMethod::Face),
        ("pin", SlotMethod::Pin),
        ("staff", SlotMethod::Staff),
        ("iphone", SlotMethod::Iphone),
        ("android", SlotMethod::Android),
    ];
    let mut all = vec![
        ("", K::Idle),
        ("", K::ChooseMedium),
        ("", K::ChoosePhone),
        ("android", K::EnterPin(Medium::Android)),
        ("card", K::EnterPin(Medium::MyNumberCard)),
        ("", K::PhoneAuthenticates),
        ("", K::FaceOrPin),
        ("", K::InsertCard),
    ];
    all.extend(media.map(|(name, medium)| (name, K::HoldMedium(medium))));
    all.push(("", K::Reading));
    all.extend(media.map(|(name, medium)| (name, K::HoldHint(medium))));
    all.push(("", K::WrongMedium { chosen: Medium::Android, found: Medium::Iphone }));
    all.push(("", K::LastTry));
    all.extend(methods.map(|(name, method)| (name, K::ReadingSlot(method))));
    let both = Offers { card: true, portal: true };
    let neither = Offers { card: false, portal: false };
    all.extend([
        ("", K::Authenticating),
        ("", K::Consent { deferred: false }),
        ("deferred", K::Consent { deferred: true }),
        ("", K::ConsentItem(ConsentItem::Pharmacists)),
        ("", K::Confirming),
        ("", K::Done),
        ("", K::DoneNotValid),
        ("", K::Deferred),
        ("", K::Fallback { reason: FaultCode::NfcReaderLost, offers: both }),
        ("expired", K::Fallback { reason: FaultCode::CertificateExpired, offers: neither }),
        ("", K::TakenOver),
        ("", K::OutOfService),
    ]);
    all.into_iter().map(|(wording, kind)| Subject { kind, wording }).collect()
}

/// The rows of the first table of SCREENS.md: kind and choices.
fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    let table = SCREENS.split("\n## ").find(|section| section.starts_with("Kinds")).unwrap_or_default();
    table.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|');
        let kind = cells.next()?.trim().strip_suffix('`')?;
        Some((kind, cells.nth(1)?))
    })
}

/// The kinds of screens that SCREENS.md lists.
pub fn documented_kinds() -> Vec<&'static str> {
    rows().map(|(kind, _)| kind).collect()
}

/// What SCREENS.md says can be touched, in order: everything in backticks that is a choice, with what depends on
/// the lane.
fn choices(kind: &str) -> Option<Vec<Choice>> {
    let (_, cell) = rows().find(|(known, _)| *known == kind)?;
    Some(cell.split('`').filter_map(|word| word.parse().ok()).collect())
}

/// `PICTURES.md`.
pub fn index() -> String {
    let mut text = String::from(
        "# The patient's screens in pictures\n\nMade by `make pictures` from the words of the catalogue and the list \
         in [SCREENS.md](SCREENS.md), with every button\nthat a screen can have; a maker's reader may draw them \
         otherwise. A test asserts that none is missing.\n\n| screen | 日本語 | English |\n|---|---|---|\n",
    );
    for subject in subjects() {
        let name = match subject.wording {
            "" => format!("`{}`", subject.kind.name()),
            wording => format!("`{}`, {wording}", subject.kind.name()),
        };
        let picture = |language| {
            let file = subject.file(language);
            format!("![{name}](pictures/{file})", name = subject.screen(language).render().title)
        };
        // Writing to a String can't fail.
        let _ = writeln!(text, "| {name} | {} | {} |", picture(Language::Ja), picture(Language::En));
    }
    text
}

/// The folder of `reception`, where pictures and index are kept.
pub fn reception() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../actors/reception")
}
