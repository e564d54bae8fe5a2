use std::net::IpAddr;

use proptest::prelude::*;

use super::*;

/// What the tests call closed to the public: std's predicates, and by octets those that std keeps unstable.
fn closed_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_unspecified()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || (a == 192 && b == 0 && c == 0)
}

fn closed_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let embedded = address.to_ipv4().is_some() || a == 0x64 || a == 0x2002 || (a, b) == (0x2001, 0);
    address.is_loopback()
        || address.is_unspecified()
        || address.is_unique_local()
        || address.is_unicast_link_local()
        || address.is_multicast()
        || (a, b) == (0x2001, 0xdb8)
        || embedded
}

fn refusal(text: &str) -> Option<Refusal> {
    check(text, Loopback::Refused).err()
}

#[test]
fn public_servers_are_let_through() {
    for text in [
        "https://api.openai.com/v1",
        "https://api.example.com:8443/v1/?a=b",
        "https://xn--bcher-kva.example.com/",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://localhost.example.com/",
        "https://internal.example.com/",
        "https://notlocalhost.com/",
        "https://example.plan/",
        "https://example.notinternal/",
        "https://my_host.example.com/",
    ] {
        assert_eq!(refusal(text), None, "{text}");
    }
    assert_eq!(
        check("https://XN--Bcher-KVA.example.com:443", Loopback::Refused).unwrap().as_str(),
        "https://xn--bcher-kva.example.com/"
    );
}

#[test]
fn closed_addresses_are_refused() {
    let hosts = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 100.127.255.255 168.63.129.16 169.254.0.1 \
         169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 \
         198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 [::] \
         [::2] [::7f00:1] [::10.0.0.1] [::ffff:127.0.0.1] [::ffff:a9fe:a9fe] [::ffff:8.8.8.8] \
         [::ffff:0:10.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::a00:1] [100::1] [2001::1] \
         [2001:0:53aa:64c:0:fbff:f5ff:fffe] [2001:2::1] [2001:20::1] [2001:db8::1] [2002:a9fe:a9fe::1] \
         [2002:7f00:1::1] [3fff::1] [5f00::1] [fc00::1] [fd00:ec2::254] [fe80::1] [fec0::1] [ff02::1]";
    for host in hosts.split_whitespace() {
        assert_eq!(refusal(&format!("https://{host}/")), Some(Refusal::Address), "{host}");
    }
}

#[test]
fn the_blocks_beside_closed_ones_are_open() {
    let hosts = "1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 \
         172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 \
         223.255.255.255 [2000::] [2001:200::] [2001:db7:ffff::1] [2001:db9::] [2003::] [3fff:1000::]";
    for host in hosts.split_whitespace() {
        assert_eq!(refusal(&format!("https://{host}/")), None, "{host}");
    }
}

#[test]
fn another_spelling_of_an_address_is_the_address() {
    let hosts = "127.1 127.0.0.0x1 127.0.0.0x 127.0.1 2130706433 0x7f000001 0x7f.0.0.1 0177.0.0.1 017700000001 \
         127.0.0.1. [0:0:0:0:0:0:0:1] [::0001]";
    for host in hosts.split_whitespace() {
        assert_eq!(refusal(&format!("https://{host}/")), Some(Refusal::Loopback), "{host}");
    }
    for host in ["0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.254.43518"] {
        assert_eq!(refusal(&format!("https://{host}/")), Some(Refusal::Address), "{host}");
    }
    for host in ["256.0.0.1", "1.2.3.4.5", "0x1ffffffff", "08.8.8.8", "[::1", "[v1.x]"] {
        assert_eq!(refusal(&format!("https://{host}/")), Some(Refusal::NotAUrl), "{host}");
    }
}

#[test]
fn names_of_private_networks_are_refused() {
    let hosts = "printer.local db.internal metadata.google.internal METADATA.Google.Internal metadata.goog \
         router.home.arpa nas.lan wiki.corp wiki.intranet nas.home db.private box.localdomain internal \
         a.test a.invalid a.example example a.onion redis.default.svc a.alt 1.0.0.127.in-addr.arpa vault.consul fritz.box \
         redis.default 10-0-0-1.default.pod web-1.node speedport.ip box.homenet my.router nas.home.lan api.my-namespace \
         redis.db1 a.kube-system app.nomad web.swarm pi.hole";
    for host in hosts.split_whitespace() {
        assert_eq!(refusal(&format!("https://{host}/")), Some(Refusal::PrivateName), "{host}");
    }
    // Names whose address stands in them, or is always this machine's.
    let hosts = "10.0.0.1.nip.io app-10-0-0-1.nip.io 0a000001.nip.io 127.0.0.1.sslip.io --1.sslip.io 10.0.0.1.xip.io localtest.me \
         api.localtest.me lvh.me a.lvh.me 127-0-0-1.traefik.me 7f000001.c0a80001.rbndr.us a.localho.st make-1.2.3.4-rr.1u.ms";
    for host in hosts.split_whitespace() {
        assert_eq!(refusal(&format!("https://{host}/")), Some(Refusal::PrivateName), "{host}");
    }
    for host in [
        "api.nip.io.example.com",
        "models.tailnet.ts.net",
        "api.xn--p1ai",
        "lvh.me.com",
        "nodes.ai",
        "default.com",
    ] {
        assert_eq!(refusal(&format!("https://{host}/")), None, "{host}");
    }
    for host in ["localhost", "LOCALHOST", "app.localhost"] {
        assert_eq!(refusal(&format!("https://{host}/")), Some(Refusal::Loopback), "{host}");
    }
}

