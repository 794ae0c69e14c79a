//! What the shop answers over HTTP.

use crate::OrderPlaced;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bus_runtime::{Health, HealthCheck, Publish, PublishError, Publisher};
use serde::Serialize;
use uuid::Uuid;

/// What the routes have of the bus: handles, cheap to clone, that do not keep it running.
#[derive(Clone, Debug)]
pub struct Api {
    /// Publishes the orders.
    pub publisher: Publisher,
    /// Tells how the bus is.
    pub health: HealthCheck,
}

/// The routes of the shop.
pub fn routes(api: Api) -> Router {
    Router::new()
        .route("/orders", post(place))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(api)
}

/// Answers when the broker has the event, and not before: what was accepted is handled.
///
/// A client that gets no answer, or a 503, does not know whether the event is stored. It sends the same key again:
/// then the event has the same id, by which the handler knows it.
async fn place(
    State(api): State<Api>,
    headers: HeaderMap,
    Json(order): Json<OrderPlaced>,
) -> Result<(StatusCode, Json<Accepted>), Refused> {
    let id = match headers.get("idempotency-key") {
        Some(key) => String::from_utf8_lossy(key.as_bytes()).into_owned(),
        None => Uuid::now_v7().to_string(),
    };
    let publish = Publish::new().id(id.as_str());
    match api.publisher.publish_with(&order, publish).await {
        Ok(_) => Ok((StatusCode::ACCEPTED, Json(Accepted { id }))),
        Err(error) => Err(Refused { id, error }),
    }
}

/// An order that was accepted.
#[derive(Serialize)]
struct Accepted {
    /// The event's id.
    id: String,
}

/// An order that was not published.
struct Refused {
    id: String,
    error: PublishError,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Refused { id, error } = self;
        let status = match &error {
            // What the client sent.
            PublishError::Id { .. } => StatusCode::BAD_REQUEST,
            PublishError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            // The broker is away or has no room, or the service is about to end.
            PublishError::NotConfirmed { .. } => StatusCode::SERVICE_UNAVAILABLE,
            // What the service did.
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        tracing::info!(id, %status, "{error}");
        let error = error.to_string();
        let body = Json(Unpublished { id, error });
        if status == StatusCode::SERVICE_UNAVAILABLE {
            (status, [(RETRY_AFTER, "1")], body).into_response()
        } else {
            (status, body).into_response()
        }
    }
}

#[derive(Serialize)]
struct Unpublished {
    /// The event's id: what to send as the key of the next try.
    id: String,
    error: String,
}

/// Whether the process has to be started again.
async fn live(State(api): State<Api>) -> (StatusCode, Json<Health>) {
    let health = api.health.health();
    (status(health.live), Json(health))
}

/// Whether requests may be sent here.
async fn ready(State(api): State<Api>) -> (StatusCode, Json<Health>) {
    let health = api.health.health();
    (status(health.ready), Json(health))
}

fn status(is_well: bool) -> StatusCode {
    if is_well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
