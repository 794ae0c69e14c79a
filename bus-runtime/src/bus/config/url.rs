//! The URL that says which broker carries the events.

use std::fmt;
use std::net::Ipv6Addr;

/// What a URL must look like.
pub(super) const FORMS: &str = "`memory:`, `nats://host:port,…` or `kafka://host:port,…`";

/// Which broker carries the events, as the URL says.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Broker {
    /// The process's own memory.
    Memory,
    /// NATS servers.
    Nats {
        /// One URL a server, `nats://[user[:password]@]host[:port]`, percent-encoded as given. Not to be
        /// shown: it holds secrets.
        servers: Vec<String>,
    },
    /// A Kafka cluster.
    Kafka {
        /// `host[:port]` of the servers to begin with.
        servers: Vec<String>,
    },
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broker::Memory => f.write_str("Memory"),
            Broker::Nats { servers } => f
                .debug_list()
                .entries(servers.iter().map(|server| Url(server.clone())))
                .finish(),
            Broker::Kafka { servers } => f.debug_list().entries(servers).finish(),
        }
    }
}

/// A URL as given. Shown without user, password and whatever might be one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Url(String);

impl Url {
    pub(super) const fn new(url: String) -> Self {
        Url(url)
    }

    /// The broker that the URL names, or what is wrong with it; that text holds nothing of the URL.
    pub(super) fn broker(&self) -> Result<Broker, String> {
        if self.0 == "memory:" {
            return Ok(Broker::Memory);
        }
        match self.0.split_once("://") {
            Some(("nats", hosts)) => {
                let servers = nats_servers(hosts)?;
                if cfg!(feature = "nats") {
                    Ok(Broker::Nats { servers })
                } else {
                    Err(without("NATS", "nats"))
                }
            }
            Some(("kafka", hosts)) => {
                let servers = kafka_servers(hosts)?;
                if cfg!(feature = "kafka") {
                    Ok(Broker::Kafka { servers })
                } else {
                    Err(without("Kafka", "kafka"))
                }
            }
            _ => Err(format!("it must be {FORMS}")),
        }
    }
}

fn without(broker: &str, feature: &str) -> String {
    format!(
        "this program is built without {broker}; switch on the feature `{feature}` of `bus-runtime`"
    )
}

/// What a list of servers must look like.
const SERVERS: &str = "each server must be `host`, `host:port` or `[IPv6]:port`, joined by `,`, with nothing behind them";

/// The hosts of a comma-separated list.
fn kafka_servers(hosts: &str) -> Result<Vec<String>, String> {
    let mut servers = Vec::new();
    for server in split("kafka", hosts) {
        if server.contains('@') {
            return Err("this version connects to Kafka without user and password, and without TLS; leave out what stands before `@`".to_owned());
        }
        if !is_host(server) {
            return Err(SERVERS.to_owned());
        }
        servers.push(server.to_owned());
    }
    Ok(servers)
}

/// The URLs of a comma-separated list of hosts. A user in front of a host is also that of the hosts behind
/// it that name none.
fn nats_servers(hosts: &str) -> Result<Vec<String>, String> {
    let mut user = None;
    let mut servers = Vec::new();
    for server in split("nats", hosts) {
        let host = match server.rsplit_once('@') {
            Some((given, host)) if is_user(given) => {
                user = Some(given);
                host
            }
            Some(_) => {
                return Err(
                    "user and password must be percent-encoded, `,` as `%2C`, `@` as `%40`, \
                            `/` as `%2F`"
                        .to_owned(),
                );
            }
            None => server,
        };
        if !is_host(host) {
            return Err(format!(
                "{SERVERS}; user and password must be percent-encoded"
            ));
        }
        servers.push(match user {
            Some(user) => format!("nats://{user}@{host}"),
            None => format!("nats://{host}"),
        });
    }
    Ok(servers)
}

/// The servers of a list, in which each may have the scheme in front, and the last a `/` behind it.
fn split<'a>(scheme: &str, hosts: &'a str) -> impl Iterator<Item = &'a str> {
    let hosts = hosts.strip_suffix('/').unwrap_or(hosts);
    hosts.split(',').map(move |server| {
        let host = server.strip_prefix(scheme);
        host.and_then(|host| host.strip_prefix("://"))
            .unwrap_or(server)
    })
}

fn is_user(text: &str) -> bool {
    let delimiter = |byte| matches!(byte, b'/' | b'?' | b'#' | b'[' | b']' | b'@' | b'\\');
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !delimiter(byte))
}

