//! What a patient sees whose visit was lost, because the gateway or a part of it stopped in the middle: that it
//! was interrupted and begins anew. It comes before the lane's present screen.

use actix::{Actor, AsyncContext, SpawnHandle};
use madoguchi_protocol::{
    VisitId,
    device::{Choice, Screen},
    fault::FaultCode,
    texts::{Language, text},
};
use madoguchi_reception::Choice as Touchable;
use std::time::Duration;

/// The number of its screen: before those of the visit, which begin at 1.
const NUMBER: u32 = 0;

/// Whether, and until when, the patient is being told.
pub(crate) struct Interrupted {
    language: Language,
    lasts: Duration,
    shown: bool,
    over: Option<SpawnHandle>,
}

impl Interrupted {
    pub(crate) fn new(language: Language, seconds: u16) -> Self {
        Self { language, lasts: Duration::from_secs(seconds.into()), shown: false, over: None }
    }

    pub(crate) fn lasts(&self) -> Duration {
        self.lasts
    }

    /// Begins; the screen to be shown.
    pub(crate) fn begin(&mut self) -> Screen {
        self.shown = true;
        let fault = format!("fault-{}-patient", FaultCode::Interrupted.name());
        let finish = Touchable::Finish.id();
        Screen {
            number: NUMBER,
            kind: "interrupted".into(),
            language: self.language.tag().into(),
            title: text(self.language, "screen-interrupted-title", &[]),
            text: text(self.language, &fault, &[]),
            choices: vec![Choice {
                id: finish.into(),
                label: text(self.language, &format!("choice-{finish}"), &[]),
            }],
            pin_pad: None,
            visit: None,
        }
    }

    /// The timer that ends it.
    pub(crate) fn until(&mut self, over: SpawnHandle) {
        self.over = Some(over);
    }

    /// Ends it. Says whether it was being shown.
    pub(crate) fn end<A: Actor<Context = C>, C: AsyncContext<A>>(&mut self, context: &mut C) -> bool {
        if let Some(over) = self.over.take() {
            context.cancel_future(over);
        }
        std::mem::take(&mut self.shown)
    }

    pub(crate) fn is_touched(&self, screen: u32, choice: &str) -> bool {
        self.shown && screen == NUMBER && choice == Touchable::Finish.id()
    }

    /// Whether a screen of the lane may be shown now: the idle one waits until the patient has read, that of a
    /// new visit does not.
    pub(crate) fn gives_way_to<A: Actor<Context = C>, C: AsyncContext<A>>(
        &mut self,
        visit: Option<VisitId>,
        context: &mut C,
    ) -> bool {
        if self.shown && visit.is_some() {
            self.end(context);
        }
        !self.shown
    }
}
