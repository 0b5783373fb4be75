//! A reader that is not a lane's yet is tried: does it answer, and does it read what is held over it?

use crate::{
    actor::{LONGEST_TEST, tested},
    pcsc::{binding::ReaderBinding, keeper::ReaderKeeper, medium::MediumReader},
    read::{Order, carry_out},
};
use madoguchi_protocol::messages::nfc_reader::ReaderTested;
use std::time::Duration;
use tokio::sync::watch;

/// How long reading may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Waits for any medium on the reader that is bound so, and says by its label what it is. Nothing else of it is read, and
/// no PIN is asked for. `wait` is 20 s at most.
pub async fn try_out(binding: ReaderBinding, wait: Duration) -> ReaderTested {
    let keeper = ReaderKeeper::start(binding);
    let order = Order {
        expected: None,
        statement: Vec::new(),
        last_try_allowed: false,
        wait: wait.min(LONGEST_TEST),
        limit: LIMIT,
        spent: None,
    };
    // Its sender lives as long as the trial: nobody cancels it but by dropping it whole.
    let (_cancel, cancelled) = watch::channel(false);
    let media = MediumReader::default();
    let ended = carry_out(order, &media, keeper.view(), cancelled, || {}, async || None).await;
    tested(&ended.outcome)
}
