//! Everything that a handler may take behind the event.

#![deny(warnings)]

use bus_runtime::prelude::*;
use std::sync::Arc;

#[derive(Clone)]
struct Db;

#[derive(FromRef)]
struct AppState {
    db: Db,
    name: Arc<str>,
}

/// Of every state.
struct Tenant(String);

impl<S> FromEvent<S> for Tenant {
    fn from_event(cx: &Cx<S>) -> Result<Self, Rejection> {
        let tenant = cx.headers().get("tenant");
        let tenant = tenant.ok_or_else(|| Rejection::new("no header `tenant`"))?;
        Ok(Tenant(format!(
            "{tenant} {} {} {}",
            cx.key(),
            cx.metadata().id,
            cx.payload().len()
        )))
    }
}

/// Of every state that has a `Db`.
struct Connection(Db);

impl<S> FromEvent<S> for Connection
where
    Db: FromRef<S>,
{
    fn from_event(cx: &Cx<S>) -> Result<Self, Rejection> {
        State::<Db>::from_event(cx).map(|State(db)| Connection(db))
    }
}

/// Of one state.
struct Name(Arc<str>);

impl FromEvent<AppState> for Name {
    fn from_event(cx: &Cx<AppState>) -> Result<Self, Rejection> {
        Ok(Name(cx.state().name.clone()))
    }
}

#[event_handler(topic = "x.all", key = Record)]
async fn all(
    _: Raw,
    headers: Headers,
    key: Key,
    about: Metadata,
    publisher: Publisher,
    stop: Stop,
) {
    drop((headers, key, about, publisher, stop));
}

#[event_handler(topic = "x.state", key = Record)]
async fn parts(_: Raw, State(db): State<Db>, State(name): State<Arc<str>>) {
    drop((db, name));
}

#[event_handler(topic = "x.own", key = Record)]
async fn own(_: Raw, Tenant(tenant): Tenant, Connection(db): Connection) {
    drop((tenant, db));
}

#[event_handler(topic = "x.maybe", key = Record)]
async fn maybe(
    _: Raw,
    tenant: Option<Tenant>,
    again: Result<Tenant, Rejection>,
    _: Option<State<Db>>,
) {
    drop((tenant, again));
}

#[event_handler(topic = "x.one", key = Record, state = AppState)]
async fn of_one_state(_: Raw, Name(name): Name, State(db): State<Db>) {
    drop((name, db));
}

#[event_bus(group = "shop", state = AppState, handlers = [all, parts, own, maybe, of_one_state])]
struct Shop;

#[event_bus(group = "small", state = Db, handlers = [all, own])]
struct Small;

fn main() {
    let _ = (Shop::new(Config::memory()), Small::new(Config::memory()));
    let _ = all;
}
