//! What the bus of one scenario measures, apart from what the scenarios beside it do.

use bus_runtime::metrics::{Kind, METRICS, Metric};
use metrics_util::MetricKind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A recorder, and what it has recorded so far. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metered {
    recorder: &'static DebuggingRecorder,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug)]
struct Taken {
    snapshotter: Snapshotter,
    series: BTreeMap<Series, u64>,
}

/// One time series: a metric's name, and the values of its labels in their order.
type Series = (&'static str, Vec<String>);

impl Metered {
    /// One that nobody has used. It is kept to the end of the process, as the threads that it is attached to do.
    #[must_use]
    pub fn new() -> Self {
        let recorder = DebuggingRecorder::new();
        let taken = Taken {
            snapshotter: recorder.snapshotter(),
            series: BTreeMap::new(),
        };
        Metered {
            recorder: Box::leak(Box::new(recorder)),
            taken: Arc::new(Mutex::new(taken)),
        }
    }

    /// Records what the current thread measures from now on.
    pub fn attach(&self) {
        // For as long as the thread lives.
        std::mem::forget(metrics::set_default_local_recorder(self.recorder));
    }

    /// What was seen of a metric where its labels are these: a counter's value, the largest that a gauge was when it
    /// was looked at, how many values a histogram has. With fewer labels, the sum over the others.
    #[must_use]
    pub fn seen(&self, name: &str, labels: &[&str]) -> u64 {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.look();
        let of_name = taken.series.iter().filter(|((of, _), _)| *of == name);
        let chosen = of_name.filter(|((_, values), _)| {
            labels
                .iter()
                .all(|label| values.iter().any(|value| value == label))
        });
        chosen.map(|(_, value)| value).sum()
    }

    /// Metrics of the table that were never anything but 0.
    #[must_use]
    pub fn unseen(&self) -> Vec<&'static str> {
        let names = METRICS.iter().map(|metric| metric.name);
        names.filter(|name| self.seen(name, &[]) == 0).collect()
    }
}

impl Default for Metered {
    fn default() -> Self {
        Metered::new()
    }
}

impl Taken {
    /// A look takes what was recorded since the last one.
    ///
    /// # Panics
    ///
    /// When something is recorded that is not as the table says.
    fn look(&mut self) {
        for (key, unit, help, value) in self.snapshotter.snapshot().into_vec() {
            let (kind, key) = key.into_parts();
            let name = key.name();
            let Some(metric) = METRICS.iter().find(|metric| metric.name == name) else {
                assert!(!name.starts_with("bus_"), "`{name}` is not in the table");
                continue;
            };
            assert_eq!(kind, kind_of(metric), "{name}");
            assert_eq!(help.as_deref(), Some(metric.help), "{name} is described");
            assert!(unit.is_some(), "{name} has a unit");
            let labels: Vec<_> = key.labels().map(metrics::Label::key).collect();
            let listed: Vec<_> = metric.labels.iter().map(|label| label.name).collect();
            assert_eq!(labels, listed, "the labels of {name}");
            let values: Vec<_> = key.labels().map(|label| label.value().to_owned()).collect();
            for (label, value) in metric.labels.iter().zip(&values) {
                let known = label.values.is_empty() || label.values.contains(&&**value);
                assert!(known, "{name}: `{value}` is no {}", label.name);
            }
            let seen = self.series.entry((metric.name, values)).or_default();
            match value {
                DebugValue::Counter(more) => *seen += more,
                DebugValue::Gauge(now) => *seen = (*seen).max(whole(now.into_inner())),
                DebugValue::Histogram(values) => *seen += values.len() as u64,
            }
        }
    }
}

/// A gauge of things; how many there are is never less than none, except between two looks.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a gauge counts small numbers of whole things"
)]
fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}

fn kind_of(metric: &Metric) -> MetricKind {
    match metric.kind {
        Kind::Counter => MetricKind::Counter,
        Kind::Gauge => MetricKind::Gauge,
        Kind::Histogram => MetricKind::Histogram,
        other => panic!("{other} is new"),
    }
}
