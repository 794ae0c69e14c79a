//! A service that says nothing of its log, for tests of what is heard of it all the same.
//!
//! Arguments: the broker's URL; then, where it has a subscriber for its log, `subscriber`: it prints the warnings and
//! errors at the end. Its handler fails for good. It ends when its standard input does, and forgets to shut down.

use bus_runtime::Publish;
use bus_runtime::prelude::*;
use std::error::Error;
use std::io::{self, Read};
use tests::logged::Logged;
use tests::patience::until;
use tokio::runtime::Builder;

#[event_handler(topic = "log.poison", key = Record)]
async fn refuse(_: Raw) -> Result {
    Err(HandlerError::permanent("it is\npoisoned"))
}

#[event_bus(group = "log", handlers = [refuse])]
struct Service;

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("the broker's URL is missing")?;
    let logged = arguments.next().map(|_| Logged::here());
    let heard = logged.clone();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || {
            if let Some(heard) = &heard {
                heard.attach();
            }
        })
        .build()?;
    runtime.block_on(serve(url, logged.as_ref()))?;
    for line in logged.iter().flat_map(Logged::complaints) {
        println!("{} {}", line.level, line.text.escape_debug());
    }
    Ok(())
}

async fn serve(url: String, logged: Option<&Logged>) -> std::result::Result<(), Box<dyn Error>> {
    let bus = Service::new(Config::new(url)).start().await?;
    let publisher = bus.publisher();
    let event = publisher.publish_raw("log.poison", Key::of("k"), "", Publish::new());
    event.await?;
    if let Some(logged) = logged {
        until("it is logged", || !logged.complaints().is_empty()).await;
    }
    tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new())).await??;
    drop(bus);
    Ok(())
}
