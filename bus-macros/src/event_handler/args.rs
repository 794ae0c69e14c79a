//! The arguments of `#[event_handler(...)]`.

use crate::errors::Errors;
use crate::layers;
use crate::options::Options;
use crate::paths::Root;
use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Expr, Lit, Path, Token, Type};

const OPTIONS: &[&str] = &[
    "topic",
    "key",
    "group",
    "retry",
    "timeout",
    "at_most",
    "layers",
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

/// What people call how often, and when, a failed event is tried again.
const RETRY_OPTIONS: &[&str] = &[
    "attempts",
    "backoff",
    "max_attempts",
    "max_retries",
    "max_tries",
    "retries",
    "retry_backoff",
    "tries",
];

/// What the user wrote, with each value still an expression.
pub(crate) struct Args {
    pub(crate) topic: Option<Expr>,
    pub(crate) key: Option<Expr>,
    pub(crate) group: Option<Expr>,
    pub(crate) retry: Option<Expr>,
    pub(crate) timeout: Option<Expr>,
    pub(crate) at_most: Option<Expr>,
    pub(crate) layers: Punctuated<Expr, Token![,]>,
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
            key: options.take_half_typed("key", errors),
            group: options.take("group", errors),
            retry: options.take("retry", errors),
            timeout: options.take("timeout", errors),
            at_most: options.take("at_most", errors),
            layers: layers::take(&mut options, errors),
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

    /// Says what rustc would say less well, where a value cannot be right.
    fn check_literals(&self, has_key: bool, errors: &mut Errors) {
        match &self.topic {
            Some(Expr::Lit(literal)) if matches!(literal.lit, Lit::Str(_)) && has_key => {}
            Some(Expr::Lit(literal)) if matches!(literal.lit, Lit::Str(_)) => errors.at_span(
                Span::call_site(),
                "missing `key`: events with equal keys are handled in order, one at a time. Write \
                 `key = order.customer_id`, using the names of your parameters, or `key = Unordered`",
            ),
            Some(Expr::Lit(literal)) => errors.at(
                literal,
                "`topic` is a string or an event's topic: write `topic = \"orders.placed\"` or \
                 `topic = OrderPlaced::TOPIC`",
            ),
            Some(Expr::Array(list)) => errors.at(
                list,
                "`topic` is one topic: write a handler for each, which may call the same function",
            ),
            Some(Expr::Path(path)) if names_a_type(&path.path) => {
                let path = path.path.to_token_stream();
                errors.at(
                    &path,
                    format!(
                        "`topic` is the event's topic, not its type: write `topic = {path}::TOPIC`"
                    ),
                );
            }
            _ => {}
        }
        let mut refuse = |value: &Option<Expr>, fits: fn(&Lit) -> bool, message: &str| {
            if let Some(Expr::Lit(literal)) = value
                && !fits(&literal.lit)
            {
                errors.at(literal, message);
            }
        };
        refuse(
            &self.group,
            |literal| matches!(literal, Lit::Str(_)),
            "`group` is a string: write `group = \"audit\"`",
        );
        refuse(
            &self.retry,
            |_| false,
            "`retry` is a `Retry`: write `retry = Retry::attempts(5)`",
        );
        refuse(
            &self.timeout,
            |_| false,
            "`timeout` is a `Duration`, which has a unit: write `timeout = Duration::from_secs(5)`",
        );
        refuse(
            &self.at_most,
            |literal| matches!(literal, Lit::Int(_)),
            "`at_most` is a number of events: write `at_most = 8`",
        );
        refuse(
            &self.permanent,
            |_| false,
            "`permanent` is a function that is asked about each error: write \
             `permanent = |error| matches!(error, MyError::Refused)`",
        );
    }
}

/// Whether a path ends in a name such as `OrderPlaced`, which no constant has.
fn names_a_type(path: &Path) -> bool {
    path.segments.last().is_some_and(|last| {
        let name = last.ident.to_string();
        name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
    })
}

fn refusal(name: &str) -> Option<String> {
    if name == "lane" || name == "lanes" {
        return Some(
            "lanes are not supported yet: handlers of one group share its consumer; to keep a slow handler from the \
             others, give it a `group` of its own, or `at_most`"
                .to_owned(),
        );
    }
    if RETRY_OPTIONS.contains(&name) {
        return Some(format!(
            "unknown option `{name}`; did you mean `retry = Retry::attempts(3)`? It counts the first attempt; \
             `.backoff(first, cap)` behind it sets the waits in between"
        ));
    }
    POOL_OPTIONS.contains(&name).then(|| {
        format!(
            "`{name}` is not a handler option: every handler shares the bus's one worker pool, whose size is set \
             once, in `Config`; to lower this handler's share, write `at_most = …`"
        )
    })
}
