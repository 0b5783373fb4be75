//! Writes the seeds of each fuzz target into its corpus: `madoguchi-decoders DIRECTORY`.

use anyhow::Context;
use madoguchi_decoders::ALL;
use std::{env, fs, path::PathBuf};

fn main() -> anyhow::Result<()> {
    let directory: PathBuf = env::args_os().nth(1).context("give the corpus directory")?.into();
    for decoder in ALL {
        let corpus = directory.join(decoder.name);
        fs::create_dir_all(&corpus).with_context(|| corpus.display().to_string())?;
        for (number, seed) in (decoder.seeds)().into_iter().enumerate() {
            fs::write(corpus.join(format!("seed-{number:02}")), seed)?;
        }
    }
    Ok(())
}
