//! Whether something is wrong, as the log, the health report and the metrics have it: in scenarios that
//! [`metered::run`](crate::metered::run) runs.

use crate::logged::Logged;
use crate::metered::Metered;
use crate::patience::until;
use crate::seen::eventually;
use bus_runtime::Running;

/// Whether this is wrong: the log has said so in these words, and the health report and the gauge say it now.
#[must_use]
pub fn is_red(bus: &Running, cause: &str, words: &[&str]) -> bool {
    let said = |text: &str| words.iter().all(|word| text.contains(word));
    let complaints = Logged::here().complaints();
    // The health is not asked before: it is in the log without anybody asking.
    complaints.iter().any(|line| said(&line.text))
        && bus
            .health()
            .problems
            .iter()
            .any(|problem| problem.cause() == cause && said(&problem.to_string()))
        && gauge(cause) == 1
}

/// Waits until this is wrong; see [`is_red`].
///
/// # Panics
///
/// When it is not within [`PATIENCE`](crate::patience::PATIENCE).
pub async fn red(bus: &Running, cause: &str, words: &[&str]) {
    until(&format!("{cause} is red"), || is_red(bus, cause, words)).await;
}

/// Waits until nothing is wrong, and this is not by the gauge.
///
/// # Panics
///
/// When something still is after [`PATIENCE`](crate::patience::PATIENCE).
pub async fn well(bus: &Running, cause: &str) {
    until(&format!("{cause} is green"), || {
        bus.health().problems.is_empty() && gauge(cause) == 0
    })
    .await;
}

/// Waits until nothing is wrong any more; the log has told of this once, in this word, and once that it is over.
///
/// # Panics
///
/// When something is wrong, or when the log has told of it more or less than once.
pub async fn green(bus: &Running, cause: &str, word: &str) {
    well(bus, cause).await;
    let told = eventually("the log says so", || {
        let (red, green) = told(word);
        (green >= red).then_some((red, green))
    })
    .await;
    assert_eq!(told, (1, 1), "{:#?}", Logged::here().lines());
}

/// How often the log has told of what has this word, and that it is over.
#[must_use]
pub fn told(word: &str) -> (usize, usize) {
    let lines = Logged::here().lines();
    let with_word = lines.iter().filter(|line| line.text.contains(word));
    let (green, red): (Vec<_>, Vec<_>) =
        with_word.partition(|line| line.text.starts_with("no longer: "));
    (red.len(), green.len())
}

fn gauge(cause: &str) -> u64 {
    Metered::here().now("bus_problems", &[cause])
}
