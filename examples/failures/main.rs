//! What becomes of events that cannot be handled: retries, permanent errors, and dead letters, which are listed, replayed
//! and purged.
//!
//! `cargo run --example failures` runs it in memory. With a NATS server:
//! `BUS_URL=nats://127.0.0.1:4222 cargo run --features nats --example failures`; with Kafka:
//! `BUS_URL=kafka://127.0.0.1:9092 cargo run --features kafka --example failures`.

use bus_runtime::prelude::*;
use bus_runtime::{DeadLetter, DeadLetterFilter, DeadLetters, DeadReason};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// The contract: one topic, its payload, its ordering key.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "parcels.sent", key = parcel)]
struct ParcelSent {
    parcel: String,
    street: String,
}

/// What goes wrong with a parcel.
#[derive(Debug)]
enum Trouble {
    /// It may be otherwise the next time.
    RoadClosed,
    /// It will never be otherwise.
    NoStreet,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Trouble::RoadClosed => "the road is closed",
            Trouble::NoStreet => "a parcel without a street",
        })
    }
}

impl std::error::Error for Trouble {}

/// Tried three times within some milliseconds; then the event is a dead letter, and waits for somebody who knows.
const SOON: Retry = Retry::attempts(3).backoff(Duration::from_millis(5), Duration::from_millis(20));

/// Hands a parcel to the carrier. An error is tried again, but for one that is permanent: it is a dead letter at once.
#[event_handler(topic = ParcelSent::TOPIC, retry = SOON)]
async fn hand_over(Json(parcel): Json<ParcelSent>, State(carrier): State<Carrier>) -> Result {
    if parcel.street.is_empty() {
        return Err(HandlerError::permanent(Trouble::NoStreet));
    }
    if parcel.street == "Long Lane" {
        if carrier.is_closed.load(Ordering::Acquire) {
            return Err(Trouble::RoadClosed.into());
        }
        println!("handed over parcel {}", parcel.parcel);
        carrier.handed_over.add_permits(1);
    }
    Ok(())
}

/// Every event the post handles.
#[event_bus(group = "post", state = Carrier, handlers = [hand_over])]
struct Post;

/// Somebody else's service.
#[derive(Clone)]
struct Carrier {
    /// Long Lane is.
    is_closed: Arc<AtomicBool>,
    handed_over: Arc<Semaphore>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The log would tell of each failure and of each dead letter.
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::ERROR)
        .init();
    let carrier = Carrier {
        is_closed: Arc::new(AtomicBool::new(true)),
        handed_over: Arc::new(Semaphore::new(0)),
    };
    let config = Config::from_env_or(Config::memory())?;
    let bus = Post::new(config).start(carrier.clone()).await?;

    // While the bus runs it has the dead letters of its group. A program of its own connects to those of a service on a
    // broker, whether that runs or not: `DeadLetters::connect(config, "post")`.
    let dead_letters = bus.dead_letters();
    let before = list(&dead_letters).await?.len();

    let send = async |parcel: &str, street: &str| {
        let (parcel, street) = (parcel.to_owned(), street.to_owned());
        bus.publish(&ParcelSent { parcel, street }).await
    };
    send("p-1", "Long Lane").await?;
    send("p-2", "").await?;
    send("p-3", "Long Lane").await?;
    let letters = loop {
        // All other parcels go on. Were it all that fail, the events would not be to blame, and none would be given up.
        send("p-4", "High Street").await?;
        let letters = list(&dead_letters).await?;
        if letters.len() >= before + 3 {
            break letters;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    println!("dead letters, oldest first:");
    for letter in &letters {
        println!("  {letter}");
    }

    // Nothing mends a parcel without a street.
    let hopeless = DeadLetterFilter::all().reason(DeadReason::Permanent);
    let purged = dead_letters.purge_all(&hopeless).await?;
    println!("purged {purged}");

    // The road is open again: what failed for that is handled again, by this group alone.
    carrier.is_closed.store(false, Ordering::Release);
    let failed = DeadLetterFilter::all()
        .topic("parcels.sent")
        .reason(DeadReason::Exhausted);
    let replayed = dead_letters.replay_all(&failed).await?;
    println!("replayed {replayed}");

    let all = u32::try_from(replayed)?;
    let _handed_over = carrier.handed_over.acquire_many(all).await?;
    println!("{} dead letters are left", list(&dead_letters).await?.len());
    println!("{}", bus.shutdown().await?);
    Ok(())
}

async fn list(dead_letters: &DeadLetters) -> Result<Vec<DeadLetter>, Box<dyn std::error::Error>> {
    let all = DeadLetterFilter::all();
    let (mut letters, mut after) = (Vec::new(), None);
    loop {
        let page = dead_letters.list(&all, after, 100).await?;
        letters.extend(page.letters);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(letters),
        }
    }
}
