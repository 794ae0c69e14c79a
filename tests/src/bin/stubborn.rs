//! Runs a bus whose handler does not end, until two signals end it, for tests of signals.
//!
//! The argument is the broker's URL.

use bus_runtime::prelude::*;
use bus_runtime::{Publish, shutdown_signal};
use std::future::pending;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

#[event_handler(topic = "stubborn.asked", key = Record, timeout = DAY)]
async fn refuse(_: Raw) {
    println!("handling");
    pending::<()>().await;
}

#[event_bus(group = "stubborn", handlers = [refuse])]
struct Stubborn;

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("a URL is needed")?;
    let config = Config::new(url).shutdown_deadline(DAY);
    let bus = Stubborn::new(config).start().await?;
    // From here on signals are heard, before anybody is told that there is something to end.
    let mut end = Box::pin(shutdown_signal());
    tokio::select! {
        biased;
        () = &mut end => return Err("nobody has asked yet".into()),
        () = async {} => {}
    }
    bus.publisher()
        .publish_raw("stubborn.asked", Key::of("k"), "", Publish::new())
        .await?;
    let end = async {
        end.await;
        println!("asked to end");
    };
    let report = bus.run_until(end).await?;
    println!(
        "ended, {} cancelled, {} released",
        report.cancelled,
        report.released()
    );
    Ok(())
}
