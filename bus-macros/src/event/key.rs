//! The key of an event: a small part of Rust's expressions, over the event's fields.

use crate::errors::{Errors, did_you_mean};
use crate::paths::at;
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{Expr, ExprPath, Ident, Index, Lit, Member};

pub(crate) enum Key {
    Unordered(ExprPath),
    Value(Value),
}

pub(crate) enum Value {
    /// `self`
    Event,
    /// `customer_id`, `0`, `self.customer_id`
    Field(Member),
    /// `method()`
    Method(ExprPath),
    /// `….part`, `….method(…)`
    Of(Box<Value>, TokenStream),
    /// `(a, b)`
    Tuple(Vec<Value>),
}

impl Key {
    pub(crate) fn new(expr: &Expr, errors: &mut Errors) -> Option<Self> {
        match expr {
            Expr::Path(path)
                if path
                    .path
                    .segments
                    .last()
                    .is_some_and(|last| last.ident == "Unordered") =>
            {
                Some(Key::Unordered(path.clone()))
            }
            other => Value::new(other, errors).map(Key::Value),
        }
    }

    /// The fields that the key begins with: what a variant's pattern binds.
    pub(crate) fn fields(&self) -> Vec<&Member> {
        let mut found = Vec::new();
        if let Key::Value(value) = self {
            value.fields(&mut found);
        }
        found
    }
}

impl Value {
    fn new(expr: &Expr, errors: &mut Errors) -> Option<Self> {
        match expr {
            Expr::Path(path) if path.path.is_ident("self") => return Some(Value::Event),
            Expr::Path(path) => {
                if let Some(name) = path.path.get_ident() {
                    return Some(Value::Field(Member::Named(name.clone())));
                }
            }
            Expr::Lit(literal) => {
                if let Lit::Int(number) = &literal.lit
                    && let Ok(index) = number.base10_parse()
                {
                    let span = number.span();
                    return Some(Value::Field(Member::Unnamed(Index { index, span })));
                }
            }
            Expr::Field(field) => {
                let (dot, member) = (&field.dot_token, &field.member);
                return Some(match Value::new(&field.base, errors)? {
                    Value::Event => Value::Field(member.clone()),
                    base => Value::Of(Box::new(base), quote!(#dot #member)),
                });
            }
            Expr::MethodCall(call) => {
                let base = Value::new(&call.receiver, errors)?;
                let (dot, method, turbofish) = (&call.dot_token, &call.method, &call.turbofish);
                let arguments = &call.args;
                return Some(Value::Of(
                    Box::new(base),
                    quote!(#dot #method #turbofish (#arguments)),
                ));
            }
            Expr::Call(call) if call.args.is_empty() => {
                if let Expr::Path(path) = &*call.func
                    && path.path.get_ident().is_some()
                {
                    return Some(Value::Method(path.clone()));
                }
            }
            Expr::Tuple(tuple) => {
                let parts = tuple.elems.iter().map(|part| Value::new(part, errors));
                return parts.collect::<Option<_>>().map(Value::Tuple);
            }
            Expr::Paren(paren) => return Value::new(&paren.expr, errors),
            Expr::Reference(reference) => return Value::new(&reference.expr, errors),
            _ => {}
        }
        errors.at(
            expr,
            "the key of an event is a field, `a.b`, `(a, b)`, `method()`, or `Unordered`",
        );
        None
    }

    fn fields<'a>(&'a self, found: &mut Vec<&'a Member>) {
        match self {
            Value::Event | Value::Method(_) => {}
            Value::Field(member) if found.contains(&member) => {}
            Value::Field(member) => found.push(member),
            Value::Of(base, _) => base.fields(found),
            Value::Tuple(parts) => parts.iter().for_each(|part| part.fields(found)),
        }
    }

    /// The value, with each field of the event as `field` writes it.
    pub(crate) fn tokens(&self, field: &dyn Fn(&Member) -> TokenStream) -> TokenStream {
        match self {
            Value::Event => quote!(self),
            Value::Field(member) => field(member),
            Value::Method(method) => quote!(self.#method()),
            Value::Of(base, part) => {
                let base = base.tokens(field);
                quote!(#base #part)
            }
            Value::Tuple(parts) => {
                let parts = parts.iter().map(|part| part.tokens(field));
                quote!((#(&#parts,)*))
            }
        }
    }
}

/// The variable that holds a variant's field.
pub(crate) fn local(member: &Member) -> Ident {
    match member {
        Member::Named(name) => format_ident!("__field_{}", name.unraw(), span = at(name.span())),
        Member::Unnamed(index) => format_ident!("__field_{}", index.index, span = at(index.span)),
    }
}

/// The sentence for a field that is not there.
pub(crate) fn unknown_field(
    wanted: &Member,
    members: &[Member],
    variant: Option<&Ident>,
) -> String {
    let names: Vec<String> = members
        .iter()
        .map(|member| member.to_token_stream().to_string())
        .collect();
    let names = names.iter().map(String::as_str);
    let text = wanted.to_token_stream().to_string();
    let whose = variant.map_or_else(
        || "the event".into(),
        |variant| format!("the variant `{variant}`"),
    );
    let hint = match (did_you_mean(&text, names.clone()), names.len()) {
        (Some(hint), _) => format!("; did you mean `{hint}`?"),
        (None, 0) => "; it has none".into(),
        (None, _) => format!("; it has `{}`", names.collect::<Vec<_>>().join("`, `")),
    };
    let rule = match variant {
        Some(_) => ". A key is a field that all variants have, or a `method()`",
        None => "",
    };
    format!("{whose} has no field `{text}`{hint}{rule}")
}
