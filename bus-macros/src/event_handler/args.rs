//! The arguments of `#[event_handler(...)]`.

use crate::errors::Errors;
use crate::options::Options;
use crate::paths::Root;
use proc_macro2::{Span, TokenStream};
use syn::{Expr, Lit, Path, Type};

const OPTIONS: &[&str] = &[
    "topic",
    "key",
    "group",
    "retry",
    "timeout",
    "at_most",
    "permanent",
    "state",
    "crate",
];

/// What people call the size of a pool.
const POOL_OPTIONS: &[&str] = &[
    "concurrency",
    "concurrent",
    "max_concurrency",
    "max_workers",
    "num_workers",
    "parallel",
    "parallelism",
    "pool",
    "pool_size",
    "tasks",
    "thread",
    "thread_pool",
    "threads",
    "worker",
    "worker_pool",
    "worker_threads",
    "workers",
];

/// What the user wrote, with each value still an expression.
pub(crate) struct Args {
    pub(crate) topic: Option<Expr>,
    pub(crate) key: Option<Expr>,
    pub(crate) group: Option<Expr>,
    pub(crate) retry: Option<Expr>,
    pub(crate) timeout: Option<Expr>,
    pub(crate) at_most: Option<Expr>,
    pub(crate) permanent: Option<Expr>,
    pub(crate) state: Option<Type>,
    pub(crate) root: Root,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::split(tokens, OPTIONS, refusal, errors);
        let (has_topic, has_key) = (options.has("topic"), options.has("key"));
        let args = Args {
            topic: options.take("topic", errors),
            key: options.take("key", errors),
            group: options.take("group", errors),
            retry: options.take("retry", errors),
            timeout: options.take("timeout", errors),
            at_most: options.take("at_most", errors),
            permanent: options.take("permanent", errors),
            state: options.take("state", errors),
            root: Root(options.take::<Path>("crate", errors)),
        };
        if !has_topic {
            errors.at_span(
                Span::call_site(),
                "missing `topic`: which topic does this handler take? Write `topic = OrderPlaced::TOPIC`, or \
                 `topic = \"orders.placed\"` with a `key`",
            );
        }
        args.check_literals(has_key, errors);
        args
    }

    /// What rustc would say less well, where a literal is plain to see.
    fn check_literals(&self, has_key: bool, errors: &mut Errors) {
        match self.topic.as_ref().map(|topic| (topic, literal(topic))) {
            Some((_, Some(Lit::Str(_)))) if !has_key => errors.at_span(
                Span::call_site(),
                "missing `key`: events with equal keys are handled in order, one at a time. Write \
                 `key = order.customer_id`, using the names of your parameters, or `key = Unordered`",
            ),
            Some((_, Some(Lit::Str(_)) | None)) | None => {}
            Some((topic, Some(_))) => errors.at(
                topic,
                "`topic` is a string or an event's topic: write `topic = \"orders.placed\"` or \
                 `topic = OrderPlaced::TOPIC`",
            ),
        }
        if let Some(retry) = self.retry.as_ref().filter(|retry| literal(retry).is_some()) {
            errors.at(
                retry,
                "`retry` is a `Retry`: write `retry = Retry::attempts(5)`",
            );
        }
        if let Some(timeout) = self
            .timeout
            .as_ref()
            .filter(|timeout| literal(timeout).is_some())
        {
            errors.at(
                timeout,
                "`timeout` is a `Duration`, which has a unit: write `timeout = Duration::from_secs(5)`",
            );
        }
        if let Some(permanent) = self
            .permanent
            .as_ref()
            .filter(|permanent| literal(permanent).is_some())
        {
            errors.at(
                permanent,
                "`permanent` is a function that is asked about each error: write \
                 `permanent = |error| matches!(error, MyError::Refused)`",
            );
        }
    }
}

fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(literal) => Some(&literal.lit),
        _ => None,
    }
}

fn refusal(name: &str) -> Option<String> {
    POOL_OPTIONS.contains(&name).then(|| {
        format!(
            "`{name}` is not a handler option: every handler shares the bus's one worker pool, whose size is set \
             once, in `Config`; to lower this handler's share, write `at_most = …`"
        )
    })
}
