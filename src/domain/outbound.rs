//! Outbound URLs: the one rule that every URL that a tenant chose passes before it is fetched, and the type
//! that proves it.
//!
//! A [`CheckedUrl`] is built only here: by the rule ([`check`]), from an operator's variable
//! ([`CheckedUrl::of_operator`]), or by appending a path to another one. Nothing else can be sent to.
//!
//! What the rule returns is parsed by the rules `fetch` parses by (WHATWG URL), so the address that was
//! judged is the address that is opened: `https://0x7f.1/` and `https://[::ffff:7f00:1]/` are judged as what
//! they mean. Hosts are written in ASCII and unescaped, or they are refused: `https://①②⑦.0.0.1/` is, and an
//! international name goes by its `xn--` form. Redirects are never followed, so no hop escapes the rule.
//!
//! Not here: where a public name points. The platform resolves names itself and has no route into private
//! networks; a name that resolves to a private address fails there.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Position, Url};

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
    #[error("a base URL has no query: paths are appended to it")]
    Query,
    #[error("the path of the request must begin with / and stay below the URL that it is appended to")]
    Path,
}

/// The longest URL taken, in bytes.
pub const MAX_LEN: usize = 2048;
/// The longest URL with a query of ours, in bytes.
const MAX_QUERIED: usize = 8 * 1024;

/// A URL that may be opened: `http` or `https`, with a host, without credentials and fragment.
///
/// It prints without its query, because queries may hold keys.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckedUrl(Url);

impl CheckedUrl {
    /// The URL in one of the operator's variables, blanks around it removed.
    ///
    /// It may lead anywhere, into a private network and by `http` too: who sets the variables also deploys
    /// the code and holds every key, so there is nobody to protect from them. A URL that could not be opened
    /// is refused all the same.
    ///
    /// # Errors
    /// [`Refusal`] when it is no `http` or `https` URL, or has credentials, a fragment or port 0.
    pub fn of_operator(text: &str) -> Result<Self, Refusal> {
        Ok(Self(parse(text.trim())?))
    }

    /// This URL with a path below its own, such as `/chat/completions` or `/models?page=2`. Slashes at this
    /// URL's end are dropped first.
    ///
    /// The path must be written as it is sent, percent-encoded: what the parser would change, `..` above all,
    /// is refused.
    ///
    /// # Errors
    /// [`Refusal::Query`] when this URL has a query. [`Refusal::Path`] when the path does not begin with a
    /// slash, has a fragment, or is not as the parser would write it.
    pub fn append(&self, path: &str) -> Result<Self, Refusal> {
        if self.has_query() {
            return Err(Refusal::Query);
        }
        if !path.starts_with('/') || !is_plain(path) {
            return Err(Refusal::Path);
        }
        let text = format!("{}{path}", self.as_str().trim_end_matches('/'));
        let url = Url::parse(&text).map_err(|_| Refusal::Path)?;
        let is_same_server = url[..Position::BeforePath] == self.0[..Position::BeforePath];
        if !is_same_server || url.as_str() != text || url.fragment().is_some() {
            return Err(Refusal::Path);
        }
        Ok(Self(url))
    }

    /// This URL with these pairs at the end of its query, percent-encoded.
    ///
    /// # Errors
    /// [`Refusal::TooLong`] beyond [`MAX_QUERIED`] bytes.
    pub fn with_query(&self, pairs: &[(&str, String)]) -> Result<Self, Refusal> {
        let size: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > MAX_QUERIED {
            return Err(Refusal::TooLong);
        }
        let mut url = self.0.clone();
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        if url.as_str().len() > MAX_QUERIED { Err(Refusal::TooLong) } else { Ok(Self(url)) }
    }

    /// All of it, for the request itself; to print it, use [`fmt::Display`].
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme, host and port, the latter where it is not the scheme's own: whom it leads to.
    pub fn origin(&self) -> &str {
        &self.0[..Position::BeforePath]
    }

    /// Begins with a slash; percent-encoded.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    pub fn has_query(&self) -> bool {
        self.0.query().is_some()
    }
}

/// Credentials, which neither constructor lets through, would not print either.
impl fmt::Display for CheckedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.0;
        write!(f, "{}://{}", url.scheme(), &url[Position::BeforeHost..Position::AfterPath])
    }
}

impl fmt::Debug for CheckedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckedUrl({self})")
    }
}

/// Judges a URL that a tenant chose, and returns it as it will be opened.
///
/// # Errors
/// [`Refusal`] when it is not `https` to a public name or address.
pub fn check(text: &str, loopback: Loopback) -> Result<CheckedUrl, Refusal> {
    let url = parse(text)?;
    let inside = match (judge(&url), loopback) {
        (Ok(()), _) => false,
        (Err(Refusal::Loopback), Loopback::Allowed) => true,
        (Err(refusal), _) => return Err(refusal),
    };
    if url.scheme() == "https" || inside { Ok(CheckedUrl(url)) } else { Err(Refusal::Scheme) }
}

