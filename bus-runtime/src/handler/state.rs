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
/// #[derive(FromRef)]
/// struct AppState { db: Db }
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
///
/// [`#[derive(FromRef)]`](derive@crate::FromRef) on the state makes each of its fields a part. Written by hand it is for
/// a part that is no field:
///
/// ```
/// use bus_runtime::prelude::*;
///
/// struct AppState { region: String }
///
/// /// What the names of this region begin with.
/// struct Prefix(String);
///
/// impl FromRef<AppState> for Prefix {
///     fn from_ref(state: &AppState) -> Self {
///         Prefix(format!("{}-", state.region))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the bus's state `{S}` has no `{Self}`: give the state a field of that type, and `#[derive(FromRef)]`, or \
               write `impl FromRef<{S}> for {Self}`",
    label = "takes a `State<{Self}>`, which `{S}` does not have",
    note = "a bus whose attribute names no state has `()`: write `state = AppState` beside its `group`"
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

/// A field of a state that derives [`FromRef`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a part of the state, since each attempt takes a clone: derive `Clone` for it, keep it in \
               an `Arc`, or leave it out with `#[from_ref(skip)]`",
    label = "is not `Clone`"
)]
pub trait Part: Sized {
    /// Takes the part.
    #[must_use]
    fn part(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Part for T {
    fn part(&self) -> Self {
        self.clone()
    }
}

/// Takes a part of the state.
pub fn part<T: Part>(field: &T) -> T {
    field.part()
}
