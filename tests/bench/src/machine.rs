//! The machine, in a few words: figures without it mean nothing.

use crate::figures::percentile;
use anyhow::Result;
use std::{fs, fs::File, io::Write as _, path::Path, thread, time::Instant};

/// A load average from which on other programs are a part of what is measured.
const MUCH: f64 = 0.7;
/// Writes that tell how fast the disk is.
const APPENDS: usize = 200;

/// Processors, present load, and what making a small record durable costs in `directory`.
pub fn describe(directory: &Path) -> Result<String> {
    let processors = thread::available_parallelism()?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load: f64 = load.split(' ').next().unwrap_or_default().parse()?;
    let busy = if load > MUCH {
        "\nOther programs keep this machine busy: the figures below are theirs as well."
    } else {
        ""
    };
    let syncs = syncs(directory)?;
    let (p50, p99) = (percentile(syncs.iter().copied(), 50.0), percentile(syncs.iter().copied(), 99.0));
    Ok(format!(
        "Machine: {processors} processors, load {load} before; append of 200 bytes + fdatasync: p50 {p50:.2} ms, p99 {p99:.2} ms.{busy}"
    ))
}

fn syncs(directory: &Path) -> Result<Vec<f64>> {
    let path = directory.join("disk");
    let mut file = File::create(&path)?;
    let mut all = Vec::with_capacity(APPENDS);
    for _ in 0..APPENDS {
        let begun = Instant::now();
        file.write_all(&[b'x'; 200])?;
        file.sync_data()?;
        all.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    fs::remove_file(path)?;
    Ok(all)
}
