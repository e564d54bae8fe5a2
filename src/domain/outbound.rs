//! Outbound URLs: the one function every URL that a tenant chose passes before it is fetched.
//!
//! What it returns is parsed by the rules `fetch` parses by (WHATWG URL), so the address that was judged is the
//! address that is opened: `https://0x7f.1/` and `https://[::ffff:7f00:1]/` are judged as what they mean. Hosts are written in
//! ASCII and unescaped, or they are refused: `https://①②⑦.0.0.1/` is, and an international name goes by its `xn--` form.
//! Redirects come back here with every hop.
//!
//! Not here: where a public name points. The platform resolves names itself and has no route into private
//! networks; a name that resolves to a private address fails there.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Whether this machine itself may be called: only in development (variable `ALLOW_LOOPBACK`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loopback {
    Refused,
    /// `localhost`, `127.0.0.0/8` and `::1`, by `http` as well.
    Allowed,
}

/// Why a URL is refused, and how to mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("write a URL such as https://api.example.com/v1")]
    NotAUrl,
    #[error("a URL has at most {MAX_LEN} characters")]
    TooLong,
    #[error("write the server's name in plain ASCII, an international one in its xn-- form")]
    NotAscii,
    #[error("the URL must begin with https://")]
    Scheme,
    #[error("the URL must not hold a user name or password; give the key in its own field")]
    Credentials,
    #[error("the URL must not hold a fragment: remove the # and what follows it")]
    Fragment,
    #[error("port 0 cannot be connected to: remove it or write the server's port")]
    Port,
    #[error("write the server's full public name, such as api.example.com, without a dot at its end")]
    Name,
    #[error("the name belongs to a private network: write a public name, such as api.example.com")]
    PrivateName,
    #[error("the address is not a public one: write a server's public name, such as api.example.com")]
    Address,
    #[error("this machine itself may be called only in development, where variable ALLOW_LOOPBACK is 1")]
    Loopback,
}

/// The longest URL taken, in bytes.
pub const MAX_LEN: usize = 2048;

/// Judges a URL that a tenant chose, and returns it as it will be opened.
///
/// # Errors
/// [`Refusal`] when it is not `https` to a public name or address.
pub fn check(text: &str, loopback: Loopback) -> Result<Url, Refusal> {
    if text.len() > MAX_LEN {
        return Err(Refusal::TooLong);
    }
    // The parser would drop or turn these; nobody means them.
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(Refusal::NotAUrl);
    }
    if !has_plain_host(text) {
        return Err(Refusal::NotAscii);
    }
    let url = Url::parse(text).map_err(|_| Refusal::NotAUrl)?;
    let encrypted = match url.scheme() {
        "https" => true,
        "http" => false,
        _ => return Err(Refusal::Scheme),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::Credentials);
    }
    if url.fragment().is_some() {
        return Err(Refusal::Fragment);
    }
    if url.port() == Some(0) {
        return Err(Refusal::Port);
    }
    let inside = match (judge(&url), loopback) {
        (Ok(()), _) => false,
        (Err(Refusal::Loopback), Loopback::Allowed) => true,
        (Err(refusal), _) => return Err(refusal),
    };
    if encrypted || inside { Ok(url) } else { Err(Refusal::Scheme) }
}

/// Whether nothing would have to be known of Unicode to tell which host is meant.
fn has_plain_host(text: &str) -> bool {
    let authority = text.split_once(':').map_or(text, |(_, rest)| rest.trim_start_matches('/'));
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.is_ascii() && !host.contains('%')
}

fn judge(url: &Url) -> Result<(), Refusal> {
    match url.host() {
        None => Err(Refusal::NotAUrl),
        Some(Host::Domain(name)) => judge_name(name),
        Some(Host::Ipv4(address)) => judge_v4(address),
        Some(Host::Ipv6(address)) => judge_v6(address),
    }
}

/// Top-level names that are never public: RFC 6761, RFC 6762, RFC 8375, ICANN's `.internal`, and those that ICANN
/// holds back because private networks use them. `metadata.goog` is a cloud's metadata server.
const PRIVATE_NAMES: [&str; 10] = [
    "local",
    "localdomain",
    "internal",
    "intranet",
    "private",
    "lan",
    "home",
    "corp",
    "home.arpa",
    "metadata.goog",
];

/// `name` is in lower case and in ASCII: the parser saw to that.
fn judge_name(name: &str) -> Result<(), Refusal> {
    let under =
        |zone: &str| name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if under("localhost") {
        return Err(Refusal::Loopback);
    }
    if PRIVATE_NAMES.into_iter().any(under) {
        return Err(Refusal::PrivateName);
    }
    let labels = name.split('.').count();
    if labels < 2 || name.split('.').any(str::is_empty) { Err(Refusal::Name) } else { Ok(()) }
}

/// Blocks that are not public, as network and prefix length: the IANA registry of special-purpose addresses
/// (RFC 6890), multicast, class E, and the one public address that is a cloud's metadata server (Azure's).
const CLOSED_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn judge_v4(address: Ipv4Addr) -> Result<(), Refusal> {
    if address.is_loopback() {
        return Err(Refusal::Loopback);
    }
    let within = |(network, prefix): (Ipv4Addr, u32)| {
        (address.to_bits() ^ network.to_bits()).leading_zeros() >= prefix
    };
    if CLOSED_V4.into_iter().any(within) { Err(Refusal::Address) } else { Ok(()) }
}

/// Blocks of the global unicast space that are not servers: protocol assignments with Teredo and benchmarking in
/// them, documentation, and 6to4, which is an IPv4 address in disguise.
const CLOSED_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Public servers live in 2000::/3 and nowhere else, so everything outside is refused unseen: unspecified, unique
/// and link-local, multicast, and the IPv4-mapped, IPv4-compatible and NAT64 forms, whatever they hold.
fn judge_v6(address: Ipv6Addr) -> Result<(), Refusal> {
    if address.is_loopback() {
        return Err(Refusal::Loopback);
    }
    let within = |(network, prefix): (Ipv6Addr, u32)| {
        (address.to_bits() ^ network.to_bits()).leading_zeros() >= prefix
    };
    let global = within((Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3));
    if global && !CLOSED_V6.into_iter().any(within) { Ok(()) } else { Err(Refusal::Address) }
}

#[cfg(test)]
#[path = "outbound_tests.rs"]
mod tests;
