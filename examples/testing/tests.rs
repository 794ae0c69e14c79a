//! The service's tests: handlers as functions, and the bus as a whole.

use super::{App, Mails, OrderPlaced, Shop, Stock, StockReserved, mail, reserve};
use bus_runtime::prelude::*;
use bus_runtime::testing::{Outbox, TestBus, TestOutcome};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn order(order: u64, pieces: u32) -> OrderPlaced {
    let article = "cup".to_owned();
    OrderPlaced {
        order,
        article,
        pieces,
    }
}

/// Three cups, and a mail server that refuses so many attempts.
fn app(away: u32) -> (App, Mails) {
    let mails = Mails {
        away: Arc::new(Mutex::new(away)),
        ..Mails::default()
    };
    let stock = Stock::new([("cup", 3)]);
    (
        App {
            stock,
            mails: mails.clone(),
        },
        mails,
    )
}

/// A handler is a function.
#[tokio::test]
async fn what_is_there_is_reserved() {
    let outbox = Outbox::new();
    let stock = State(Stock::new([("cup", 3)]));
    let result = reserve(Json(order(1, 2)), stock, outbox.publisher()).await;
    assert!(result.is_ok());
    assert_eq!(
        outbox.published::<StockReserved>(),
        [Json(StockReserved { order: 1 })]
    );
}

#[tokio::test]
async fn without_a_broker_nothing_is_told() {
    let outbox = Outbox::new();
    outbox.refuse("it restarts");
    let stock = State(Stock::new([("cup", 3)]));
    let error = reserve(Json(order(1, 2)), stock, outbox.publisher()).await;
    let error = error.expect_err("it is not published");
    assert!(!error.is_permanent(), "it is tried again");
}

#[tokio::test]
async fn a_mail_that_is_not_sent_is_an_error() {
    let (_, mails) = app(1);
    let reserved = StockReserved { order: 1 };
    assert!(mail(Json(reserved), State(mails)).await.is_err());
}

/// The bus as a whole: what one handler publishes the other handles.
#[tokio::test]
async fn an_order_is_reserved_and_the_customer_told() -> Result<(), Box<dyn std::error::Error>> {
    let (app, mails) = app(0);
    let bus = TestBus::start::<Shop>(app).await?;
    bus.publish(&order(1, 2)).await?;
    bus.run_until_idle().await;
    assert_eq!(bus.handled::<StockReserved>().len(), 1);
    assert_eq!(*mails.sent.lock().expect("no test panicked"), [1]);
    bus.assert_no_dead_letters();
    Ok(())
}

/// The orders of one article are handled in order: the second one is too late.
#[tokio::test]
async fn what_is_not_there_is_a_dead_letter() -> Result<(), Box<dyn std::error::Error>> {
    let (app, _) = app(0);
    let bus = TestBus::start::<Shop>(app).await?;
    for placed in [order(1, 2), order(2, 2), order(3, 1)] {
        bus.publish(&placed).await?;
    }
    bus.run_until_idle().await;
    let dead = bus.dead_lettered();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].decode::<OrderPlaced>(), Json(order(2, 2)));
    assert!(
        dead[0]
            .to_string()
            .contains("permanent: not 2 pieces of cup")
    );
    Ok(())
}

/// A mail server that is away for a weekend delays the mail. The test does not wait.
#[tokio::test]
async fn a_mail_waits_for_the_server() -> Result<(), Box<dyn std::error::Error>> {
    let (app, mails) = app(20);
    let bus = TestBus::start::<Shop>(app).await?;
    bus.publish(&order(1, 1)).await?;

    bus.advance(Duration::from_hours(10)).await;
    let [reserved, mail] = [0, 1].map(|at| bus.events()[at].clone());
    assert_eq!(reserved.outcome, TestOutcome::Handled);
    assert_eq!(mail.outcome, TestOutcome::Waiting);

    bus.run_until_idle().await;
    assert!(bus.skipped() > Duration::from_hours(48));
    assert_eq!(*mails.sent.lock().expect("no test panicked"), [1]);
    bus.assert_no_dead_letters();
    Ok(())
}
