//! Both halves, from their start to their end.

use crate::{Api, Shop, Stock, routes};
use bus_runtime::{Config, Report};
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// How long requests that have begun may take after the end was asked for. With the bus's `shutdown_deadline`, it is
/// what the orchestrator has to wait.
pub const REQUESTS: Duration = Duration::from_secs(10);

/// Takes orders until `end` resolves or the bus cannot go on.
///
/// The bus is the first to start and the last to end: no request is taken that could not be published, and the bus
/// handles what the last of them published.
///
/// # Errors
///
/// When the bus cannot start, or a consumer of it could not go on.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    stock: Stock,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<Report, Box<dyn Error + Send + Sync>> {
    let bus = Shop::new(config).start(stock).await?;
    let routes = routes(Api {
        publisher: bus.publisher(),
        health: bus.health_check(),
    });

    let (takes_requests, ends) = oneshot::channel::<()>();
    let server = axum::serve(listener, routes).with_graceful_shutdown(async move {
        end.await;
        drop(takes_requests);
    });
    // The server ends when the last request that had begun is answered, which a client may never let it do.
    let requests_are_over = async {
        tokio::select! {
            // It has no error to return.
            _ = server.into_future() => {}
            () = async {
                // Resolves when the other half is dropped.
                drop(ends.await);
                sleep(REQUESTS).await;
            } => {}
        }
    };
    Ok(bus.run_until(requests_are_over).await?)
}
