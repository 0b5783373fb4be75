//! The actor's side of what a person asks.

use std::future::Future;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use madoguchi_bus::Responder;
use madoguchi_protocol::messages::{
    Command,
    offline_queue::{
        AskKeys, AskOutlook, DiscardRecord, DropOldKeys, ExportRecord, ListRecords, Outlook, QueueKeys,
        RecordMended, RecordShown, RetryRecord, RotateKey, ShowRecord,
    },
};

use super::OfflineQueue;
use crate::{
    drain::now_ms,
    operator::{self, given_up_first, record_id, shown},
    store::{Store, StoreError},
};

impl OfflineQueue {
    /// Replies with what comes of `asking`. Without a store there is nothing true to say: whoever asks hears nothing.
    pub(super) fn reply_with<C, A>(
        &self,
        responder: Responder,
        context: &mut Context<Self>,
        asking: impl FnOnce(Store) -> A,
    ) where
        C: Command,
        A: Future<Output = Result<C::Reply, StoreError>> + 'static,
    {
        let Some(store) = self.store.clone() else { return };
        context.spawn(asking(store).into_actor(self).map(move |found, queue, context| match found {
            Ok(reply) => responder.reply::<C>(&reply),
            Err(error) => queue.failed_in_use(&error, context),
        }));
    }

    pub(super) fn list(&self, wanted: ListRecords, responder: Responder, context: &mut Context<Self>) {
        self.reply_with::<ListRecords, _>(responder, context, |store| async move {
            operator::list(&store, &wanted).await
        });
    }

    pub(super) fn show_record(&self, wanted: ShowRecord, responder: Responder, context: &mut Context<Self>) {
        self.reply_with::<ShowRecord, _>(responder, context, |store| async move {
            let record = store.look_up(record_id(wanted.id)).await?;
            Ok(RecordShown { record: record.as_ref().map(shown) })
        });
    }

    pub(super) fn retry(&self, wanted: RetryRecord, responder: Responder, context: &mut Context<Self>) {
        let signals = self.signals.clone();
        self.reply_with::<RetryRecord, _>(responder, context, |store| async move {
            let retried = operator::retry(&store, wanted.id, now_ms()).await?;
            if retried == RecordMended::Done {
                tracing::info!(record = %wanted.id, "a person put a record back into the line");
                signals.accepted.notify_one();
            }
            Ok(retried)
        });
    }

    /// The store logs it.
    pub(super) fn discard(&self, wanted: DiscardRecord, responder: Responder, context: &mut Context<Self>) {
        self.reply_with::<DiscardRecord, _>(responder, context, |store| async move {
            operator::discard(&store, wanted, now_ms()).await
        });
    }

    pub(super) fn export(&self, wanted: ExportRecord, responder: Responder, context: &mut Context<Self>) {
        self.reply_with::<ExportRecord, _>(responder, context, |store| async move {
            operator::export(&store, &wanted).await
        });
    }

    pub(super) fn outlook(&self, responder: Responder, context: &mut Context<Self>) {
        let settings = self.settings.clone();
        let hours_left =
            self.last.and_then(|status| self.arrivals.hours_left(&status, &settings.quota(), now_ms()));
        self.reply_with::<AskOutlook, _>(responder, context, |store| async move {
            let first = store.goes_first().await?;
            Ok(Outlook {
                when_full: given_up_first(settings.when_full),
                give_up_after_days: settings.give_up_after_days,
                first: first.as_ref().map(shown),
                hours_left,
            })
        });
    }

    pub(super) fn keys(&self, responder: Responder, context: &mut Context<Self>) {
        self.reply_with::<AskKeys, _>(responder, context, |store| async move {
            operator::keys(&store, Ok(())).await
        });
    }

    pub(super) fn drop_old_keys(&self, responder: Responder, context: &mut Context<Self>) {
        self.reply_with::<DropOldKeys, _>(responder, context, |store| async move {
            let done = store.drop_old_keys().await.map(drop);
            operator::keys(&store, done).await
        });
    }

    /// The new key is there when this is answered; what older ones sealed is then sealed anew in the background.
    pub(super) fn rotate_key(&self, responder: Responder, context: &mut Context<Self>) {
        let Some(store) = self.store.clone() else { return };
        let rotated = store.clone();
        let rotating = async move {
            let done = rotated.rotate_key().await.map(drop);
            operator::keys(&rotated, done).await
        };
        context.spawn(rotating.into_actor(self).map(move |keys, queue, context| match keys {
            Ok(keys) => {
                responder.reply::<RotateKey>(&keys);
                if matches!(keys, QueueKeys::Keys(_)) {
                    queue.reseal(store, context);
                }
            }
            Err(error) => queue.failed_in_use(&error, context),
        }));
    }
}
