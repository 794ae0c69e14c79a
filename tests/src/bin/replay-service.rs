//! A program that replays all dead letters of a group, for tests that kill it.
//!
//! Argument: the group. The broker and the options come from the environment: `BUS_URL` and the others.

use bus_runtime::prelude::*;
use bus_runtime::{DeadLetterFilter, DeadLetters};
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let group = std::env::args().nth(1).ok_or("the group is missing")?;
    let dead_letters = DeadLetters::connect(Config::from_env()?, group).await?;
    dead_letters.replay_all(&DeadLetterFilter::all()).await?;
    dead_letters.shutdown().await?;
    Ok(())
}
