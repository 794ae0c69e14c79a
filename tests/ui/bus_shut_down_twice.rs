//! use of moved value: `running`
#![allow(unused)]

use bus_runtime::prelude::*;

use bus_runtime::Running;

async fn twice(running: Running) {
    let first = running.shutdown().await;
    let second = running.shutdown().await;
}

fn main() {}