fn is_host(text: &str) -> bool {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = if let Some((address, port)) = bracketed {
        (address.parse::<Ipv6Addr>().is_ok(), port)
    } else {
        let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        (is_name(name), port)
    };
    host && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

fn is_port(text: &str) -> bool {
    // `parse` alone takes a sign.
    text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u16>().is_ok_and(|port| port != 0)
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only what cannot be a secret is shown, however wrong the URL is: a scheme, and behind the last
        // `@` what has the shape of hosts. `nats://user:password` without a host has not.
        let (scheme, rest) = match self.0.split_once("://") {
            Some((scheme, rest)) if is_name(scheme) => (scheme, rest),
            _ => ("", &*self.0),
        };
        let separator = if scheme.is_empty() { "" } else { "://" };
        let (user, hosts) = match rest.rsplit_once('@') {
            Some((_, hosts)) => ("***@", hosts),
            None => ("", rest),
        };
        let bare = hosts.strip_suffix(':').is_some_and(is_name);
        if hosts.is_empty() || bare || split(scheme, hosts).all(is_host) {
            write!(f, "{scheme}{separator}{user}{hosts}")
        } else {
            write!(f, "{scheme}{separator}***")
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// The value of another option as an error shows it: also there a URL may have been pasted.
pub(super) fn shown(value: &str) -> String {
    if value.contains('@') {
        Url::new(value.to_owned()).to_string()
    } else {
        value.escape_debug().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(url: &str) -> Url {
        Url::new(url.to_owned())
    }

    #[test]
    fn hosts_become_servers() {
        for (given, expected) in [
            ("h", &["nats://h"] as &[_]),
            ("h:4222/", &["nats://h:4222"]),
            ("a:1,b_2.c-d:2", &["nats://a:1", "nats://b_2.c-d:2"]),
            ("a,nats://b", &["nats://a", "nats://b"]),
            ("[::1]:4222,[::2]", &["nats://[::1]:4222", "nats://[::2]"]),
            ("u:p%2C@a,b", &["nats://u:p%2C@a", "nats://u:p%2C@b"]),
            (
                "a,token@b,u:p@c",
                &["nats://a", "nats://token@b", "nats://u:p@c"],
            ),
        ] {
            let servers = nats_servers(given).expect(given);
            assert_eq!(servers, expected, "{given}");
        }
    }

    #[test]
    fn what_is_not_hosts_is_refused() {
        for wrong in [
            "",
            ",",
            "a,",
            ",a",
            "a,,b",
            "a:",
            "a:0",
            "a:65536",
            "a:+1",
            "a:x",
            "a b",
            "ü",
            "a/x",
            "a//",
            "a?tls",
            "a#b",
            "[::1",
            "[x]",
            "[::1]4222",
            "::1",
            "@a",
            "u:p@",
            "u:p/@a",
            "u:p@q@a",
            "u:p,q@a",
            "u: @a",
        ] {
            assert!(nats_servers(wrong).is_err(), "{wrong}");
            assert!(kafka_servers(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        for (given, shown) in [
            ("memory:", "memory:"),
            ("memroy:", "memroy:"),
            ("localhost:4222", "localhost:4222"),
            ("nats://", "nats://"),
            ("nats://a:1,nats://b", "nats://a:1,nats://b"),
            ("redis://u:secret@a", "redis://***@a"),
            ("nats://secret@a", "nats://***@a"),
            ("nats://u:secret@a,b:2", "nats://***@a,b:2"),
            ("nats://u:secret@a,u:secret@b", "nats://***@b"),
            ("nats://u:se,secret@a", "nats://***@a"),
            ("nats://u:secret@secret@a", "nats://***@a"),
            ("nats://u:secret", "nats://***"),
            ("nats://a?password=secret", "nats://***"),
            ("nats://a?user=u@x&password=secret", "nats://***"),
            ("u:secret@a", "***@a"),
            ("u secret://a", "***"),
        ] {
            let url = url(given);
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("\"{shown}\""));
            if let Err(error) = url.broker() {
                assert!(!error.contains("secret"), "{error}");
            }
        }
        assert_eq!(shown("nats://u:secret@a"), "nats://***@a");
        assert_eq!(shown("a.b\n"), "a.b\\n");
        let servers = vec!["nats://u:secret@a".to_owned()];
        let shown = format!("{:?}", Broker::Nats { servers });
        assert_eq!(shown, r#"["nats://***@a"]"#);
    }

    #[test]
    fn the_scheme_names_the_broker() {
        assert_eq!(url("memory:").broker(), Ok(Broker::Memory));
        for wrong in [
            "",
            "memory",
            "memory://",
            "MEMORY:",
            "localhost:4222",
            "redis://a",
        ] {
            let error = url(wrong).broker().expect_err(wrong);
            assert!(error.contains(FORMS), "{error}");
        }
    }

    #[test]
    fn kafka_needs_its_feature_and_takes_no_user() {
        let broker = url("kafka://a:9092,kafka://b/").broker();
        if cfg!(feature = "kafka") {
            let servers = vec!["a:9092".to_owned(), "b".to_owned()];
            assert_eq!(broker, Ok(Broker::Kafka { servers }));
        } else {
            let error = broker.expect_err("not built");
            assert!(error.contains("feature `kafka`"), "{error}");
        }
        let error = url("kafka://u:p@a:9092").broker().expect_err("a user");
        assert!(error.contains("without user and password"), "{error}");
    }

    #[test]
    fn nats_needs_its_feature() {
        let broker = url("nats://a:4222").broker();
        if cfg!(feature = "nats") {
            let servers = vec!["nats://a:4222".to_owned()];
            assert_eq!(broker, Ok(Broker::Nats { servers }));
        } else {
            let error = broker.expect_err("not built");
            assert!(error.contains("feature `nats`"), "{error}");
        }
    }
}
