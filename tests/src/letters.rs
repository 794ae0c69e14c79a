//! Dead letters that are waited for.

use crate::patience::within;
use bus_runtime::{DeadLetter, DeadLetterFilter, DeadLetters};
use std::time::Duration;
use tokio::time::sleep;

/// How often they are looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Waits until there are so many, and lists them. A broker may be away meanwhile.
///
/// # Panics
///
/// When there are not within [`PATIENCE`](crate::patience::PATIENCE).
pub async fn listed(of: &DeadLetters, count: usize) -> Vec<DeadLetter> {
    let looking = async {
        loop {
            let page = of.list(&DeadLetterFilter::all(), None, usize::MAX).await;
            if let Ok(page) = page
                && page.letters.len() == count
            {
                return page.letters;
            }
            sleep(LOOK).await;
        }
    };
    within(&format!("{count} dead letters"), looking).await
}

/// Lists them.
///
/// # Panics
///
/// When they cannot be listed.
pub async fn all(of: &DeadLetters) -> Vec<DeadLetter> {
    let page = of.list(&DeadLetterFilter::all(), None, usize::MAX).await;
    page.expect("they are listed").letters
}
