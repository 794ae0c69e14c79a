//! A shop that takes orders over HTTP: `cargo run -p shop-over-http`, then
//!
//! ```text
//! curl -i localhost:8080/orders -H 'idempotency-key: order-1' --json '{"customer": "ann", "item": "tea"}'
//! curl -i localhost:8080/health/ready
//! ```
//!
//! and Ctrl-C. `SHOP_ADDRESS` is where it listens; `BUS_URL` chooses the broker, with the feature `nats` or `kafka`.

use bus_runtime::prelude::*;
use shop_over_http::{Stock, serve};
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .init();
    // With the time that the last requests have, less than the 30 s after which Kubernetes kills.
    let config = Config::memory().shutdown_deadline(Duration::from_secs(15));
    let config = Config::from_env_or(config)?;

    let address = std::env::var("SHOP_ADDRESS").unwrap_or_else(|_| "127.0.0.1:8080".into());
    let listener = TcpListener::bind(&address).await?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    let report = serve(listener, config, Stock::default(), shutdown_signal()).await?;
    println!("{report}");
    Ok(())
}