#[test]
fn hosts_that_only_unicode_or_unescaping_could_tell_are_refused() {
    let hosts = "bücher.example.com １２７.0.0.1 ①②⑦.0.0.1 127。0。0。1 １６９.254.169.254 ⓜetadata.google.internal \
         db.ｉnternal 。com ｌocalhost loc\u{ad}alhost %31%32%37.0.0.1 127%2e0%2e0%2e1 db%2einternal %6cocalhost \
         %C3%BC.example.com a@ü.example.com [::1%25eth0]";
    for host in hosts.split_whitespace() {
        for text in [format!("https://{host}/"), format!("https:{host}?a"), format!("https:///{host}#a")] {
            assert_eq!(refusal(&text), Some(Refusal::NotAscii), "{text}");
        }
    }
    assert_eq!(refusal("https://api.example.com/ü/%C3%BC?q=ü"), None, "a path may say what it likes");
}

#[test]
fn names_that_are_not_full_are_refused() {
    for host in ["api", "instance-data", "example.com.", "localhost.", "db.internal.", "a..b", ".example.com"]
    {
        assert_eq!(refusal(&format!("https://{host}/")), Some(Refusal::Name), "{host}");
    }
}

#[test]
fn what_is_not_a_plain_https_url_is_refused() {
    for (text, why) in [
        ("", Refusal::NotAUrl),
        ("api.example.com", Refusal::NotAUrl),
        ("/v1", Refusal::NotAUrl),
        ("https://", Refusal::NotAUrl),
        ("https:///", Refusal::NotAUrl),
        ("https://:443/", Refusal::NotAUrl),
        ("https://exa mple.com/", Refusal::NotAUrl),
        ("https://exa\tmple.com/", Refusal::NotAUrl),
        (" https://example.com/", Refusal::NotAUrl),
        ("https://example.com/\n", Refusal::NotAUrl),
        ("https:\\\\example.com\\", Refusal::NotAUrl),
        ("https://example.com\u{0}.evil.com/", Refusal::NotAUrl),
        ("\u{1}https://example.com/", Refusal::NotAUrl),
        ("https://example.com/a\u{7}b", Refusal::NotAUrl),
        ("https://example.com:99999/", Refusal::NotAUrl),
        ("https://example.com:0/", Refusal::Port),
        ("http://api.example.com/", Refusal::Scheme),
        ("ftp://example.com/", Refusal::Scheme),
        ("file:///etc/passwd", Refusal::Scheme),
        ("data:text/plain,hello", Refusal::Scheme),
        ("javascript:alert(1)", Refusal::Scheme),
        ("wss://example.com/", Refusal::Scheme),
        ("https://user@example.com/", Refusal::Credentials),
        ("https://user:pass@example.com/", Refusal::Credentials),
        ("https://:pass@example.com/", Refusal::Credentials),
        ("https://api.example.com@127.0.0.1/", Refusal::Credentials),
        ("https://example.com/#top", Refusal::Fragment),
        ("https://example.com/#", Refusal::Fragment),
        ("https://127.0.0.1#@example.com/", Refusal::Fragment),
        (&format!("https://example.com/{}", "x".repeat(MAX_LEN)), Refusal::TooLong),
    ] {
        assert_eq!(refusal(text), Some(why), "{text:?}");
    }
}

#[test]
fn development_opens_loopback_and_nothing_else() {
    let allowed = |text| check(text, Loopback::Allowed).err();
    for text in [
        "http://localhost:8080/v1",
        "http://127.0.0.1:1/",
        "http://127.255.0.1/",
        "http://[::1]:9999/",
        "http://app.localhost/",
        "https://localhost/",
        "https://api.example.com/",
    ] {
        assert_eq!(allowed(text), None, "{text}");
    }
    for (text, why) in [
        ("http://api.example.com/", Refusal::Scheme),
        ("http://10.0.0.1/", Refusal::Address),
        ("http://169.254.169.254/", Refusal::Address),
        ("http://[::ffff:127.0.0.1]/", Refusal::Address),
        ("http://0.0.0.0/", Refusal::Address),
        ("http://db.internal/", Refusal::PrivateName),
        ("http://localhost:0/", Refusal::Port),
        ("http://user@localhost/", Refusal::Credentials),
        ("ftp://localhost/", Refusal::Scheme),
    ] {
        assert_eq!(allowed(text), Some(why), "{text}");
    }
}

