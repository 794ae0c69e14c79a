//! Topics as literals, as constants, as an event's, from elsewhere; with the trait in scope and without.

use bus_runtime::Topic;
use bus_runtime::prelude::*;

mod contracts {
    pub const PLACED: &str = "orders.placed";
    pub const CANCELLED: &str = concat!("orders.", "cancelled");

    #[derive(
        bus_runtime::prelude::Serialize, bus_runtime::prelude::Deserialize, bus_runtime::Event,
    )]
    #[event(topic = "orders.paid", key = id)]
    pub struct Paid {
        pub id: u64,
    }
}

mod without_the_trait_in_scope {
    use super::contracts::Paid;
    use bus_runtime::{Json, event_handler};

    #[event_handler(topic = Paid::TOPIC)]
    pub async fn note(Json(paid): Json<Paid>) {
        let _ = paid.id;
    }
}

const RETURNED: Topic<contracts::Paid> = Topic::new("orders.returned");

#[event_handler(topic = contracts::PLACED, key = Record)]
async fn placed(_: Raw) {}

#[event_handler(topic = contracts::CANCELLED, key = Record)]
async fn cancelled(_: Raw) {}

#[event_handler(topic = RETURNED)]
async fn returned(_: Json<contracts::Paid>) {}

#[event_handler(topic = <contracts::Paid as Event>::TOPIC, group = "raw")]
async fn raw(_: Raw) {}

#[event_bus(
    group = "shop",
    handlers = [placed, cancelled, returned, raw, without_the_trait_in_scope::note]
)]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
