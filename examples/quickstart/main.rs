//! A shop that charges orders: one is charged at once, one at the second attempt, one never.
//!
//! `cargo run --example quickstart` runs it in memory. With a NATS server:
//! `BUS_URL=nats://127.0.0.1:4222 cargo run --features nats --example quickstart`; with Kafka:
//! `BUS_URL=kafka://127.0.0.1:9092 cargo run --features kafka --example quickstart`.

use bus_runtime::Drain;
use bus_runtime::prelude::*;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The contract: one topic, its payload, its ordering key.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = customer)]
struct OrderPlaced {
    order: u64,
    customer: String,
    cents: u64,
}

/// Charges an order: those of one customer one at a time, in the order they were placed.
#[event_handler(topic = OrderPlaced::TOPIC, retry = Retry::attempts(3))]
async fn charge(
    Json(order): Json<OrderPlaced>,
    State(seen): State<Seen>,
    about: Metadata,
) -> Result {
    seen.first_attempt(&about);
    match order.cents {
        0 => Err(HandlerError::permanent("an order without a price")),
        cents if cents > 100_000 && about.attempt == 1 => Err("the bank did not answer")?,
        cents => {
            println!(
                "charged {} with {cents} cents for order {}",
                order.customer, order.order
            );
            Ok(())
        }
    }
}

/// Writes every order down: a group of its own, with its own progress.
#[event_handler(topic = OrderPlaced::TOPIC, group = "audit", key = Unordered)]
async fn audit(Json(order): Json<OrderPlaced>, State(seen): State<Seen>, about: Metadata) {
    seen.first_attempt(&about);
    println!("audited order {}", order.order);
}

/// Every event the shop handles.
#[event_bus(group = "shop", state = Seen, handlers = [charge, audit])]
struct Shop;

/// Counts what the handlers have begun, so that the program knows when it has shown everything.
#[derive(Clone)]
struct Seen(Arc<Semaphore>);

impl Seen {
    fn first_attempt(&self, about: &Metadata) {
        if about.attempt == 1 {
            self.0.add_permits(1);
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .init();

    // `BUS_URL` chooses the broker, and the other `BUS_` variables set every other option.
    let config = Config::from_env_or(Config::memory())?.drain(Drain::Everything);
    let seen = Seen(Arc::new(Semaphore::new(0)));
    let bus = Shop::new(config).start(seen.clone()).await?;

    let orders = [(1, "ann", 990), (2, "bob", 250_000), (3, "ann", 0)];
    for (order, customer, cents) in orders {
        bus.publish(&OrderPlaced {
            order,
            customer: customer.to_owned(),
            cents,
        })
        .await?;
    }

    let handlers = 2;
    let all = u32::try_from(orders.len() * handlers)?;
    let report = bus
        .run_until(async {
            tokio::select! {
                () = shutdown_signal() => {}
                _ = seen.0.acquire_many(all) => {}
            }
        })
        .await?;
    println!("{report}");
    Ok(())
}
