//! What secrets look like, as data. Of their makers' documentation, 2026-11.

/// Beginnings of private keys: certificates and public keys are no secrets.
pub const KEYS: [&str; 4] =
    ["PRIVATE KEY-----", "PRIVATE KEY BLOCK-----", "PuTTY-User-Key-File-", "AGE-SECRET-KEY-1"];
/// `-----BEGIN ` in base64.
pub const ARMOUR: &str = "LS0tLS1CRUdJTi";
/// `PRIVATE KEY` in base64, by how many bytes of three stand before it: the letters that it fills alone.
pub const PRIVATE_KEY: [&str; 3] = ["UFJJVkFURSBLRV", "BSSVZBVEUgS0VZ", "QUklWQVRFIEtFW"];
/// What a signature is called in an address.
pub const SIGNATURES: [&str; 8] = [
    "?sig=",
    "&sig=",
    "X-Amz-Signature=",
    "X-Goog-Signature=",
    "?Signature=",
    "&Signature=",
    "?signature=",
    "&signature=",
];
/// What crypt calls the kinds of hashes of passwords.
pub const HASHES: [&str; 20] = [
    "1",
    "2a",
    "2b",
    "2x",
    "2y",
    "5",
    "6",
    "7",
    "8",
    "9",
    "y",
    "gy",
    "sm3",
    "sha1",
    "scrypt",
    "pbkdf2-sha256",
    "apr1",
    "argon2i",
    "argon2d",
    "argon2id",
];

/// Addresses that let whoever knows them write: what comes after is the secret. A star is one part of the host's name.
pub const WEBHOOKS: [&str; 28] = [
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "hooks.slack.com/triggers/",
    "hooks.slack-gov.com/services/",
    "hooks.slack-gov.com/workflows/",
    "hooks.slack-gov.com/triggers/",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    "webhook.office.com/webhookb2/",
    "outlook.office.com/webhook/",
    "outlook.office365.com/webhook/",
    "api.telegram.org/bot",
    "hooks.zapier.com/hooks/catch/",
    "hooks.zapier.com/hooks/standard/",
    "hook.*.make.com/",
    "hook.*.make.celonis.com/",
    "hook.integromat.com/",
    ".n8n.cloud/webhook/",
    ".n8n.cloud/webhook-test/",
    "connect.pabbly.com/workflow/sendwebhookdata/",
    "hooks.airtable.com/workflows/v1/genericWebhook/",
    "open.feishu.cn/open-apis/bot/v2/hook/",
    "open.larksuite.com/open-apis/bot/v2/hook/",
    "qyapi.weixin.qq.com/cgi-bin/webhook/send?key=",
    "events.pagerduty.com/integration/",
    "maker.ifttt.com/use/",
    "discord.com/api/v10/webhooks/",
    "api.day.app/",
];
/// The same on servers that anyone runs: Mattermost's and n8n's.
pub const PLACES: [(&str, Tail); 3] =
    [("/hooks/", Tail::Word(26)), ("/webhook/", Tail::Uuid), ("/webhook-test/", Tail::Uuid)];

/// What comes after the beginning of a secret.
#[derive(Clone, Copy, Debug)]
pub enum Tail {
    /// Many characters, a digit among them.
    Long,
    /// At least so many letters and digits in a row, of both some.
    Mixed(usize),
    /// So many letters and digits and no more, of both some.
    Word(usize),
    /// At least so many letters, digits and signs of base64 for URLs, of each kind of letters and digits some.
    Random(usize),
    /// So many digits of hex and no more.
    Hex(usize),
    Uuid,
}

impl Tail {
    /// So many make a long one.
    const LONG: usize = 16;

    /// Whether a text begins with one.
    pub fn begins(self, text: &str) -> bool {
        let row = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let row = text.get(..row).unwrap_or_default();
        let has = |is: fn(&u8) -> bool| row.bytes().any(|byte| is(&byte));
        let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
        match self {
            Self::Long => text.len() >= Self::LONG && text.bytes().any(|b| b.is_ascii_digit()),
            Self::Random(least) => {
                let of = |b: &u8| b.is_ascii_alphanumeric() || b"_-".contains(b);
                let row = text.bytes().take_while(of).count();
                let row = &text.as_bytes()[..row];
                let has = |is: fn(&u8) -> bool| row.iter().any(is);
                row.len() >= least
                    && has(u8::is_ascii_digit)
                    && has(u8::is_ascii_uppercase)
                    && has(u8::is_ascii_lowercase)
            }
            Self::Mixed(least) => row.len() >= least && is_mixed,
            Self::Word(length) => row.len() == length && is_mixed,
            Self::Hex(length) => row.len() == length && row.bytes().all(|b| b.is_ascii_hexdigit()),
            Self::Uuid => text.get(..36).is_some_and(|id| uuid::Uuid::try_parse(id).is_ok()),
        }
    }
}