/// Addresses with as many of the closed blocks among them as of all others.
fn v4() -> impl Strategy<Value = Ipv4Addr> {
    let first = prop_oneof![
        any::<u8>(),
        prop::sample::select(vec![0, 10, 100, 127, 169, 172, 192, 198, 203, 224, 255])
    ];
    let second = prop_oneof![any::<u8>(), prop::sample::select(vec![0, 2, 16, 18, 51, 63, 64, 88, 168, 254])];
    let third = prop_oneof![any::<u8>(), prop::sample::select(vec![0, 2, 99, 100, 113, 129, 169])];
    (first, second, third, any::<u8>()).prop_map(|(a, b, c, d)| Ipv4Addr::new(a, b, c, d))
}

fn v6() -> impl Strategy<Value = Ipv6Addr> {
    let free = any::<u128>().prop_map(Ipv6Addr::from_bits);
    let global = any::<u128>().prop_map(|bits| Ipv6Addr::from_bits(bits >> 3 | 1 << 125));
    let mapped = v4().prop_map(|v4| v4.to_ipv6_mapped());
    let prefixed = (
        prop::sample::select(vec![0, 0x64, 0x100, 0x2001, 0x2002, 0x3fff, 0xfc00, 0xfe80, 0xff02]),
        prop::sample::select(vec![0, 2, 0xdb8, 0xff9b]),
        any::<u64>(),
    );
    let prefixed = prefixed.prop_map(|(a, b, rest)| {
        Ipv6Addr::from_bits((a as u128) << 112 | (b as u128) << 96 | u128::from(rest))
    });
    prop_oneof![free, global, mapped, prefixed]
}

/// The ways a URL may spell an IPv4 address.
fn spellings(address: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = address.octets();
    let bits = address.to_bits();
    vec![
        format!("{a}.{b}.{c}.{d}"),
        format!("{a}.{b}.{c}.{d}."),
        format!("{a}.{b}.{}", bits & 0xffff),
        format!("{a}.{}", bits & 0xff_ffff),
        format!("{bits}"),
        format!("0x{bits:x}"),
        format!("0{bits:o}"),
        format!("0x{a:X}.0{b:o}.{c}.0x{d:x}"),
    ]
}

/// Host text of the kind that slips through hand-written checks.
fn odd_host() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "127",
        "0x7f",
        "0",
        "1",
        "169",
        "254",
        "10",
        ".",
        ".",
        "。",
        "%2e",
        "localhost",
        "internal",
        "local",
        "com",
        "example",
        "xn--",
        "[",
        "]",
        "::",
        "ffff",
        "@",
        ":",
        "#",
        "?",
        "\\",
        "/",
        "-",
        "_",
        "ⓛ",
        "\u{ad}",
        "\u{200d}",
    ]);
    prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

/// The invariant itself, read off the URL that would be opened.
fn is_open(url: &Url) -> bool {
    let host = url.host_str().unwrap();
    let open = match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(address)) => !closed_v4(address),
        Ok(IpAddr::V6(address)) => !closed_v6(address),
        Err(_) => {
            let zone = host.rsplit('.').next().unwrap();
            host.contains('.') && !["", "localhost", "local", "internal"].contains(&zone)
        }
    };
    open && url.scheme() == "https" && url.username().is_empty() && url.password().is_none()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_spelling_of_an_ipv4_address_is_judged_alike(address in v4()) {
        let verdicts: Vec<_> =
            spellings(address).iter().map(|host| refusal(&format!("https://{host}/v1"))).collect();
        prop_assert!(verdicts.iter().all(|verdict| *verdict == verdicts[0]), "{:?}", verdicts);
        prop_assert!(verdicts[0].is_some() || !closed_v4(address));
    }

    #[test]
    fn no_closed_ipv6_address_is_accepted(address in v6()) {
        let accepted = refusal(&format!("https://[{address}]/")).is_none();
        prop_assert!(!accepted || !closed_v6(address));
    }

    #[test]
    fn whatever_is_accepted_is_open(host in odd_host()) {
        if let Ok(url) = check(&format!("https://{host}/v1"), Loopback::Refused) {
            prop_assert!(is_open(&url.0), "{}", url);
        }
    }

    #[test]
    fn no_text_breaks_it(text: String, loopback: bool) {
        let loopback = if loopback { Loopback::Allowed } else { Loopback::Refused };
        for text in [text.clone(), format!("https://{text}"), format!("http://{text}/")] {
            if let Ok(url) = check(&text, loopback) {
                prop_assert_eq!(check(url.as_str(), loopback), Ok(url));
            }
            let _ = CheckedUrl::of_operator(&text);
        }
    }
}
