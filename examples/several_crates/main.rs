//! Handlers of several crates in one bus: `cargo run --example several_crates`.
//!
//! The libraries know the events and not each other. Two handlers of one topic and group would not compile, though
//! each stands in a crate of its own.

use billing::Currency;
use bus_runtime::prelude::*;
use contracts::OrderPlaced;

/// What the libraries ask for.
#[derive(FromRef)]
struct AppState {
    currency: Currency,
}

/// Every event the shop handles, whoever wrote the handler.
#[event_bus(group = "shop", state = AppState, handlers = [billing::charge, shipping::ship])]
struct Shop;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let state = AppState {
        currency: Currency("euro"),
    };
    let bus = Shop::new(Config::memory()).start(state).await?;
    for order in 1..=3 {
        let cents = order * 100;
        bus.publish(&OrderPlaced { order, cents }).await?;
    }
    // In memory the shutdown handles everything first: what handlers publish too.
    let report = bus.shutdown().await?;
    println!("{report}");
    assert_eq!(report.handled(), 6);
    Ok(())
}
