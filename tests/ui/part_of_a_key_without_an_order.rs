//! `f32` cannot be a routing key
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Deserialize)]
struct Parcel {
    id: u64,
    weight: f32,
}

#[event_handler(topic = "parcels.sent", key = (parcel.id, parcel.weight))]
async fn bill(Json(parcel): Json<Parcel>) {}

fn main() {}
