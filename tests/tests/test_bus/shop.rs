//! The bus under test.

use bus_runtime::prelude::*;
use bus_runtime::testing::{Ledger, TestBus};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tests::on::Broker;
use tests::seen::{Gate, Seen};

/// What the handlers share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scene {
    pub(crate) handled: Seen<u64>,
    pub(crate) gate: Gate,
    /// Attempts that fail before what orders need is there.
    pub(crate) away: Arc<AtomicU32>,
    pub(crate) ledger: Arc<Ledger>,
}

/// What is to be done with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wish {
    Take,
    Skip,
    /// Fails until the attempt of this number.
    FailUntil(u32),
    /// Asks for another attempt after so many seconds, until the third.
    RetryAfter(u64),
    Refuse,
    Panic,
    Hang,
    /// Places so many orders more.
    Repeat(u64),
    /// Waits for the gate.
    Gate,
    /// Sleeps for so many seconds, by tokio's clock.
    Sleep(u64),
    /// Fails while what it needs is away.
    Need,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "test.order", key = number)]
pub(crate) struct Order {
    pub(crate) number: u64,
    pub(crate) wish: Wish,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "test.taken", key = number)]
pub(crate) struct Taken {
    pub(crate) number: u64,
}

/// One of a key's events, which fails until its second attempt where it is `hard`.
#[derive(Clone, Debug, Serialize, Deserialize, Event)]
#[event(topic = "test.step", key = walk)]
pub(crate) struct Step {
    pub(crate) walk: String,
    pub(crate) number: u64,
    pub(crate) hard: bool,
}

pub(crate) const HOURS: Retry =
    Retry::attempts(5).backoff(Duration::from_hours(1), Duration::from_hours(6));

#[event_handler(topic = Order::TOPIC, retry = HOURS)]
async fn take(
    Json(order): Json<Order>,
    about: Metadata,
    publisher: Publisher,
    State(scene): State<Scene>,
) -> Result<Outcome> {
    match order.wish {
        Wish::Take => {
            let number = order.number;
            publisher.publish(&Taken { number }).await?;
            scene.handled.add(number);
        }
        Wish::Skip => return Ok(Outcome::Skip),
        Wish::FailUntil(attempt) => {
            // The same event in each attempt.
            let number = order.number;
            publisher.publish(&Taken { number }).await?;
            if about.attempt < attempt {
                Err(format!("failed {}", about.attempt))?;
            }
        }
        Wish::RetryAfter(seconds) if about.attempt < 3 => {
            let after = Some(Duration::from_secs(seconds));
            return Ok(Outcome::Retry { after });
        }
        Wish::RetryAfter(_) => {}
        Wish::Refuse => return Err(HandlerError::permanent("out of stock")),
        Wish::Panic => panic!("no such shelf"),
        Wish::Hang => std::future::pending().await,
        Wish::Repeat(times) => {
            for number in 0..times {
                let wish = order.wish;
                let number = order.number + number;
                publisher.publish(&Order { number, wish }).await?;
            }
        }
        Wish::Gate => scene.gate.opened().await,
        Wish::Sleep(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        Wish::Need => {
            let one_less = |away: u32| away.checked_sub(1);
            let away = scene
                .away
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
            if away.is_ok() {
                Err("it is away")?;
            }
        }
    }
    Ok(Outcome::Done)
}

/// In a group of its own.
#[event_handler(topic = Taken::TOPIC, group = "count")]
async fn count(_: Json<Taken>) {}

#[event_handler(topic = Step::TOPIC, retry = HOURS)]
async fn walk(Json(step): Json<Step>, about: Metadata, State(scene): State<Scene>) -> Result {
    steps(&step, &about, &scene.ledger).await
}

/// The same without an order.
#[event_handler(topic = "test.step", key = Unordered, group = "wander", retry = HOURS)]
async fn wander(Json(step): Json<Step>, about: Metadata, State(scene): State<Scene>) -> Result {
    steps(&step, &about, &scene.ledger).await
}

async fn steps(step: &Step, about: &Metadata, ledger: &Ledger) -> Result {
    let attempt = ledger.started(&step.walk, step.number);
    tokio::task::yield_now().await;
    if step.hard && about.attempt < 3 {
        Err("too steep")?;
    }
    attempt.settled();
    Ok(())
}

#[event_bus(group = "shop", state = Scene, handlers = [take, count, walk])]
pub(crate) struct Shop;

#[event_bus(group = "wanderers", state = Scene, handlers = [wander])]
pub(crate) struct Wanderers;

pub(crate) fn order(number: u64, wish: Wish) -> Order {
    Order { number, wish }
}

/// The shop on this broker, with a gate that is closed.
pub(crate) async fn shop(broker: &impl Broker) -> TestBus {
    shop_with(broker, Scene::default()).await
}

pub(crate) async fn shop_with(broker: &impl Broker, scene: Scene) -> TestBus {
    let config = broker.config().shutdown_deadline(Duration::from_secs(10));
    let bus = TestBus::on::<Shop>(config, scene).await;
    // Where it becomes idle at all, a broker may need longer on a busy machine.
    bus.expect("it starts").patience(tests::on::PATIENCE)
}

/// Publishes orders, one after another.
pub(crate) async fn place(bus: &TestBus, orders: impl IntoIterator<Item = Order>) {
    for order in orders {
        let published = bus.publish(&order).await;
        published.expect("the broker takes it");
    }
}
