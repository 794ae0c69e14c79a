//! What the front page shows: an event, a handler, a bus, published to and shut down.

use bus_runtime::prelude::*;

/// The contract: one topic, its payload, its ordering key.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = customer_id)]
pub struct OrderPlaced {
    /// Its number.
    pub order_id: u64,
    /// Whose it is.
    pub customer_id: String,
}

/// Reserves stock.
#[event_handler(topic = OrderPlaced::TOPIC, key = order.customer_id)]
pub async fn reserve_stock(Json(order): Json<OrderPlaced>) -> Result {
    println!("reserve {}", order.order_id);
    Ok(())
}

#[event_handler(topic = "orders.placed", group = "audit", key = Unordered, retry = Retry::attempts(3))]
async fn audit(Json(order): Json<OrderPlaced>, about: Metadata) {
    println!("{} {}", order.order_id, about.id);
}

/// Every event the shop handles.
#[event_bus(group = "shop", handlers = [reserve_stock, audit])]
pub struct Shop;

async fn run() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let bus = Shop::new(Config::memory()).start().await?;
    let order = OrderPlaced {
        order_id: 1,
        customer_id: "c-7".into(),
    };
    bus.publish(&order).await?;
    reserve_stock(Json(order))
        .await
        .map_err(HandlerError::into_inner)?;
    let report = bus.shutdown().await?;
    println!("{report}");
    Ok(())
}

fn main() {
    let _ = run();
}
