//! A handler's parameters behind the event.

use super::Cx;
use crate::bus::{Publisher, Stop};
use crate::codec::Rejection;
use crate::event::{Headers, Key, Metadata};
use std::marker::PhantomData;

/// A handler's parameter behind the event: what accompanies it.
///
/// [`State<T>`](crate::State), [`Headers`], [`Key`], [`Metadata`], [`Publisher`] and [`Stop`] implement it, and
/// so may your own types, for every state or for one; a handler that takes one for a single state says
/// `state = ThatState`. `Option<X>` is `None`, and `Result<X, Rejection>` an `Err`, where `X` rejects the event;
/// a bare `X` makes it a dead letter.
///
/// ```
/// use bus_runtime::prelude::*;
///
/// /// Whose event it is.
/// struct Tenant(String);
///
/// impl<S> FromEvent<S> for Tenant {
///     fn from_event(cx: &Cx<S>) -> Result<Self, Rejection> {
///         let tenant = cx.headers().get("tenant");
///         tenant.map(|name| Tenant(name.into())).ok_or_else(|| Rejection::new("no header `tenant`"))
///     }
/// }
///
/// #[event_handler(topic = "orders.placed", key = Record)]
/// async fn reserve(_: Raw, Tenant(tenant): Tenant) {
///     println!("{tenant}");
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an extractor: after the event, a handler may take `State<T>`, `Headers`, `Key`, \
               `Metadata`, `Publisher`, `Stop`, or a type that implements `FromEvent`",
    label = "not an extractor",
    note = "a part of the state is taken as `State<{Self}>`",
    note = "if it implements `FromEvent` for one state only, add `state = ThatState` to the attribute"
)]
pub trait FromEvent<S>: Sized {
    /// Takes the parameter.
    ///
    /// # Errors
    ///
    /// Where the event does not have what it is made of: the event becomes a dead letter.
    fn from_event(cx: &Cx<S>) -> Result<Self, Rejection>;
}

impl<S> FromEvent<S> for Headers {
    fn from_event(cx: &Cx<S>) -> Result<Self, Rejection> {
        Ok(cx.message.headers.clone())
    }
}

impl<S> FromEvent<S> for Key {
    fn from_event(cx: &Cx<S>) -> Result<Self, Rejection> {
        Ok(cx.key.clone())
    }
}

impl<S> FromEvent<S> for Metadata {
    fn from_event(cx: &Cx<S>) -> Result<Self, Rejection> {
        Ok(cx.metadata.clone())
    }
}

impl<S> FromEvent<S> for Publisher {
    fn from_event(cx: &Cx<S>) -> Result<Self, Rejection> {
        Ok(cx.publisher())
    }
}

impl<S> FromEvent<S> for Stop {
    fn from_event(cx: &Cx<S>) -> Result<Self, Rejection> {
        Ok(cx.stop.clone())
    }
}

#[diagnostic::do_not_recommend]
impl<S, T: FromEvent<S>> FromEvent<S> for Option<T> {
    fn from_event(cx: &Cx<S>) -> Result<Self, Rejection> {
        Ok(T::from_event(cx).ok())
    }
}

#[diagnostic::do_not_recommend]
impl<S, T: FromEvent<S>> FromEvent<S> for Result<T, Rejection> {
    fn from_event(cx: &Cx<S>) -> Result<Self, Rejection> {
        Ok(T::from_event(cx))
    }
}

/// Stands for every possible state, where a handler is checked before any bus lists it.
#[derive(Debug)]
pub enum AnyState {}

/// Names a parameter that a handler takes on a bus with state `S`: what is none does not compile.
#[derive(Debug)]
pub struct Extractor<T: FromEvent<S>, S>(PhantomData<(T, S)>);

/// All parameters behind the event, as a list: `(State<Db>, (Headers, ()))`.
pub trait Parameters<S>: Sized {
    /// Takes one after the other.
    ///
    /// # Errors
    ///
    /// The first rejection.
    fn take(cx: &Cx<S>) -> Result<Self, Rejection>;
}

impl<S> Parameters<S> for () {
    fn take(_: &Cx<S>) -> Result<Self, Rejection> {
        Ok(())
    }
}

impl<S, T: FromEvent<S>, Rest: Parameters<S>> Parameters<S> for (T, Rest) {
    fn take(cx: &Cx<S>) -> Result<Self, Rejection> {
        Ok((T::from_event(cx)?, Rest::take(cx)?))
    }
}
