//! The patient's screens: what each says and offers, and the frame that it becomes.

use crate::{choice::Choice, fallback, fallback::Offers, makers::Wording};
use madoguchi_protocol::{
    VisitId,
    device::{self, PinPad, SlotMethod},
    evidence::Medium,
    fault::FaultCode,
    messages::audit_log::Step,
    texts::{Language, text},
};

/// One screen, before its texts are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreenSpec {
    /// Rises with each screen of a [`crate::Visit`]; a touch names it.
    pub number: u32,
    /// Which screen.
    pub kind: ScreenKind,
    /// In which language.
    pub language: Language,
    /// Whether it is shown for practice: then it says so, first and in its title.
    pub practice: bool,
    /// What to say before the screen's own text.
    pub notice: Option<Notice>,
    /// What can be touched, in order.
    pub choices: Vec<Choice>,
    /// The PIN pad, on [`ScreenKind::EnterPin`] only.
    pub pin_pad: Option<PinPad>,
    /// The visit; none on the idle screen.
    pub visit: Option<VisitId>,
}

/// What a screen says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// What went wrong, in the words for patients.
    Fault(FaultCode),
    /// The PIN was wrong, and this many tries are left.
    TriesLeft(u8),
    /// The generic reader is gone: put the card into the slot instead.
    UseSlot,
    /// A card lies in the slot.
    TakeCard,
    /// What lies on the generic reader lay there before the patient was asked to hold anything.
    TakeAwayFirst,
}

/// The items that are consented to one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentItem {
    /// 特定健診情報
    SpecificHealthCheckups,
    /// 薬剤情報
    Pharmacists,
    /// 診療情報
    Diagnosis,
    /// 手術情報
    Operation,
    /// 限度額情報
    LimitApplication,
}

impl ConsentItem {
    /// All, in the order of asking.
    pub const ALL: [Self; 5] = [
        Self::SpecificHealthCheckups,
        Self::Pharmacists,
        Self::Diagnosis,
        Self::Operation,
        Self::LimitApplication,
    ];

    const fn text_key(self) -> &'static str {
        match self {
            Self::SpecificHealthCheckups => "consent-specific-health-checkups",
            Self::Pharmacists => "consent-pharmacists",
            Self::Diagnosis => "consent-diagnosis",
            Self::Operation => "consent-operation",
            Self::LimitApplication => "consent-limit-application",
        }
    }
}

/// Which screen it is, with what its texts need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScreenKind {
    /// Screen 1, waiting for a patient.
    Idle,
    /// Screen 1 within a visit.
    ChooseMedium,
    /// Screen 2.
    ChoosePhone,
    /// The PIN pad, for a phone or a card.
    EnterPin(Medium),
    /// Face ID or Touch ID on the phone.
    PhoneAuthenticates,
    /// Face or PIN for a card.
    FaceOrPin,
    /// Put the card into the reader's slot.
    InsertCard,
    /// Hold it over the reader.
    HoldMedium(Medium),
    /// It is held: keep it there.
    Reading,
    /// How to hold it, after a failed read.
    HoldHint(Medium),
    /// Something else was held than was chosen.
    WrongMedium {
        /// What was chosen.
        chosen: Medium,
        /// What was held.
        found: Medium,
    },
    /// Spend the last try?
    LastTry,
    /// The face-auth reader verifies the card in its slot.
    ReadingSlot(SlotMethod),
    /// The centre is asked.
    Authenticating,
    /// Consent to all, to none, or one by one.
    Consent {
        /// The line is down: the confirmation will come later.
        deferred: bool,
    },
    /// Consent to one item.
    ConsentItem(ConsentItem),
    /// The confirmation is under way.
    Confirming,
    /// Confirmed, and the coverage is valid.
    Done,
    /// Confirmed, and the coverage is not valid: staff help.
    DoneNotValid,
    /// Accepted; confirmed when the line is back.
    Deferred,
    /// Another way is needed.
    Fallback {
        /// Why.
        reason: FaultCode,
        /// What is offered.
        offers: Offers,
    },
    /// Staff took over.
    TakenOver,
    /// The gateway stopped.
    OutOfService,
}

