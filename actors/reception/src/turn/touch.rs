//! What the patient touches.

use super::Turn;
use crate::{
    choice::Choice,
    place::{Asking, Hold, LastTryOf, Phone, Place},
    screen::{ConsentItem, next_language},
    visit::State,
};
use madoguchi_protocol::{
    device::SlotMethod,
    evidence::{Consent, Medium},
    fault::FaultCode,
    messages::audit_log::VisitEnd,
};

impl Turn<'_> {
    pub(super) fn touch(&mut self, screen: u32, choice: &str) {
        if screen != self.lane.last_screen {
            return;
        }
        let choice: Option<Choice> = choice.parse().ok();
        match &self.lane.state {
            State::Idle => self.arrive(choice),
            State::Stopped { .. } => {}
            State::Visiting(session) => {
                let offered = session.place.choices(self.lane.surroundings.phones_ready);
                let thinking = session.place.thinking();
                match choice.filter(|choice| offered.contains(choice)) {
                    Some(choice) => self.chosen(choice),
                    // Not a choice, but somebody is there.
                    None if thinking => self.begin_limit(),
                    None => {}
                }
            }
        }
    }

    /// The first touch.
    fn arrive(&mut self, choice: Option<Choice>) {
        let language = self.lane.language;
        match choice {
            Some(Choice::UsePhone) if self.lane.surroundings.phones_ready => {
                self.begin(language, Place::ChoosePhone);
            }
            Some(Choice::UseCard) => {
                self.begin(language, Place::FaceOrPin);
                self.choose(Medium::MyNumberCard);
            }
            Some(Choice::Language) => self.begin(next_language(language), Place::ChooseMedium),
            _ => {}
        }
    }

    fn chosen(&mut self, choice: Choice) {
        match choice {
            Choice::Cancel => self.end(VisitEnd::Abandoned),
            // Only the places of Done, Deferred, Fallback and TakenOver offer it; they know their end.
            Choice::Finish => self.end(VisitEnd::TakenOver),
            Choice::Language => self.change_language(),
            Choice::UsePhone => self.go(Place::ChoosePhone, None),
            Choice::UseCard => self.card(),
            Choice::Iphone => self.iphone(),
            Choice::Android => self.enter_pin_of_android(),
            Choice::Continue if self.lane.surroundings.reads_phones => {
                self.read(Hold::BuiltIn(Phone::Iphone));
            }
            Choice::Continue => self.read(Hold::Iphone),
            Choice::Face => self.by_slot(SlotMethod::Face),
            Choice::Pin => self.card_pin(),
            Choice::Retry => self.retry(),
            Choice::Switch => self.switch(),
            Choice::Back => self.back(),
            Choice::Yes | Choice::No => self.yes_or_no(choice == Choice::Yes),
            Choice::AgreeAll => self.confirm(ALL_OF_IT),
            Choice::AgreeNone => self.confirm(Consent::default()),
            Choice::AgreeEach => self.consent(Asking::Item(0, Consent::default())),
        }
    }

    fn change_language(&mut self) {
        if let Some(session) = self.session_mut() {
            session.language = next_language(session.language);
        }
        self.show();
        if self.place().is_some_and(Place::thinking) {
            self.begin_limit();
        }
    }

    /// The card, by the patient's choice or because it was put into the slot.
    pub(super) fn card(&mut self) {
        self.choose(Medium::MyNumberCard);
        self.go(Place::FaceOrPin, None);
    }

    fn iphone(&mut self) {
        self.choose(Medium::Iphone);
        self.go(Place::PhoneAuthenticates, None);
    }

    fn back(&mut self) {
        let to = match self.place() {
            Some(Place::PhoneAuthenticates) => Place::ChoosePhone,
            Some(Place::EnterPin { medium, .. }) if medium.medium().is_phone() => Place::ChoosePhone,
            Some(Place::EnterPin { .. } | Place::InsertCard { .. }) => Place::FaceOrPin,
            Some(Place::Consent { .. }) => return self.consent(Asking::Whole),
            _ => Place::ChooseMedium,
        };
        self.go(to, None);
    }

    /// Nothing was spent, or what was spent is found out by the reading itself.
    fn retry(&mut self) {
        match self.place() {
            Some(Place::HoldHint { hold }) => self.read(*hold),
            Some(Place::WrongMedium { hold, .. }) => {
                // The next medium may be yet another one: the yes to a last try does not pass on to it.
                let hold = match *hold {
                    Hold::WithPin { medium, job, .. } => {
                        Hold::WithPin { medium, job, last_try_allowed: false }
                    }
                    Hold::Iphone | Hold::BuiltIn(_) => *hold,
                };
                self.read(hold);
            }
            _ => {}
        }
    }

    /// Goes on with what was held instead of what was chosen.
    fn switch(&mut self) {
        match self.place() {
            Some(Place::WrongMedium { found: Medium::MyNumberCard, .. }) => self.card(),
            Some(Place::WrongMedium { found: Medium::Iphone, .. }) => self.iphone(),
            Some(Place::WrongMedium { found: Medium::Android, .. }) => self.enter_pin_of_android(),
            _ => {}
        }
    }

    fn yes_or_no(&mut self, yes: bool) {
        match self.place() {
            Some(Place::LastTry(_)) if !yes => self.fall_back(FaultCode::LastPinTry, None),
            Some(Place::LastTry(LastTryOf::Held { medium, job })) => {
                self.read(Hold::WithPin { medium: *medium, job: *job, last_try_allowed: true });
            }
            Some(Place::LastTry(LastTryOf::Anew(medium))) => self.open_pad(*medium, true, None),
            Some(Place::LastTry(LastTryOf::Slot(method))) => self.read_slot(*method, true),
            Some(Place::Consent { asking: Asking::Item(index, so_far), .. }) => {
                let next = index + 1;
                let consent = with_answer(*so_far, ConsentItem::ALL[*index % ConsentItem::ALL.len()], yes);
                if next < ConsentItem::ALL.len() {
                    self.consent(Asking::Item(next, consent));
                } else {
                    self.confirm(consent);
                }
            }
            _ => {}
        }
    }

    /// Asks something else about consent.
    fn consent(&mut self, asking: Asking) {
        if let Some(Place::Consent { proven, .. }) = self.place().cloned() {
            self.go(Place::Consent { proven, asking }, None);
        }
    }
}

const ALL_OF_IT: Consent = Consent {
    specific_health_checkups: true,
    pharmacists: true,
    diagnosis: true,
    operation: true,
    limit_application: true,
};

fn with_answer(mut consent: Consent, item: ConsentItem, yes: bool) -> Consent {
    match item {
        ConsentItem::SpecificHealthCheckups => consent.specific_health_checkups = yes,
        ConsentItem::Pharmacists => consent.pharmacists = yes,
        ConsentItem::Diagnosis => consent.diagnosis = yes,
        ConsentItem::Operation => consent.operation = yes,
        ConsentItem::LimitApplication => consent.limit_application = yes,
    }
    consent
}
