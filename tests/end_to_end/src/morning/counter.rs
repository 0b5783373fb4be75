//! A reception counter with whoever stands there: the simulated hospital's lane, handled as people do.

use super::plan::Options;
use anyhow::{Result, bail};
use madoguchi_simulator::{
    face_reader::View,
    hospital::{HoldError, Hospital, Lane, PcscError},
};
use std::time::Duration;

/// How often it is tried to plug a reader in.
const MOST_PLUGGINGS: u32 = 5;

/// One counter.
pub struct Counter<'a> {
    pub(super) hospital: &'a Hospital,
    pub(super) lane: &'a Lane,
    pub(super) options: &'a Options,
    /// The lane's number.
    pub number: u16,
}

impl<'a> Counter<'a> {
    /// The counter of a lane that exists.
    pub fn new(hospital: &'a Hospital, options: &'a Options, number: u16) -> Option<Self> {
        let lane = hospital.lanes.get(&number)?;
        Some(Self { hospital, lane, options, number })
    }

    /// Touches a choice; says whether the screen had it.
    pub fn touch(&self, choice: &str) -> bool {
        self.lane.reader.touch(choice).is_ok()
    }

    /// Whether this can be touched now.
    pub fn offers(&self, choice: &str) -> bool {
        offers(&self.lane.reader.view(), choice)
    }

    /// The number of the present screen.
    pub fn sequence(&self) -> Option<u64> {
        self.lane.reader.view().screen.map(|screen| screen.sequence)
    }

    /// Whether another screen than this one is shown within `limit`.
    pub async fn changes(&self, sequence: u64, limit: Duration) -> bool {
        let other = |view: &View| view.screen.as_ref().map(|screen| screen.sequence) != Some(sequence);
        self.lane.reader.wait_for(limit, other).await.is_some()
    }

    /// Whether the screen for the next patient is there within `limit`.
    pub async fn becomes_idle(&self, limit: Duration) -> bool {
        let is_idle = |view: &View| view.screen.as_ref().is_some_and(|screen| screen.kind == "idle");
        self.lane.reader.wait_for(limit, is_idle).await.is_some()
    }

    /// Puts a card into the slot.
    pub fn insert(&self, card: &str) -> Result<()> {
        Ok(self.lane.insert(&self.hospital.wallet, card)?)
    }

    /// Holds a card or phone over the generic reader, lifting what was there. A reader that takes nothing now
    /// is the box's affair.
    pub async fn hold(&self, card: &str) -> Result<()> {
        self.lane.take_away().await;
        match self.lane.hold(&self.hospital.wallet, card).await {
            Ok(()) => Ok(()),
            Err(HoldError::Reader(error)) => {
                tracing::debug!(lane = self.number, %error, "nothing to hold it over");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes away what is held.
    pub async fn take_away(&self) {
        self.lane.take_away().await;
    }

    /// Takes everything along.
    pub async fn clear(&self) -> Result<()> {
        self.lane.take_away().await;
        self.lane.reader.set_slot(None);
        self.lane.reader.set_face(true);
        Ok(())
    }

    /// Pulls the generic reader's cable.
    pub async fn pull_cable(&self) {
        // What does not come out now stays in, and the patient is none the wiser.
        self.plug(false).await.ok();
    }

    /// Puts it back.
    pub async fn plug_in(&self) -> Result<()> {
        for _ in 0..MOST_PLUGGINGS {
            if self.plug(true).await.is_ok() {
                return Ok(());
            }
            self.plug(false).await.ok();
        }
        bail!("lane {}: the reader can't be plugged in again", self.number)
    }

    /// The readers' service may be busy with a medium that hangs, or have been killed just now.
    async fn plug(&self, plugged: bool) -> Result<(), PcscError> {
        let mut service = self.hospital.pcsc.lock().await;
        let done = tokio::task::block_in_place(|| service.set_plugged(&self.lane.nfc, plugged));
        if let Err(error) = &done {
            tracing::debug!(lane = self.number, plugged, %error, "the cable");
        }
        done
    }
}

fn offers(view: &View, choice: &str) -> bool {
    let screen = view.screen.as_ref();
    screen.is_some_and(|screen| screen.choices.iter().any(|offered| offered.id == choice))
}
