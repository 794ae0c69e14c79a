//! What the bus of one scenario measures, apart from what the scenarios beside it do.

use crate::on::{Broker, run_with};
use bus_runtime::metrics::{Kind, METRICS, Metric};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Label, Metadata,
    Recorder, SharedString, Unit,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

thread_local! {
    static HERE: RefCell<Option<Metered>> = const { RefCell::new(None) };
}

/// What was measured so far. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Metered(Arc<Recorded>);

#[derive(Debug, Default)]
struct Recorded {
    series: Mutex<HashMap<Key, (Kind, Arc<Series>)>>,
    /// The unit and the help of each name.
    described: Mutex<BTreeMap<String, (Option<Unit>, SharedString)>>,
}

/// One time series: what it is, and the most that it was. Of a histogram, how many values it has.
#[derive(Debug, Default)]
struct Series(Mutex<Value>);

#[derive(Clone, Copy, Debug, Default)]
struct Value {
    now: f64,
    most: f64,
}

/// Runs one scenario as [`on::run`](crate::on::run) does; what its bus measures is kept, see [`Metered::here`].
///
/// # Panics
///
/// As [`on::run`](crate::on::run).
pub fn run<B: Broker, F: Future<Output = ()>>(scenario: impl FnOnce(B) -> F) {
    let metered = Metered::default();
    run_with(move || metered.attach(), scenario);
}

impl Metered {
    /// What the bus of this scenario measures.
    ///
    /// # Panics
    ///
    /// When [`run`] does not run the scenario.
    #[must_use]
    pub fn here() -> Self {
        let here = HERE.with_borrow(Option::clone);
        here.expect("the scenario is run by `metered::run`")
    }

    /// Records what the current thread measures from now on.
    fn attach(&self) {
        // To the end of the process, as the threads that it is attached to are there.
        let recorder = Box::leak(Box::new(self.clone()));
        std::mem::forget(metrics::set_default_local_recorder(recorder));
        HERE.set(Some(self.clone()));
    }

    /// What was seen of a metric where its labels are these: a counter's value, the largest that a gauge was, how many
    /// values a histogram has. With fewer labels, the sum over the others.
    ///
    /// # Panics
    ///
    /// When something was recorded that is not as the table says.
    #[must_use]
    pub fn seen(&self, name: &str, labels: &[&str]) -> u64 {
        self.sum(name, labels, |value| value.most)
    }

    /// The same, but what a gauge is now.
    ///
    /// # Panics
    ///
    /// As [`seen`](Self::seen).
    #[must_use]
    pub fn now(&self, name: &str, labels: &[&str]) -> u64 {
        self.sum(name, labels, |value| value.now)
    }

    /// Metrics of the table that were never anything but 0.
    #[must_use]
    pub fn unseen(&self) -> Vec<&'static str> {
        let names = METRICS.iter().map(|metric| metric.name);
        names.filter(|name| self.seen(name, &[]) == 0).collect()
    }

    fn sum(&self, name: &str, labels: &[&str], of: fn(Value) -> f64) -> u64 {
        let series = lock(&self.0.series);
        let mut sum = 0.0;
        for (key, (kind, series)) in &*series {
            self.0.is_in_the_table(*kind, key);
            let has = |label: &&str| key.labels().any(|of| of.value() == *label);
            if key.name() == name && labels.iter().all(has) {
                sum += of(*lock(&series.0));
            }
        }
        whole(sum)
    }

    fn series(&self, kind: Kind, key: &Key) -> Arc<Series> {
        let mut series = lock(&self.0.series);
        let new = || (kind, Arc::default());
        let (known, series) = series.entry(key.to_retained()).or_insert_with(new);
        assert_eq!(*known, kind, "{} is both", key.name());
        Arc::clone(series)
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>, help: SharedString) {
        lock(&self.0.described).insert(name.as_str().to_owned(), (unit, help));
    }
}

impl Recorded {
    fn is_in_the_table(&self, kind: Kind, key: &Key) {
        let name = key.name();
        let Some(metric) = METRICS.iter().find(|metric| metric.name == name) else {
            assert!(!name.starts_with("bus_"), "`{name}` is not in the table");
            return;
        };
        assert_eq!(kind, metric.kind, "{name}");
        let described = lock(&self.described);
        let (unit, help) = described.get(name).expect("each metric is described");
        assert_eq!(help.as_ref(), metric.help, "{name}");
        assert!(unit.is_some(), "{name} has a unit");
        assert_labels(metric, key.labels());
    }
}

fn assert_labels<'a>(metric: &Metric, labels: impl Iterator<Item = &'a Label>) {
    let name = metric.name;
    let labels: Vec<_> = labels.collect();
    let keys: Vec<_> = labels.iter().map(|label| label.key()).collect();
    let listed: Vec<_> = metric.labels.iter().map(|label| label.name).collect();
    assert_eq!(keys, listed, "the labels of {name}");
    for (listed, label) in metric.labels.iter().zip(labels) {
        let value = label.value();
        let known = listed.values.is_empty() || listed.values.contains(&value);
        assert!(known, "{name}: `{value}` is no {}", listed.name);
    }
}

impl Recorder for Metered {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(&name, unit, help);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(&name, unit, help);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        self.describe(&name, unit, help);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.series(Kind::Counter, key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.series(Kind::Gauge, key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.series(Kind::Histogram, key))
    }
}

impl Series {
    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut value = lock(&self.0);
        value.now = change(value.now);
        value.most = value.most.max(value.now);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a test counts small numbers")]
impl CounterFn for Series {
    fn increment(&self, more: u64) {
        self.change(|now| now + more as f64);
    }

    fn absolute(&self, value: u64) {
        self.change(|now| now.max(value as f64));
    }
}

impl GaugeFn for Series {
    fn increment(&self, more: f64) {
        self.change(|now| now + more);
    }

    fn decrement(&self, less: f64) {
        self.change(|now| now - less);
    }

    fn set(&self, value: f64) {
        self.change(|_| value);
    }
}

impl HistogramFn for Series {
    fn record(&self, _: f64) {
        self.change(|values| values + 1.0);
    }
}

/// There are never fewer than none of a thing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is counted are small numbers of whole things"
)]
fn whole(value: f64) -> u64 {
    assert!(value >= 0.0, "{value}");
    value as u64
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