/// How tokens of services begin that agents' tools use, and how they go on.
pub const TOKENS: [(&str, Tail); 138] = [
    ("SG.", Tail::Long),
    ("shpat_", Tail::Long),
    ("shpss_", Tail::Long),
    ("shppa_", Tail::Long),
    ("shpca_", Tail::Long),
    ("npm_", Tail::Long),
    ("pypi-", Tail::Long),
    ("rubygems_", Tail::Hex(48)),
    ("dop_v1_", Tail::Long),
    ("doo_v1_", Tail::Long),
    ("dor_v1_", Tail::Long),
    ("xoxp-", Tail::Long),
    ("xoxa-", Tail::Long),
    ("xoxc-", Tail::Long),
    ("xoxd-", Tail::Long),
    ("xoxe-", Tail::Long),
    ("xoxs-", Tail::Long),
    ("xapp-", Tail::Long),
    ("ghs_", Tail::Long),
    ("ghu_", Tail::Long),
    ("ghr_", Tail::Long),
    ("glptt-", Tail::Long),
    ("gldt-", Tail::Long),
    ("glrt-", Tail::Long),
    ("glcbt-", Tail::Long),
    ("glft-", Tail::Long),
    ("gloas-", Tail::Long),
    ("glsoat-", Tail::Long),
    ("glimt-", Tail::Long),
    ("glagent-", Tail::Long),
    ("sq0atp-", Tail::Long),
    ("sq0csp-", Tail::Long),
    ("rk_test_", Tail::Long),
    ("whsec_", Tail::Long),
    ("lin_api_", Tail::Long),
    ("lin_oauth_", Tail::Long),
    ("ntn_", Tail::Long),
    // Notion's before 2024-09.
    ("secret_", Tail::Word(43)),
    ("PMAK-", Tail::Long),
    ("hvs.", Tail::Long),
    ("hvb.", Tail::Long),
    ("hvr.", Tail::Long),
    ("figd_", Tail::Long),
    ("figo_", Tail::Long),
    ("tvly-", Tail::Long),
    ("lsv2_", Tail::Long),
    ("e2b_", Tail::Long),
    ("jina_", Tail::Long),
    ("GOCSPX-", Tail::Long),
    ("sbp_", Tail::Long),
    ("pcsk_", Tail::Long),
    ("apify_api_", Tail::Long),
    ("dckr_pat_", Tail::Long),
    ("dckr_oat_", Tail::Long),
    ("ATATT3", Tail::Long),
    ("ATCTT3", Tail::Long),
    ("sntrys_", Tail::Long),
    ("sntryu_", Tail::Long),
    // Fly's.
    ("fo1_", Tail::Long),
    ("fm1r_", Tail::Long),
    ("fm2_", Tail::Long),
    // Databricks'.
    ("dapi", Tail::Hex(32)),
    // Mailgun's.
    ("key-", Tail::Hex(32)),
    // Firecrawl's.
    ("fc-", Tail::Hex(32)),
    // Twilio's: what begins with AC is the account's id.
    ("SK", Tail::Hex(32)),
    // Doppler's.
    ("dp.pt.", Tail::Long),
    ("dp.st.", Tail::Long),
    ("dp.ct.", Tail::Long),
    ("dp.sa.", Tail::Long),
    ("dp.scim.", Tail::Long),
    ("dp.audit.", Tail::Long),
    // Meta's.
    ("EAA", Tail::Mixed(30)),
    // ntfy's.
    ("tk_", Tail::Mixed(16)),
    ("glsa_", Tail::Long),
    ("NRAK-", Tail::Long),
    ("phx_", Tail::Long),
    ("xkeysib-", Tail::Long),
    ("mlsn.", Tail::Long),
    ("nfp_", Tail::Long),
    ("pscale_tkn_", Tail::Long),
    ("pscale_pw_", Tail::Long),
    ("pul-", Tail::Hex(40)),
    ("squ_", Tail::Hex(40)),
    ("sqp_", Tail::Hex(40)),
    ("bkua_", Tail::Hex(40)),
    ("sgp_", Tail::Long),
    ("CFPAT-", Tail::Long),
    ("dt0c01.", Tail::Long),
    ("rnd_", Tail::Mixed(24)),
    ("pnu_", Tail::Mixed(30)),
    ("LTAI", Tail::Mixed(16)),
    ("ops_eyJ", Tail::Long),
    ("sl.", Tail::Random(30)),
    ("glc_", Tail::Long),
    ("sb_secret_", Tail::Long),
    ("vcp_", Tail::Long),
    ("vck_", Tail::Long),
    ("napi_", Tail::Long),
    ("HRKU-", Tail::Long),
    ("CCIPAT_", Tail::Long),
    ("EZAK", Tail::Mixed(30)),
    ("EZTK", Tail::Mixed(30)),
    ("FLWSECK-", Tail::Long),
    ("FLWSECK_TEST-", Tail::Long),
    ("AKCp", Tail::Random(30)),
    ("cmVmdGtuOj", Tail::Random(20)),
    ("xoxe.xoxp-", Tail::Long),
    ("xoxe.xoxb-", Tail::Long),
    ("tfp_", Tail::Long),
    ("rdme_", Tail::Mixed(30)),
    ("CLOJARS_", Tail::Mixed(30)),
    ("fio-u-", Tail::Long),
    ("oy2", Tail::Mixed(40)),
    ("pa-", Tail::Random(30)),
    ("m0-", Tail::Random(30)),
    ("AQVN", Tail::Random(20)),
    ("AKID", Tail::Mixed(24)),
    ("pat-na1-", Tail::Uuid),
    ("pat-eu1-", Tail::Uuid),
    ("pat-na2-", Tail::Uuid),
    ("rpa_", Tail::Mixed(24)),
    ("ABSK", Tail::Mixed(40)),
    ("fal_", Tail::Mixed(24)),
    ("cal_live_", Tail::Long),
    ("waka_", Tail::Uuid),
    ("nvapi-", Tail::Long),
    ("ATBB", Tail::Mixed(28)),
    ("op_", Tail::Mixed(32)),
    ("tskey-", Tail::Long),
    ("re_", Tail::Random(24)),
    ("rzp_live_", Tail::Mixed(10)),
    ("rzp_test_", Tail::Mixed(10)),
    ("CCIPRJ_", Tail::Long),
    ("wandb_v1_", Tail::Long),
    ("v1.0-", Tail::Mixed(20)),
    ("cr_", Tail::Mixed(40)),
    // Vault's old ones.
    ("s.", Tail::Word(24)),
    ("SCW", Tail::Word(17)),
];
