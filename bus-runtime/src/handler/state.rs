//! What the handlers of a bus share.

use super::{AnyState, Cx, FromEvent};
use crate::codec::Rejection;
use std::ops::{Deref, DerefMut};

/// A part of the bus's state, or all of it, as a handler's parameter.
///
/// The part is cloned for each attempt: keep what is large behind an `Arc`. Whether the state has such a part
/// is checked where the bus lists the handler.
///
/// ```
/// use bus_runtime::prelude::*;
///
/// #[derive(Clone)]
/// struct Db;
///
/// struct AppState { db: Db }
///
/// impl FromRef<AppState> for Db {
///     fn from_ref(state: &AppState) -> Self {
///         state.db.clone()
///     }
/// }
///
/// #[event_handler(topic = "orders.placed", key = Record)]
/// async fn reserve(_: Raw, State(db): State<Db>) {
///     drop(db);
/// }
///
/// #[event_bus(group = "shop", state = AppState, handlers = [reserve])]
/// struct Shop;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State<T>(
    /// The part.
    pub T,
);

impl<S, T: FromRef<S>> FromEvent<S> for State<T> {
    fn from_event(cx: &Cx<S>) -> Result<Self, Rejection> {
        Ok(State(T::from_ref(cx.state())))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for State<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// A part of the state `S`, made from a reference to it. A state that is `Clone` is a part of itself.
#[diagnostic::on_unimplemented(
    message = "the bus's state `{S}` has no `{Self}`: write `impl FromRef<{S}> for {Self}`",
    label = "takes a `State<{Self}>`, which `{S}` does not have"
)]
pub trait FromRef<S> {
    /// Takes the part, which usually means to clone it.
    fn from_ref(state: &S) -> Self;
}

impl<T: Clone> FromRef<T> for T {
    fn from_ref(state: &T) -> Self {
        state.clone()
    }
}

#[diagnostic::do_not_recommend]
impl<T> FromRef<AnyState> for T {
    fn from_ref(state: &AnyState) -> Self {
        match *state {}
    }
}
