//! Every form of a handler's key.

use bus_runtime::prelude::*;
use bus_runtime::{KeyWriter, RoutingKey};

#[derive(Serialize, Deserialize)]
struct Customer {
    name: String,
    region: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: Customer,
    lines: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Line(u32, String);

struct Initial<'a>(&'a str);

impl RoutingKey for Initial<'_> {
    fn write(&self, key: &mut KeyWriter) {
        key.push(self.0.as_bytes().get(..1).unwrap_or_default());
    }
}

fn shard(order: &Order) -> u64 {
    order.id % 7
}

#[event_handler(topic = "k.field", key = order.id)]
async fn field(Json(order): Json<Order>) {
    drop(order);
}

#[event_handler(topic = "k.nested", key = order.customer.name)]
async fn nested(Json(mut order): Json<Order>) {
    order.id += 1;
}

#[event_handler(topic = "k.tuple", key = (order.customer.name, order.id))]
async fn tuple(order: Json<Order>) {
    drop(order);
}

#[event_handler(topic = "k.option", key = order.customer.region)]
async fn option(Json(order): Json<Order>) {
    drop(order);
}

#[event_handler(topic = "k.closure", key = |order| order.customer.name)]
async fn closure(_: Json<Order>) {}

#[event_handler(topic = "k.typed", key = |order: &Order| shard(order))]
async fn typed_closure(_: Json<Order>) {}

#[event_handler(topic = "k.bytes", key = |bytes| bytes.get(..4).unwrap_or_default())]
async fn bytes(Raw(_): Raw) {}

#[event_handler(topic = "k.pattern", key = (id, name))]
async fn pattern(
    Json(Order {
        id,
        customer: Customer { name, .. },
        ..
    }): Json<Order>,
) {
    drop((id, name));
}

#[event_handler(topic = "k.call", key = shard(order))]
async fn call(Json(order): Json<Order>) {
    drop(order);
}

#[event_handler(topic = "k.own", key = Initial(&order.customer.name))]
async fn own(Json(order): Json<Order>) {
    drop(order);
}

#[event_handler(topic = "k.block", key = { let first = order.lines.first(); first.map(|line| line.0) })]
async fn block(Json(order): Json<Order>) {
    drop(order.lines.first().map(|line| line.1.clone()));
}

#[event_handler(topic = "k.unordered", key = bus_runtime::Unordered)]
async fn unordered(_: Raw) {}

#[event_handler(topic = "k.record", key = Record)]
async fn record(_: Json<Order>) {}

#[event_bus(
    group = "shop",
    handlers = [
        field, nested, tuple, option, closure, typed_closure, bytes, pattern, call, own, block, unordered, record,
    ]
)]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
