//! Base URLs of providers, checked by the rule for everything that leaves ([`outbound`]).

use crate::domain::outbound::{self, CheckedUrl, Loopback, Refusal};

/// The address of an upstream API, to which a wire appends its paths: checked, and without a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(CheckedUrl);

impl BaseUrl {
    /// # Errors
    /// [`Refusal`] when [`outbound::check`] refuses the URL or it has a query.
    pub fn parse(text: &str, loopback: Loopback) -> Result<Self, Refusal> {
        Self::of(outbound::check(text, loopback)?)
    }

    /// The base URL in one of the operator's variables; see [`CheckedUrl::of_operator`] for why it may lead anywhere.
    ///
    /// # Errors
    /// [`Refusal`] when it could not be opened or has a query.
    pub fn of_operator(text: &str) -> Result<Self, Refusal> {
        Self::of(CheckedUrl::of_operator(text)?)
    }

    fn of(url: CheckedUrl) -> Result<Self, Refusal> {
        if url.has_query() { Err(Refusal::Query) } else { Ok(Self(url)) }
    }

    /// Ends without a slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// In lower case, without the port.
    pub fn host(&self) -> &str {
        outbound::host_of(self.0.as_str())
    }

    /// # Errors
    /// [`Refusal::Path`], as [`CheckedUrl::append`] says.
    pub fn append(&self, path: &str) -> Result<CheckedUrl, Refusal> {
        self.0.append(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_takes_paths() {
        let parse = |text| BaseUrl::parse(text, Loopback::Allowed);
        let base = parse("https://API.example.com:443/v1//").unwrap();
        assert_eq!(base.as_str(), "https://api.example.com/v1");
        assert_eq!(base.append("/messages").unwrap().as_str(), "https://api.example.com/v1/messages");
        assert_eq!(parse("http://127.0.0.1:8080/").unwrap().as_str(), "http://127.0.0.1:8080");
        assert_eq!(parse("http://127.0.0.1:8080/v1").unwrap().host(), "127.0.0.1");
        assert_eq!(base.host(), "api.example.com");
        assert_eq!(parse("https://api.example.com/v1?key=1"), Err(Refusal::Query));
        assert_eq!(parse("https://10.0.0.1/v1"), Err(Refusal::Address));
    }

    #[test]
    fn the_operators_base_url_has_no_query_either() {
        let of = BaseUrl::of_operator;
        assert_eq!(of("http://10.0.0.1:8000/v1/").unwrap().as_str(), "http://10.0.0.1:8000/v1");
        assert_eq!(of("https://api.example.com/v1?key=1"), Err(Refusal::Query));
    }
}