/// The host of a URL as it is written, without its port and a dot at the end; empty where there is none.
pub fn host_of(url: &str) -> &str {
    let after = url.split_once("://").map_or("", |(_, after)| after);
    let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
    // The port is digits; what stands in brackets is an IPv6 address.
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    host.strip_suffix('.').unwrap_or(host)
}

/// Whether none of it would be dropped or turned by the parser without a word: nobody means such characters.
fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\')
}

/// What holds of every URL, wherever it leads.
fn parse(text: &str) -> Result<Url, Refusal> {
    if text.len() > MAX_LEN {
        return Err(Refusal::TooLong);
    }
    if !is_plain(text) {
        return Err(Refusal::NotAUrl);
    }
    if !has_plain_host(text) {
        return Err(Refusal::NotAscii);
    }
    let url = Url::parse(text).map_err(|_| Refusal::NotAUrl)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(Refusal::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::Credentials);
    }
    if url.fragment().is_some() {
        return Err(Refusal::Fragment);
    }
    if url.port() == Some(0) {
        return Err(Refusal::Port);
    }
    Ok(url)
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

/// Names that are never public: the IANA registry of special-use names (RFC 6761: `test`, `invalid`, `example`; `local`, `onion`,
/// `alt`, `arpa`), ICANN's `internal`, those that ICANN holds back because private networks use them (`home`, `corp`, `mail`),
/// RFC 6762's appendix G (`intranet`, `lan`, `private`), those of clusters (Kubernetes' `svc`, `pod` and the namespace `default`;
/// Consul and Nomad, Docker and its swarm) and of routers that nobody has delegated. `metadata.goog` is a cloud's metadata server.
#[rustfmt::skip]
const PRIVATE_NAMES: [&str; 37] = [
    "alt", "arpa", "cluster", "consul", "corp", "default", "docker", "domain", "example", "fritz.box", "gateway", "home",
    "homenet", "i2p", "internal", "intranet", "invalid", "ip", "k8s", "kube", "lan", "local", "localdomain", "mail",
    "metadata.goog", "node", "nomad", "onion", "pi.hole", "pod", "private", "router", "svc", "swarm", "test", "workgroup",
    "wpad",
];

/// Public zones whose names lead to whatever address stands in them, also a private one, or to this machine: services for
/// development, and for attacks by rebinding (their documentation, read 2026-11).
const ANY_ADDRESS: [&str; 15] = [
    "1u.ms",
    "backname.io",
    "lacolhost.com",
    "localho.st",
    "local.gd",
    "localtest.me",
    "lvh.me",
    "nip.io",
    "rbndr.us",
    "rebind.network",
    "rebind.it",
    "sslip.io",
    "traefik.me",
    "vcap.me",
    "xip.io",
];

/// `name` is in lower case and in ASCII: the parser saw to that.
fn judge_name(name: &str) -> Result<(), Refusal> {
    let under =
        |zone: &str| name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if under("localhost") {
        return Err(Refusal::Loopback);
    }
    if PRIVATE_NAMES.into_iter().chain(ANY_ADDRESS).any(under) {
        return Err(Refusal::PrivateName);
    }
    let Some((_, top)) = name.rsplit_once('.') else { return Err(Refusal::Name) };
    if name.split('.').any(str::is_empty) {
        return Err(Refusal::Name);
    }
    if is_top_level(top) { Ok(()) } else { Err(Refusal::PrivateName) }
}

/// Whether a public name may end so: top-level domains are letters (RFC 3696, section 2), or international ones in ASCII. It is
/// not a list of those there are, so `service.namespace` of a cluster can pass; no public server has the name, so no request
/// gets anywhere.
fn is_top_level(label: &str) -> bool {
    let is_word = label.len() > 1 && label.bytes().all(|byte| byte.is_ascii_lowercase());
    is_word || label.starts_with("xn--")
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

/// Blocks of the global unicast space that are not servers: protocol assignments with Teredo and benchmarking
/// in them, documentation, and 6to4, which is an IPv4 address in disguise.
const CLOSED_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Public servers live in 2000::/3 and nowhere else, so everything outside is refused unseen: unspecified,
/// unique and link-local, multicast, and the IPv4-mapped, IPv4-compatible and NAT64 forms, whatever they
/// hold.
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

#[cfg(test)]
#[path = "checked_url_tests.rs"]
mod checked_url_tests;
