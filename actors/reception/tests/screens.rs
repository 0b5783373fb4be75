//! Every screen has its texts in every language, within the device link's bounds, and stands in SCREENS.md.

mod support;

use madoguchi_protocol::{
    VisitId,
    device::{MAX_TEXT, PinPad, SlotMethod},
    evidence::Medium,
    fault::FaultCode,
    pin::PublicKey,
    texts::Language,
};
use madoguchi_reception::{Choice, ConsentItem, Notice, Offers, ScreenKind, ScreenSpec};

const DOCUMENT: &str = include_str!("../SCREENS.md");
const MEDIA: [Medium; 3] = [Medium::MyNumberCard, Medium::Android, Medium::Iphone];

fn kinds() -> Vec<ScreenKind> {
    use ScreenKind as K;
    let mut kinds = vec![
        K::Idle,
        K::ChooseMedium,
        K::ChoosePhone,
        K::EnterPin(Medium::Android),
        K::EnterPin(Medium::MyNumberCard),
        K::PhoneAuthenticates,
        K::FaceOrPin,
        K::InsertCard,
        K::Reading,
        K::LastTry,
        K::ReadingSlot(SlotMethod::Face),
        K::ReadingSlot(SlotMethod::Pin),
        K::ReadingSlot(SlotMethod::Staff),
        K::ReadingSlot(SlotMethod::Iphone),
        K::ReadingSlot(SlotMethod::Android),
        K::Authenticating,
        K::Consent { deferred: false },
        K::Consent { deferred: true },
        K::Confirming,
        K::Done,
        K::DoneNotValid,
        K::Deferred,
        K::TakenOver,
        K::OutOfService,
    ];
    for medium in MEDIA {
        kinds.extend([K::HoldMedium(medium), K::HoldHint(medium)]);
        kinds.extend(MEDIA.map(|found| K::WrongMedium { chosen: medium, found }));
    }
    kinds.extend(ConsentItem::ALL.map(K::ConsentItem));
    for reason in FaultCode::ALL {
        kinds.push(K::Fallback { reason: *reason, offers: Offers { card: true, portal: true } });
    }
    kinds
}

fn spec(kind: ScreenKind, language: Language, notice: Option<Notice>) -> ScreenSpec {
    let pin_pad = matches!(kind, ScreenKind::EnterPin(_))
        .then_some(PinPad { job: support::JOB, public_key: PublicKey([0; 32]) });
    ScreenSpec {
        number: 1,
        kind,
        language,
        practice: false,
        notice,
        choices: Choice::ALL.to_vec(),
        pin_pad,
        visit: None,
    }
}

/// The same for practice, within a visit but for the idle screen.
fn practised(spec: ScreenSpec) -> ScreenSpec {
    let visit = (spec.kind != ScreenKind::Idle).then(|| VisitId::from_bytes([1; 16]));
    ScreenSpec { practice: true, visit, ..spec }
}

/// A key that the catalogue lacks shows as itself, an argument that nobody gave as its name in braces.
fn assert_is_a_text(text: &str, of: &ScreenSpec) {
    assert!(
        !text.is_empty() && text.chars().count() <= MAX_TEXT,
        "{} characters: {of:?}",
        text.chars().count()
    );
    for trace in ["screen-", "choice-", "notice-", "fault-", "fallback-", "medium-", "consent-", "{"] {
        assert!(!text.contains(trace), "{text:?} in {of:?}");
    }
}

#[test]
fn every_screen_has_its_texts_in_every_language_within_the_bounds() {
    for language in Language::ALL {
        for kind in kinds() {
            let spec = spec(kind, language, None);
            let practice = practised(spec.clone()).render();
            assert_is_a_text(&practice.title, &spec);
            assert_is_a_text(&practice.text, &spec);
            let screen = spec.render();
            assert_is_a_text(&screen.title, &spec);
            assert_is_a_text(&screen.text, &spec);
            for choice in &screen.choices {
                assert_is_a_text(&choice.label, &spec);
            }
        }
    }
}

#[test]
fn every_notice_fits_on_the_longest_screen() {
    let faults = FaultCode::ALL.iter().map(|fault| Notice::Fault(*fault));
    for notice in
        faults.chain([Notice::TriesLeft(2), Notice::UseSlot, Notice::TakeCard, Notice::TakeAwayFirst])
    {
        for language in Language::ALL {
            for kind in kinds() {
                if !matches!(kind, ScreenKind::Fallback { .. }) {
                    let spec = practised(spec(kind, language, Some(notice)));
                    assert_is_a_text(&spec.render().text, &spec);
                }
            }
        }
    }
}

#[test]
fn r10_r16_the_button_says_what_the_notices_say() {
    let screen = spec(ScreenKind::Idle, Language::Ja, None).render();
    let label = |id: &str| screen.choices.iter().find(|choice| choice.id == id).unwrap().label.clone();
    assert_eq!(label("use_phone"), "スマートフォンを利用する");
    assert_eq!(label("use_card"), "マイナンバーカードを利用する");
    assert_eq!(label("language"), "English");
}

#[test]
fn screens_and_choices_stand_in_the_document() {
    for kind in kinds() {
        assert!(DOCUMENT.contains(&format!("| `{}` |", kind.name())), "{} in SCREENS.md", kind.name());
    }
    for choice in Choice::ALL {
        assert!(DOCUMENT.contains(&format!("| `{}` |", choice.id())), "{} in SCREENS.md", choice.id());
        assert_eq!(choice.id().parse(), Ok(*choice));
    }
}
