//! A port that a server can come back to.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::ops::Range;

/// Below the ports that the system gives to outgoing connections: a client that keeps trying to reconnect
/// could else be given the very port of the server that is away, and the server could not come back.
const PORTS: Range<u16> = 20_000..32_000;

/// A TCP port number that is reserved among all who start servers with this code, also while the server is
/// away.
///
/// The reservation is the UDP port of the same number: the system gives it to one at a time, and takes it
/// back when its owner dies.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    _reservation: UdpSocket,
}

impl Port {
    pub(super) fn reserve() -> io::Result<Self> {
        let span = u64::from(PORTS.end - PORTS.start);
        let mut tries = 100;
        loop {
            let offset = RandomState::new().hash_one(0) % span;
            let offset = u16::try_from(offset).expect("it is less than the span of ports");
            let number = PORTS.start + offset;
            match UdpSocket::bind((Ipv4Addr::LOCALHOST, number)) {
                Ok(reservation) => {
                    return Ok(Self {
                        number,
                        _reservation: reservation,
                    });
                }
                Err(error) if tries == 0 => return Err(error),
                Err(_) => tries -= 1,
            }
        }
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }
}
