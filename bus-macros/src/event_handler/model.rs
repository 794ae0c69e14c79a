//! The checked form of a handler: everything `expand` needs, nothing it must doubt.

use super::args::Args;
use crate::errors::Errors;
use syn::visit::{self, Visit};
use syn::{Expr, ExprAsync, ExprAwait, ExprClosure, ExprTry, FnArg, Item, ItemFn, Pat, PatType};
use syn::{ReturnType, Type, parse_quote};

pub(crate) struct Handler<'a> {
    pub(crate) function: &'a ItemFn,
    pub(crate) topic: Expr,
    pub(crate) key: Key,
    pub(crate) payload: &'a Type,
    pub(crate) extractors: Vec<&'a Type>,
    pub(crate) output: Type,
    /// Whether the key is not what the user means yet: it is not checked.
    pub(crate) half_typed: bool,
    pub(crate) args: Args,
}

/// How an event's key is found: `pattern` is bound to the payload by reference, and `value` is evaluated in
/// its scope.
pub(crate) enum Key {
    /// Left out: the event's own.
    Own,
    /// `key = Unordered`.
    Unordered(Expr),
    /// `key = Record`.
    Record(Expr),
    /// `key = order.customer_id`, in the scope of the handler's first parameter.
    Parameter { pattern: Pat, value: Expr },
    /// `key = |order| order.customer_id`, of the decoded event.
    Closure { pattern: Pat, value: Expr },
}

impl<'a> Handler<'a> {
    /// `None` where there is nothing to expand; what else is wrong is in `errors`.
    pub(crate) fn new(mut args: Args, function: &'a ItemFn, errors: &mut Errors) -> Option<Self> {
        let signature = &function.sig;
        if signature.asyncness.is_none() {
            errors.at(
                signature.fn_token,
                "event handlers are `async fn`s; add `async`",
            );
        }
        if !signature.generics.params.is_empty() {
            errors.at(
                &signature.generics,
                "event handlers cannot be generic: the bus must know every type it decodes",
            );
        }
        let parameters = parameters(function, errors)?;
        let Some((payload, extractors)) = parameters.split_first() else {
            errors.at(
                &signature.ident,
                "event handlers take the event as their first parameter, as in `Json(order): Json<Order>`",
            );
            return None;
        };
        // Checked by name too: the trait's error cannot see that the event is there, one place too late.
        if !is_event(&payload.ty)
            && let Some(event) = extractors.iter().find(|parameter| is_event(&parameter.ty))
        {
            errors.at(
                event,
                "the event must be the first parameter; move it to the front",
            );
        }
        let output = match &signature.output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        if let (Some(permanent), true) = (&args.permanent, is_unit(&output)) {
            errors.at(
                permanent,
                "`permanent` asks the handler's error, but this handler cannot fail: return a `Result`, or remove \
                 `permanent`",
            );
        }
        Some(Handler {
            function,
            topic: args.topic.take()?,
            key: Key::new(args.key.take(), &payload.pat, errors),
            payload: &payload.ty,
            extractors: extractors.iter().map(|parameter| &*parameter.ty).collect(),
            output,
            half_typed: errors.half_typed(),
            args,
        })
    }
}

/// The parameters, or `None` for a method.
fn parameters<'a>(function: &'a ItemFn, errors: &mut Errors) -> Option<Vec<&'a PatType>> {
    let mut parameters = Vec::new();
    for input in &function.sig.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                errors.at(
                    receiver,
                    "event handlers are free functions: move it out of the `impl`, and take what `self` holds as \
                     `State<T>`",
                );
                return None;
            }
            FnArg::Typed(parameter) => {
                if let Type::Reference(ty) = &*parameter.ty {
                    errors.at(ty, "event handlers own their parameters; remove the `&`");
                }
                parameters.push(parameter);
            }
        }
    }
    Some(parameters)
}

impl Key {
    fn new(key: Option<Expr>, payload: &Pat, errors: &mut Errors) -> Self {
        let Some(key) = key else {
            return Key::Own;
        };
        KeyIsComputed(errors).visit_expr(match &key {
            Expr::Closure(closure) => &closure.body,
            other => other,
        });
        match key {
            key if is_named(&key, "Unordered") => Key::Unordered(key),
            key if is_named(&key, "Record") => Key::Record(key),
            Expr::Closure(closure) => {
                if closure.inputs.len() != 1 {
                    errors.at(&closure, "a closure that is a key takes the event: write `key = |order| order.customer_id`");
                }
                Key::Closure {
                    pattern: closure
                        .inputs
                        .first()
                        .cloned()
                        .unwrap_or_else(|| parse_quote!(_)),
                    value: *closure.body,
                }
            }
            value => Key::Parameter {
                pattern: by_reference(payload.clone()),
                value,
            },
        }
    }
}

/// Finds what a key cannot do, since it is computed when the event is routed.
struct KeyIsComputed<'a>(&'a mut Errors);

impl Visit<'_> for KeyIsComputed<'_> {
    fn visit_expr_await(&mut self, expr: &ExprAwait) {
        self.0.at(
            expr,
            "a key cannot `.await`: it is computed before the handler runs; order by something that the event \
             holds",
        );
    }

    fn visit_expr_try(&mut self, expr: &ExprTry) {
        self.0.at(
            expr,
            "a key cannot fail, so it has no `?`: an `Option` is a key as it is, and `None` means no order",
        );
        visit::visit_expr_try(self, expr);
    }

    // Their `.await` and `?` are their own.
    fn visit_expr_async(&mut self, _: &ExprAsync) {}
    fn visit_expr_closure(&mut self, _: &ExprClosure) {}
    fn visit_item(&mut self, _: &Item) {}
}

fn is_named(value: &Expr, name: &str) -> bool {
    let Expr::Path(path) = value else {
        return false;
    };
    path.path
        .segments
        .last()
        .is_some_and(|last| last.ident == name)
}

/// `pattern` without `mut` and `ref`, so that it can be bound by reference.
fn by_reference(mut pattern: Pat) -> Pat {
    fn strip(pattern: &mut Pat) {
        match pattern {
            Pat::Ident(ident) => {
                ident.by_ref = None;
                ident.mutability = None;
                if let Some((_, inner)) = &mut ident.subpat {
                    strip(inner);
                }
            }
            Pat::Paren(paren) => strip(&mut paren.pat),
            Pat::Struct(pattern) => {
                pattern
                    .fields
                    .iter_mut()
                    .for_each(|field| strip(&mut field.pat));
            }
            Pat::Tuple(tuple) => tuple.elems.iter_mut().for_each(strip),
            Pat::TupleStruct(tuple) => tuple.elems.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut pattern);
    pattern
}

fn is_event(ty: &Type) -> bool {
    let Type::Path(ty) = ty else {
        return false;
    };
    let events = ["Json", "MessagePack", "Protobuf", "Raw"];
    ty.path
        .segments
        .last()
        .is_some_and(|last| events.iter().any(|event| last.ident == event))
}

fn is_unit(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty())
}
