//! Which records are worked on next: live visits before the backlog, lanes in turn, oldest first in each lane.

use std::collections::VecDeque;

use super::table::{Placed, Table};
use super::types::{Due, Kind, Millis, Reason, Stage, StoreError, Work};

/// The stages that a kind of work covers.
fn stages(kind: Kind) -> &'static [Stage] {
    match kind {
        Kind::Ask => &[Stage::Accepted],
        Kind::HandOver => &[Stage::Answered, Stage::Delivered],
    }
}

/// Chooses and opens what is due. A record whose seal does not hold is set aside on the way, so that it costs
/// nobody but itself.
pub(super) fn due(table: &mut Table, due: &Due, now: Millis) -> Result<Vec<Work>, StoreError> {
    let mut work = Vec::new();
    for placed in candidates(table, due)? {
        if work.len() >= due.limit {
            break;
        }
        let id = placed.header.id;
        match table.open_seals(placed) {
            Ok(opened) => work.push(opened),
            Err(StoreError::Seal) => {
                tracing::error!(record = %id, "a queued record is damaged and was set aside");
                table.set_aside(id, Reason::Damaged, "seal", now)?;
            }
            Err(other) => return Err(other),
        }
    }
    Ok(work)
}

fn candidates(table: &Table, due: &Due) -> Result<Vec<Placed>, StoreError> {
    let (mut live, mut backlog) = (Vec::new(), Vec::new());
    for lane in lanes(table, due)? {
        let in_hand = due.in_hand.iter().filter(|(of, _)| *of == lane).count();
        let room = due.per_lane.saturating_sub(in_hand).min(due.limit);
        if room == 0 {
            continue;
        }
        let (mut new, mut old) = (VecDeque::new(), VecDeque::new());
        for &stage in stages(due.kind) {
            // What is in hand or waiting may come first in the order: look that far past it.
            let reach = room + in_hand + due.waiting.iter().filter(|(of, _)| *of == lane).count();
            for placed in
                table.of_lane(stage, lane, false, reach)?.into_iter().filter(|found| free(due, found))
            {
                if is_live(due, &placed) { new.push_back(placed) } else { old.push_back(placed) }
            }
            // A live visit behind a long backlog is found from the other end.
            let known = new.len();
            for placed in
                table.of_lane(stage, lane, true, reach)?.into_iter().filter(|found| free(due, found))
            {
                if is_live(due, &placed) && !new.iter().any(|other: &Placed| other.seq == placed.seq) {
                    new.insert(known, placed);
                }
            }
        }
        new.truncate(room);
        old.truncate(if due.live_only { 0 } else { room - new.len() });
        live.push(new);
        backlog.push(old);
    }
    let mut chosen = in_turn(live);
    chosen.extend(in_turn(backlog));
    Ok(chosen)
}

fn free(due: &Due, placed: &Placed) -> bool {
    !due.in_hand.iter().chain(&due.waiting).any(|(_, id)| *id == placed.header.id)
}

fn is_live(due: &Due, placed: &Placed) -> bool {
    placed.header.accepted_at >= due.live_since
}

/// Lanes with work, those after `after_lane` first.
fn lanes(table: &Table, due: &Due) -> Result<Vec<u16>, StoreError> {
    let mut lanes = Vec::new();
    for &stage in stages(due.kind) {
        lanes.extend(table.lanes(stage)?);
    }
    lanes.sort_unstable();
    lanes.dedup();
    let turn = lanes.partition_point(|lane| *lane <= due.after_lane);
    lanes.rotate_left(turn);
    Ok(lanes)
}

/// One of each lane, then the second of each, and so on.
fn in_turn(mut lanes: Vec<VecDeque<Placed>>) -> Vec<Placed> {
    let mut all = Vec::new();
    while !lanes.is_empty() {
        lanes.retain_mut(|lane| match lane.pop_front() {
            Some(placed) => {
                all.push(placed);
                true
            }
            None => false,
        });
    }
    all
}
