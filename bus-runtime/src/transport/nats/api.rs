//! Requests to JetStream's management interface.

use super::link::Link;
use crate::transport::TransportError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a request has no result.
#[derive(Debug)]
pub(super) enum ApiError {
    /// The server refused.
    Refused {
        /// JetStream's own code.
        code: u64,
        text: String,
    },
    /// There was no answer: worth trying again.
    Silent(String),
}

impl ApiError {
    const STREAM_NOT_FOUND: u64 = 10_059;
    const CONSUMER_NOT_FOUND: u64 = 10_014;

    pub(super) fn is_stream_missing(&self) -> bool {
        matches!(
            self,
            ApiError::Refused {
                code: Self::STREAM_NOT_FOUND,
                ..
            }
        )
    }

    pub(super) fn is_consumer_missing(&self) -> bool {
        matches!(
            self,
            ApiError::Refused {
                code: Self::CONSUMER_NOT_FOUND,
                ..
            }
        )
    }

    /// Whether the same request may succeed later.
    pub(super) fn is_transient(&self) -> bool {
        // No leader yet, and a server that is still starting.
        matches!(
            self,
            ApiError::Silent(_)
                | ApiError::Refused {
                    code: 10_008 | 10_023 | 10_041,
                    ..
                }
        )
    }

    /// As an error of what was to be done.
    pub(super) fn during(self, what: &str) -> TransportError {
        match self {
            ApiError::Refused { .. } => TransportError::Refused(format!("{what}: {self}")),
            ApiError::Silent(_) => TransportError::Unreachable(format!("{what}: {self}")),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApiError::Refused { code, text } => write!(f, "{text} (JetStream error {code})"),
            ApiError::Silent(why) => f.write_str(why),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Response<T> {
    Refused { error: Refusal },
    Done(T),
}

/// JetStream's own form of an error.
#[derive(Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    pub(super) err_code: u64,
    #[serde(default)]
    pub(super) description: String,
}

impl Link {
    /// One request to `$JS.API.<subject>`.
    pub(super) async fn api<T: DeserializeOwned>(
        &self,
        subject: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        let body = serde_json::to_vec(body).expect("a request is JSON");
        let request = self
            .client
            .request(format!("$JS.API.{subject}"), body.into());
        let answer = match self.until_lost(request).await {
            None => return Err(ApiError::Silent("the connection was lost".into())),
            Some(Err(error)) => {
                return Err(ApiError::Silent(format!(
                    "no answer from JetStream: {error}"
                )));
            }
            Some(Ok(answer)) => answer,
        };
        match serde_json::from_slice(&answer.payload) {
            Ok(Response::Done(result)) => Ok(result),
            Ok(Response::Refused { error }) => Err(ApiError::Refused {
                code: error.err_code,
                text: error.description,
            }),
            Err(error) => Err(ApiError::Silent(format!(
                "JetStream's answer cannot be read: {error}"
            ))),
        }
    }
}
