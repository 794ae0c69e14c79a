//! What a handler may return, and whose errors `permanent` asks.

use bus_runtime::prelude::*;
use std::fmt;

#[derive(Debug)]
enum ChargeError {
    Refused,
    Busy,
}

impl fmt::Display for ChargeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for ChargeError {}

impl ChargeError {
    fn is_permanent(&self) -> bool {
        matches!(self, ChargeError::Refused)
    }
}

#[event_handler(topic = "r.a", key = Unordered)]
async fn nothing(_: Raw) {}

#[event_handler(topic = "r.b", key = Unordered)]
async fn outcome(_: Raw) -> Outcome {
    Outcome::Skip
}

#[event_handler(topic = "r.c", key = Unordered)]
async fn question_mark(_: Raw) -> Result {
    "x".parse::<u32>()?;
    Err("text")?
}

#[event_handler(topic = "r.d", key = Unordered, permanent = |error| error.is::<ChargeError>())]
async fn anyhow_error(_: Raw) -> anyhow::Result<()> {
    Err(ChargeError::Refused)?
}

#[event_handler(topic = "r.e", key = Unordered)]
async fn anyhow_outcome(_: Raw) -> Result<Outcome, anyhow::Error> {
    Ok(Outcome::Done)
}

#[event_handler(topic = "r.f", key = Unordered)]
async fn boxed_error(_: Raw) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err("boxed")?
}

#[event_handler(topic = "r.g", key = Unordered, permanent = ChargeError::is_permanent)]
async fn own_error(_: Raw) -> Result<Outcome, ChargeError> {
    Err(ChargeError::Busy)
}

#[event_handler(topic = "r.h", key = Unordered)]
async fn permanent_error(_: Raw) -> Result {
    Err(HandlerError::permanent(ChargeError::Refused))
}

#[event_handler(topic = "r.i", key = Unordered, permanent = |error| error.is_permanent())]
async fn handler_error(_: Raw) -> Result<Outcome> {
    Ok(Outcome::Done)
}

#[event_handler(topic = "r.j", key = Unordered)]
async fn text_error(_: Raw) -> Result<(), String> {
    Err("text".into())
}

#[event_bus(
    group = "shop",
    handlers = [
        nothing,
        outcome,
        question_mark,
        anyhow_error,
        anyhow_outcome,
        boxed_error,
        own_error,
        permanent_error,
        handler_error,
        text_error,
    ]
)]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
