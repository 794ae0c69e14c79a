//! Options out of text. An error says what is expected.

use super::{Brake, Drain, Provision};
use bytesize::ByteSize;
use std::str::FromStr;
use std::time::Duration;

type Read<T> = Result<T, &'static str>;

#[expect(
    clippy::unnecessary_wraps,
    reason = "one of the readers, which can fail"
)]
pub(super) fn text(text: &str) -> Read<&str> {
    Ok(text)
}

pub(super) fn number<N: FromStr>(text: &str) -> Read<N> {
    text.parse()
        .map_err(|_| "a whole number in digits, such as `1024`")
}

pub(super) fn size(text: &str) -> Read<usize> {
    let size = text.parse::<ByteSize>().ok();
    size.and_then(|size| usize::try_from(size.as_u64()).ok())
        .ok_or("a size, such as `64MiB` or `65536`")
}

pub(super) fn duration(text: &str) -> Read<Duration> {
    humantime::parse_duration(text).map_err(|_| "a duration with its unit, such as `250ms` or `5m`")
}

pub(super) fn brake(text: &str) -> Read<Brake> {
    if text == "off" {
        return Ok(Brake::Off);
    }
    let failures = text.parse().ok().map(Brake::After);
    failures.ok_or("a whole number in digits, such as `20`, or `off`")
}

pub(super) fn drain(text: &str) -> Read<Drain> {
    match text {
        "in-flight" => Ok(Drain::InFlight),
        "everything" => Ok(Drain::Everything),
        _ => Err("`in-flight` or `everything`"),
    }
}

pub(super) fn provision(text: &str) -> Read<Provision> {
    match text {
        "create" => Ok(Provision::Create),
        "verify" => Ok(Provision::Verify),
        "none" => Ok(Provision::None),
        _ => Err("`create`, `verify` or `none`"),
    }
}
