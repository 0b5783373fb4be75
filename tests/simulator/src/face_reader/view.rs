//! What a person in front of the reader sees.

use madoguchi_protocol::device::Screen;
use serde::Serialize;
use std::collections::VecDeque;
use utoipa::ToSchema;

/// Screens remembered for scripts that look after the fact.
const REMEMBERED: usize = 200;

/// A screen that was shown, in the words of the control interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Shown {
    /// Counts the screens of this reader since it was made; survives reconnects.
    pub sequence: u64,
    /// What it is: `idle`, `choose_medium`, `enter_pin`, ….
    pub kind: String,
    /// `ja` or `en`.
    pub language: String,
    /// The headline.
    pub title: String,
    /// A few sentences.
    pub text: String,
    /// What can be touched, in order.
    pub choices: Vec<ShownChoice>,
    /// The number of the PIN job, where the box asks for a PIN.
    pub pin_job: Option<String>,
    /// The visit that the screen belongs to.
    pub visit: Option<String>,
    /// When it appeared, RFC 3339.
    #[schema(value_type = String)]
    pub at: jiff::Timestamp,
}

/// Something to touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShownChoice {
    /// What `touch` takes.
    pub id: String,
    /// What the button says.
    pub label: String,
}

/// A reader as a person sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct View {
    /// Whether the box has welcomed it.
    pub connected: bool,
    /// What it shows; nothing before the first screen and while it is not connected.
    pub screen: Option<Shown>,
    /// The card in its slot, by the name that scripts use.
    pub slot: Option<String>,
    /// Whether it asks for the PIN of the card in its slot, by itself and for the slot only.
    pub slot_pin_wanted: bool,
    /// Whether its camera will take the person for the card's holder.
    pub face_matches: bool,
    /// Why the box said goodbye, if it did.
    pub goodbye: Option<String>,
    /// Rises with every change.
    pub change: u64,
}

/// The screens of a reader, newest last, and their counter.
#[derive(Default)]
pub(super) struct History {
    sequence: u64,
    shown: VecDeque<Shown>,
}

impl History {
    pub(super) fn note(&mut self, screen: &Screen) -> Shown {
        self.sequence += 1;
        let shown = Shown {
            sequence: self.sequence,
            kind: screen.kind.clone(),
            language: screen.language.clone(),
            title: screen.title.clone(),
            text: screen.text.clone(),
            choices: screen
                .choices
                .iter()
                .map(|choice| ShownChoice { id: choice.id.clone(), label: choice.label.clone() })
                .collect(),
            pin_job: screen.pin_pad.as_ref().map(|pad| pad.job.to_string()),
            visit: screen.visit.map(|visit| visit.to_string()),
            at: jiff::Timestamp::now(),
        };
        if self.shown.len() == REMEMBERED {
            self.shown.pop_front();
        }
        self.shown.push_back(shown.clone());
        shown
    }

    pub(super) fn since(&self, sequence: u64) -> Vec<Shown> {
        self.shown.iter().filter(|shown| shown.sequence > sequence).cloned().collect()
    }
}
