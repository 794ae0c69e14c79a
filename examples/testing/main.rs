//! A small service and its tests: `cargo test -p examples --example testing`, or run it with
//! `cargo run --example testing`.
//!
//! The service is here; what is worth reading is `tests.rs`.

#[cfg(test)]
mod tests;

use bus_runtime::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Somebody ordered.
#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = article)]
struct OrderPlaced {
    order: u64,
    article: String,
    pieces: u32,
}

/// The pieces lie ready.
#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
#[event(topic = "stock.reserved", key = order)]
struct StockReserved {
    order: u64,
}

/// Pieces by article.
#[derive(Clone, Debug, Default)]
struct Stock(Arc<Mutex<HashMap<String, u32>>>);

impl Stock {
    fn new<const N: usize>(pieces: [(&str, u32); N]) -> Self {
        let pieces = pieces.map(|(article, pieces)| (article.to_owned(), pieces));
        Stock(Arc::new(Mutex::new(HashMap::from(pieces))))
    }

    /// Takes pieces out, if there are so many.
    fn take(&self, article: &str, pieces: u32) -> bool {
        let mut stock = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = stock.get_mut(article);
        left.is_some_and(|left| {
            let enough = *left >= pieces;
            *left -= if enough { pieces } else { 0 };
            enough
        })
    }
}

/// A mail server, which may be away for hours.
#[derive(Clone, Debug, Default)]
struct Mails {
    sent: Arc<Mutex<Vec<u64>>>,
    /// Attempts that it still refuses.
    away: Arc<Mutex<u32>>,
}

impl Mails {
    fn send(&self, order: u64) -> Result<(), String> {
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        if *away > 0 {
            *away -= 1;
            return Err("the mail server does not answer".to_owned());
        }
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push(order);
        Ok(())
    }
}

/// What the handlers share: each takes the part that it needs.
#[derive(Debug, Default, FromRef)]
struct App {
    stock: Stock,
    mails: Mails,
}

/// Reserves the pieces: the orders of one article one at a time, as they were placed.
#[event_handler(topic = OrderPlaced::TOPIC)]
async fn reserve(
    Json(order): Json<OrderPlaced>,
    State(stock): State<Stock>,
    publisher: Publisher,
) -> Result {
    if !stock.take(&order.article, order.pieces) {
        let what = format!("not {} pieces of {}", order.pieces, order.article);
        return Err(HandlerError::permanent(what));
    }
    let order = order.order;
    publisher.publish(&StockReserved { order }).await?;
    Ok(())
}

/// A mail can wait for a night, and a weekend is not too long.
const FOR_DAYS: Retry =
    Retry::attempts(30).backoff(Duration::from_mins(1), Duration::from_hours(4));

/// Tells the customer.
#[event_handler(topic = StockReserved::TOPIC, retry = FOR_DAYS)]
async fn mail(Json(reserved): Json<StockReserved>, State(mails): State<Mails>) -> Result {
    mails.send(reserved.order)?;
    Ok(())
}

/// Every event the shop handles.
#[event_bus(group = "shop", state = App, handlers = [reserve, mail])]
struct Shop;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = App {
        stock: Stock::new([("cup", 3)]),
        ..App::default()
    };
    let bus = Shop::new(Config::memory()).start(app).await?;
    for (order, pieces) in [(1, 1), (2, 2)] {
        let article = "cup".to_owned();
        bus.publish(&OrderPlaced {
            order,
            article,
            pieces,
        })
        .await?;
    }
    println!("{}", bus.shutdown().await?);
    Ok(())
}
