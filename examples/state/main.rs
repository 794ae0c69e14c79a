//! What a handler takes behind its event: the service's state, what came along, and extractors of one's own.
//!
//! `cargo run --example state` runs to its end by itself.

use bus_runtime::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = item)]
struct OrderPlaced {
    item: String,
}

/// What the handlers share. Each names the part that it needs, and does not see the others.
#[derive(FromRef)]
struct AppState {
    stock: Stock,
    tenants: Tenants,
}

/// What is left of each item. It stands for a database: cheap to clone, since every attempt gets a clone.
#[derive(Clone)]
struct Stock(Arc<Mutex<HashMap<String, u32>>>);

impl Stock {
    fn take(&self, item: &str) -> Result<u32> {
        let mut stock = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = stock.get_mut(item).filter(|left| **left > 0);
        let left = left.ok_or_else(|| HandlerError::permanent(format!("no {item} is left")))?;
        *left -= 1;
        Ok(*left)
    }
}

/// Who may order.
#[derive(Clone)]
struct Tenants(Arc<[&'static str]>);

/// Whose order it is: an extractor, for every state that has [`Tenants`].
struct Tenant(&'static str);

impl<S> FromEvent<S> for Tenant
where
    Tenants: FromRef<S>,
{
    fn from_event(cx: &Cx<S>) -> Result<Self, Rejection> {
        let name = cx.headers().get("tenant");
        let name = name.ok_or_else(|| Rejection::new("no header `tenant`"))?;
        let Tenants(known) = Tenants::from_ref(cx.state());
        let tenant = known.iter().find(|known| **known == name);
        let tenant =
            tenant.ok_or_else(|| Rejection::new(format!("no tenant is called `{name}`")))?;
        Ok(Tenant(tenant))
    }
}

/// Needs a tenant: an event without one is a dead letter at once, since no further attempt could find one.
#[event_handler(topic = OrderPlaced::TOPIC)]
async fn reserve(
    Json(order): Json<OrderPlaced>,
    State(stock): State<Stock>,
    Tenant(tenant): Tenant,
) -> Result {
    let left = stock.take(&order.item)?;
    println!("reserve: {} for {tenant}, {left} left", order.item);
    Ok(())
}

/// Takes a tenant where there is one.
#[event_handler(topic = OrderPlaced::TOPIC, group = "mails")]
async fn mail(Json(order): Json<OrderPlaced>, tenant: Option<Tenant>) {
    let sender = tenant.map_or("the shop", |Tenant(name)| name);
    println!("mail:    {sender} thanks for ordering {}", order.item);
}

/// Wants to know why there is none, and all the rest.
#[event_handler(topic = OrderPlaced::TOPIC, group = "audit")]
async fn audit(
    _: Json<OrderPlaced>,
    tenant: Result<Tenant, Rejection>,
    headers: Headers,
    key: Key,
    about: Metadata,
) {
    let tenant = match tenant {
        Ok(Tenant(name)) => name.to_owned(),
        Err(rejection) => format!("nobody: {rejection}"),
    };
    println!(
        "audit:   {} with key {key} and {} headers is of {tenant}",
        about.id,
        headers.len()
    );
}

/// Every event the shop handles.
#[event_bus(group = "shop", state = AppState, handlers = [reserve, mail, audit])]
struct Shop;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let items = [("tea".to_owned(), 2), ("milk".to_owned(), 0)];
    let state = AppState {
        stock: Stock(Arc::new(Mutex::new(items.into()))),
        tenants: Tenants(Arc::new(["blue", "green"])),
    };
    let bus = Shop::new(Config::memory()).start(state).await?;

    let orders = [
        ("order-1", "tea", Some("blue")),
        ("order-2", "tea", Some("red")),
        ("order-3", "tea", None),
        ("order-4", "milk", Some("green")),
    ];
    for (id, item, tenant) in orders {
        let publish = Publish::new().id(id);
        let publish = match tenant {
            Some(tenant) => publish.header("tenant", tenant),
            None => publish,
        };
        let item = item.to_owned();
        bus.publish_with(&OrderPlaced { item }, publish).await?;
    }

    // In memory the shutdown handles everything first.
    let report = bus.shutdown().await?;
    println!("{report}");
    // `reserve` has one order without a tenant it knows, one without any, and one for milk, of which none is left.
    assert_eq!((report.handled(), report.dead_lettered()), (9, 3));
    Ok(())
}
