//! One team's handlers. A library exports handlers; the program that runs them lists them in its bus.

use bus_runtime::prelude::*;
use contracts::{OrderPaid, OrderPlaced};

/// What this library asks of the state of the bus that it runs in.
#[derive(Clone, Debug)]
pub struct Currency(pub &'static str);

/// Charges an order, and says so.
///
/// # Errors
///
/// When the broker does not take the event that says so: then the order is charged again, so charging has to be
/// idempotent.
#[event_handler(topic = OrderPlaced::TOPIC)]
pub async fn charge(
    Json(placed): Json<OrderPlaced>,
    State(Currency(currency)): State<Currency>,
    publisher: Publisher,
) -> Result {
    println!("charged {} {currency} cents", placed.cents);
    let order = placed.order;
    publisher.publish(&OrderPaid { order }).await?;
    Ok(())
}
