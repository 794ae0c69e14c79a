//! Runs parts against a transport.

use super::error::Broken;
use super::stage::Stage;
use super::{Needs, PARTS, Part, Row, Table};
use crate::transport::{BoxFuture, Transport};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long anything that must happen may take, unless [`Suite::patience`] says otherwise.
const PATIENCE: Duration = Duration::from_mins(1);

/// The suite, and how a connection to the broker is made.
#[derive(Clone)]
pub struct Suite {
    connect: Arc<dyn Fn() -> Connecting + Send + Sync>,
    patience: Duration,
}

type Connecting = BoxFuture<'static, Result<Arc<dyn Transport>, Box<dyn Error + Send + Sync>>>;

/// How a part ended that the transport does not break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The transport keeps what the part shows.
    Kept,
    /// The part is for transports that declare this.
    NotDeclared(Needs),
}

impl Suite {
    /// The suite for the broker that `connect` connects to; see
    /// [what a connection has to be](super#what-a-connection-has-to-be).
    pub fn new<C, F, E>(connect: C) -> Self
    where
        C: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<Arc<dyn Transport>, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let connect = move || -> Connecting {
            let connecting = connect();
            Box::pin(async move { connecting.await.map_err(Into::into) })
        };
        Suite {
            connect: Arc::new(connect),
            patience: PATIENCE,
        }
    }

    /// How long anything that must happen may take before the part fails; 60 s by default. It is not waited out
    /// where the transport does what it must.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs one part, if the transport declares what it needs.
    ///
    /// # Errors
    ///
    /// When the transport breaks the part's promise, or no connection can be made.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it may leave connections open until the runtime ends.
    pub async fn run(&self, part: &Part) -> Result<Verdict, Broken> {
        let stage = Stage::new(self.clone(), part.name);
        let broken = |fault| Broken::new(part, fault);
        if part.needs != Needs::Nothing {
            let transport = stage.connect().await.map_err(broken)?;
            let declared = part.needs.are_declared(&transport.capabilities());
            stage.close(&*transport).await.map_err(broken)?;
            if !declared {
                return Ok(Verdict::NotDeclared(part.needs));
            }
        }
        (part.run)(&stage).await.map_err(broken)?;
        Ok(Verdict::Kept)
    }

    /// Runs every part, one after another.
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Self::run).
    pub async fn run_all(&self) -> Table {
        let mut rows = Vec::with_capacity(PARTS.len());
        for part in PARTS {
            let begun = Instant::now();
            let verdict = self.run(part).await;
            rows.push(Row {
                part,
                verdict,
                took: begun.elapsed(),
            });
        }
        Table { rows }
    }

    pub(super) fn connection(&self) -> Connecting {
        (self.connect)()
    }

    pub(super) fn patient_for(&self) -> Duration {
        self.patience
    }
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
