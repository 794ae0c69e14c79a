//! Warnings and errors, which are never silent: to `tracing`, and, where nobody listens there, to stderr.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use tracing::dispatcher;
use tracing::subscriber::NoSubscriber;

/// Logs a warning: something is wrong, and the bus goes on by itself. Takes what `tracing::warn!` takes: fields as
/// `name = value`, `name = %value`, `name = ?value` or `name`, then the message.
macro_rules! warning {
    (target: $target:literal, $($line:tt)+) => {
        $crate::observe::say!(WARN, "warning", $target, $($line)+)
    };
    ($($line:tt)+) => {
        $crate::observe::say!(WARN, "warning", ::std::module_path!(), $($line)+)
    };
}
pub(crate) use warning;

/// Logs an error: somebody has to do something. Takes what [`warning`] does.
macro_rules! error {
    ($($line:tt)+) => {
        $crate::observe::say!(ERROR, "error", ::std::module_path!(), $($line)+)
    };
}
pub(crate) use error;

macro_rules! say {
    ($level:ident, $name:literal, $target:expr, $($line:tt)+) => {{
        ::tracing::event!(target: $target, ::tracing::Level::$level, $($line)+);
        if $crate::observe::is_unheard() {
            $crate::observe::plain!($name [] $($line)+);
        }
    }};
}
pub(crate) use say;

/// Collects the fields in the brackets, until the message comes.
macro_rules! plain {
    ($level:literal [$($fields:tt)*] $name:ident = %$value:expr, $($rest:tt)+) => {
        $crate::observe::plain!(
            $level [$($fields)* (stringify!($name), format_args!("{}", $value)),] $($rest)+
        )
    };
    ($level:literal [$($fields:tt)*] $name:ident = ?$value:expr, $($rest:tt)+) => {
        $crate::observe::plain!(
            $level [$($fields)* (stringify!($name), format_args!("{:?}", $value)),] $($rest)+
        )
    };
    ($level:literal [$($fields:tt)*] $name:ident = $value:expr, $($rest:tt)+) => {
        $crate::observe::plain!(
            $level [$($fields)* (stringify!($name), format_args!("{}", $value)),] $($rest)+
        )
    };
    ($level:literal [$($fields:tt)*] $name:ident, $($rest:tt)+) => {
        $crate::observe::plain!(
            $level [$($fields)* (stringify!($name), format_args!("{}", $name)),] $($rest)+
        )
    };
    ($level:literal [$($fields:tt)*] $($message:tt)+) => {
        $crate::observe::to_stderr($level, format_args!($($message)+), &[$($fields)*])
    };
}
pub(crate) use plain;

/// Whether no subscriber takes what this thread logs. One that is there and leaves a level out was told so.
pub(crate) fn is_unheard() -> bool {
    dispatcher::get_default(dispatcher::Dispatch::is::<NoSubscriber>)
}

/// Writes one line: `bus warning: the message, group=shop, attempt=3`.
pub(crate) fn to_stderr(
    level: &str,
    message: fmt::Arguments<'_>,
    fields: &[(&str, fmt::Arguments<'_>)],
) {
    let line = line(level, message, fields);
    // Not by `eprint!`, which panics where stderr is closed: then there is nobody left to tell.
    let _ = io::stderr().write_all(line.as_bytes());
}

fn line(level: &str, message: fmt::Arguments<'_>, fields: &[(&str, fmt::Arguments<'_>)]) -> String {
    let mut text = format!("bus {level}: {message}");
    for (name, value) in fields {
        write!(text, ", {name}={value}").expect("a string takes everything");
    }
    let mut line = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        // An error's text is somebody else's: it stays on its line and moves no cursor.
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line() {
        let fields = [
            ("group", format_args!("shop")),
            ("error", format_args!("a\n\u{1b}[31mb")),
        ];
        assert_eq!(
            line("error", format_args!("it\r\nfailed: ü"), &fields),
            "bus error: it\\r\\nfailed: ü, group=shop, error=a\\n\\u{1b}[31mb\n"
        );
    }

    #[test]
    fn fields_are_written_as_tracing_takes_them() {
        let (text, number, list) = ("text", 7, [1, 2]);
        warning!(text, number, list = ?list, shown = %text, twice = number * 2, "a message of {text}, {}", number);
        error!("only a message");
    }
}
