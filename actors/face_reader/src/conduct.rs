//! Carrying out what the visit wants done.

use crate::{FaceReader, link::FaceReaderLink};
use actix::{ActorFutureExt, AsyncContext, Context, SpawnHandle, WrapFuture};
use jiff::Timestamp;
use madoguchi_protocol::{
    RequestId, VisitId,
    device::ToReader,
    messages::{
        Command,
        audit_log::Step,
        face_reader::ActAsStaff,
        nfc_reader::CancelRead,
        offline_queue::{AskConfirmation, ConfirmationSettled, ConfirmationStanding},
        pin_session::{DropPin, OpenPinJob},
    },
};
use madoguchi_reception::{Act, Input, Output, Unanswered};
use std::time::Duration;

/// How long the centre's answer may take before the queue is asked whether the event was missed.
const ASK_AFTER: Duration = Duration::from_secs(1);

impl<L: FaceReaderLink> FaceReader<L> {
    pub(crate) fn carry_out(&mut self, output: Output, now: Timestamp, context: &mut Context<Self>) {
        let Output { visit, act } = output;
        match act {
            Act::Show(spec) => {
                if self.interrupted.gives_way_to(spec.visit, context) {
                    self.show(spec.render_in(&self.wording));
                }
            }
            Act::OpenPinJob { ask } => {
                self.ask(visit, OpenPinJob {}, context, move |answer| Input::PinJob { ask, answer });
            }
            Act::HoldPin { ask, command } => {
                self.ask(visit, command, context, move |answer| Input::PinHeld { ask, answer });
            }
            Act::DropPin { job } => self.bus.tell(Some(self.lane), visit, DropPin { job }),
            Act::Read { ask, command } => {
                let reading = self.ask(visit, command, context, move |answer| Input::Read { ask, answer });
                self.reading = Some(reading);
            }
            Act::CancelRead => {
                // First the question, or its next repeat would begin a read that nobody wants.
                if let Some(reading) = self.reading.take() {
                    context.cancel_future(reading);
                }
                self.bus.tell(Some(self.lane), visit, CancelRead {});
            }
            Act::ReadSlot { visit, method, statement, last_try_allowed } => {
                self.say(ToReader::ReadSlot { visit, method, statement, last_try_allowed });
            }
            Act::CancelSlot { visit } => self.say(ToReader::CancelSlot { visit }),
            Act::Authenticate { ask, command } => {
                self.ask(visit, command, context, move |answer| Input::Authenticated { ask, answer });
            }
            Act::Accept { ask, command } => {
                let request_id = command.request.request_id;
                self.confirming = Some(request_id);
                self.ask(visit, command, context, move |answer| Input::Accepted { ask, answer });
                self.look_after_confirmation(visit, request_id, context);
            }
            Act::AskConfirmation { ask, command } => {
                self.ask(visit, command, context, move |answer| Input::Standing { ask, answer });
            }
            Act::Record(entry) => self.record(now, visit, entry),
            Act::StaffAnswered(answer) => {
                if let Some(staff) = self.staff.take() {
                    staff.reply::<ActAsStaff>(&answer);
                }
            }
            Act::Ended(end) => {
                self.visits_ended += 1;
                self.confirming = None;
                self.last_ended = visit.map(|visit| self.stopwatch.end(visit, end, now));
            }
            Act::SetDeadline(at) => {
                if let Some(before) = self.deadline.take() {
                    context.cancel_future(before);
                }
                let left = Duration::try_from(at.duration_since(now)).unwrap_or_default();
                let run = move |actor: &mut Self, context: &mut Context<Self>| {
                    actor.deadline = None;
                    actor.feed(Input::DeadlinePassed(at), context);
                };
                self.deadline = Some(context.run_later(left, run));
            }
        }
    }

    /// Asks another actor; its answer, or that there was none, comes back as an input.
    fn ask<C: Command>(
        &self,
        visit: Option<VisitId>,
        command: C,
        context: &mut Context<Self>,
        input: impl FnOnce(Result<C::Reply, Unanswered>) -> Input + 'static,
    ) -> SpawnHandle {
        let (bus, lane) = (self.bus.clone(), self.lane);
        let asking = async move { bus.ask(Some(lane), visit, command).await };
        context.spawn(asking.into_actor(self).map(move |answer, actor, context| {
            if let Err(error) = &answer {
                tracing::warn!(lane = %actor.lane, %error, "no answer");
            }
            actor.feed(input(answer.map_err(|_| Unanswered)), context);
        }))
    }

    /// The event that tells the centre's answer is said once; where it was missed, the queue still knows.
    fn look_after_confirmation(
        &mut self,
        visit: Option<VisitId>,
        request_id: RequestId,
        context: &mut Context<Self>,
    ) {
        context.run_later(ASK_AFTER, move |actor, context| {
            if actor.confirming != Some(request_id) || actor.visit.standing() != Step::Confirming {
                return;
            }
            let (bus, lane) = (actor.bus.clone(), actor.lane);
            let asking = async move { bus.ask(Some(lane), visit, AskConfirmation { request_id }).await };
            context.spawn(asking.into_actor(actor).map(move |answer, actor: &mut Self, context| {
                if let Ok(ConfirmationStanding::Settled(settlement)) = answer {
                    actor.feed(Input::Settled(ConfirmationSettled { request_id, settlement }), context);
                } else {
                    actor.look_after_confirmation(visit, request_id, context);
                }
            }));
        });
    }
}