impl ScreenKind {
    /// The name on the device link.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::ChooseMedium => "choose_medium",
            Self::ChoosePhone => "choose_phone",
            Self::EnterPin(_) => "enter_pin",
            Self::PhoneAuthenticates => "phone_authenticates",
            Self::FaceOrPin => "face_or_pin",
            Self::InsertCard => "insert_card",
            Self::HoldMedium(_) => "hold_medium",
            Self::Reading => "reading",
            Self::HoldHint(_) => "hold_hint",
            Self::WrongMedium { .. } => "wrong_medium",
            Self::LastTry => "last_try",
            Self::ReadingSlot(_) => "reading_slot",
            Self::Authenticating => "authenticating",
            Self::Consent { .. } => "consent",
            Self::ConsentItem(_) => "consent_item",
            Self::Confirming => "confirming",
            Self::Done => "done",
            Self::DoneNotValid => "done_not_valid",
            Self::Deferred => "deferred",
            Self::Fallback { .. } => "fallback",
            Self::TakenOver => "taken_over",
            Self::OutOfService => "out_of_service",
        }
    }

    /// The step of the visit that shows it.
    pub const fn step(self) -> Step {
        match self {
            Self::Idle | Self::OutOfService => Step::Idle,
            Self::ChooseMedium => Step::ChooseMedium,
            Self::ChoosePhone => Step::ChoosePhone,
            Self::EnterPin(_) => Step::EnterPin,
            Self::PhoneAuthenticates => Step::PhoneAuthenticates,
            Self::FaceOrPin | Self::InsertCard => Step::FaceOrPin,
            Self::HoldMedium(_) | Self::Reading => Step::HoldMedium,
            Self::HoldHint(_) | Self::WrongMedium { .. } => Step::HoldHint,
            Self::LastTry => Step::LastTry,
            Self::ReadingSlot(_) => Step::ReadingSlot,
            Self::Authenticating => Step::Authenticating,
            Self::Consent { .. } | Self::ConsentItem(_) => Step::Consent,
            Self::Confirming => Step::Confirming,
            Self::Done | Self::DoneNotValid => Step::Done,
            Self::Deferred => Step::Deferred,
            Self::Fallback { .. } | Self::TakenOver => Step::Fallback,
        }
    }

    /// What the keys of its texts begin with: one set for each wording.
    fn stem(self) -> String {
        let suffix = match self {
            Self::EnterPin(medium) | Self::HoldMedium(medium) | Self::HoldHint(medium) => match medium {
                Medium::MyNumberCard => "-card",
                Medium::Android => "-android",
                Medium::Iphone => "-iphone",
            },
            Self::ReadingSlot(SlotMethod::Face) => "-face",
            Self::ReadingSlot(SlotMethod::Pin) => "-pin",
            Self::ReadingSlot(SlotMethod::Staff) => "-staff",
            Self::ReadingSlot(SlotMethod::Iphone) => "-iphone",
            Self::ReadingSlot(SlotMethod::Android) => "-android",
            Self::Consent { deferred: true } => "-deferred",
            _ => "",
        };
        format!("screen-{}{suffix}", self.name().replace('_', "-"))
    }
}

fn medium_name(wording: &Wording, language: Language, medium: Medium) -> String {
    wording.text(language, &format!("medium-{}", medium.name().replace('_', "-")), &[])
}

impl Notice {
    fn text(self, wording: &Wording, language: Language) -> String {
        match self {
            Self::Fault(fault) => text(language, &format!("fault-{}-patient", fault.name()), &[]),
            Self::TriesLeft(tries) => {
                wording.text(language, "notice-tries-left", &[("tries", &tries.to_string())])
            }
            Self::UseSlot => wording.text(language, "notice-use-slot", &[]),
            Self::TakeAwayFirst => wording.text(language, "notice-take-away-first", &[]),
            Self::TakeCard => wording.text(language, "notice-take-card", &[]),
        }
    }
}

impl ScreenSpec {
    /// The frame for the reader, with final texts in the catalogue's wording.
    pub fn render(&self) -> device::Screen {
        self.render_in(&Wording::default())
    }

    /// The same, in the wording of the reader's maker.
    pub fn render_in(&self, wording: &Wording) -> device::Screen {
        let text = |language, key: &str, arguments: &[(&str, &str)]| wording.text(language, key, arguments);
        let language = self.language;
        let stem = self.kind.stem();
        let job = self.pin_pad.as_ref().map(|pad| pad.job.to_string()).unwrap_or_default();
        let (chosen, found) = match self.kind {
            ScreenKind::WrongMedium { chosen, found } => {
                (medium_name(wording, language, chosen), medium_name(wording, language, found))
            }
            _ => Default::default(),
        };
        let item = match self.kind {
            ScreenKind::ConsentItem(item) => text(language, item.text_key(), &[]),
            _ => String::new(),
        };
        let arguments = [
            ("job", job.as_str()),
            ("chosen", chosen.as_str()),
            ("found", found.as_str()),
            ("item", item.as_str()),
        ];
        let mut lines = Vec::new();
        if self.practice {
            let key = if self.visit.is_none() { "fault-rehearsal-patient" } else { "screen-practice-text" };
            lines.push(text(language, key, &[]));
        }
        lines.extend(self.notice.iter().map(|notice| notice.text(wording, language)));
        if let ScreenKind::Fallback { reason, offers } = self.kind {
            lines.push(Notice::Fault(reason).text(wording, language));
            lines.push(text(language, &format!("{stem}-text"), &[]));
            lines.extend(offers.list().map(|way| text(language, fallback::text_key(way), &[])));
        } else {
            lines.push(text(language, &format!("{stem}-text"), &arguments));
        }
        device::Screen {
            number: self.number,
            kind: self.kind.name().into(),
            language: language.tag().into(),
            title: self.title(text(language, &format!("{stem}-title"), &arguments)),
            text: lines.join("\n"),
            choices: self.choices.iter().map(|choice| self.button(wording, *choice)).collect(),
            pin_pad: self.pin_pad.clone(),
            visit: self.visit,
        }
    }

    fn title(&self, title: String) -> String {
        if self.practice { text(self.language, "screen-practice-title", &[("title", &title)]) } else { title }
    }

    fn button(&self, wording: &Wording, choice: Choice) -> device::Choice {
        let label = match choice {
            // In the language that it leads to: who needs it can't read the present one.
            Choice::Language => text(next_language(self.language), "language-name", &[]),
            other => wording.text(self.language, &format!("choice-{}", other.id().replace('_', "-")), &[]),
        };
        device::Choice { id: choice.id().into(), label }
    }
}

/// The language that [`Choice::Language`] leads to.
pub(crate) fn next_language(language: Language) -> Language {
    let all = Language::ALL;
    let at = all.iter().position(|known| *known == language).unwrap_or_default();
    all[(at + 1) % all.len()]
}
