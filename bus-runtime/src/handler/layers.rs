//! Lists of layers, as the macros write them: types, so that nothing is allocated and nothing called that is not there.

use super::{Attempt, Layer, Next, Outcome};
use std::future::Future;
use std::pin::pin;

/// A list of layers, the first of which is the outermost.
pub trait Layers: Copy + Send + Sync + 'static {
    /// Whether the list is empty.
    const NONE: bool = false;

    /// Stands around one attempt.
    fn around(self, attempt: &Attempt<'_>, next: Next<'_>) -> impl Future<Output = Outcome> + Send;
}

/// The list without layers.
#[derive(Clone, Copy, Debug)]
pub struct NoLayers;

impl Layers for NoLayers {
    const NONE: bool = true;

    fn around(self, _: &Attempt<'_>, next: Next<'_>) -> impl Future<Output = Outcome> + Send {
        next
    }
}

/// A layer around a list.
#[derive(Clone, Copy, Debug)]
pub struct Stack<A, B>(pub A, pub B);

impl<A: Layer + 'static, B: Layers> Layers for Stack<&'static A, B> {
    async fn around(self, attempt: &Attempt<'_>, next: Next<'_>) -> Outcome {
        let next = pin!(self.1.around(attempt, next));
        self.0.handle(attempt, Next::new(next)).await
    }
}

/// The layers of a bus, as a type without a value.
pub trait BusLayers: 'static {
    /// Whether there are none.
    const NONE: bool = false;

    /// The list.
    fn layers() -> impl Layers;
}

impl BusLayers for NoLayers {
    const NONE: bool = true;

    fn layers() -> impl Layers {
        NoLayers
    }
}
