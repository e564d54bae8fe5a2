use super::*;

#[test]
fn secrets_are_known_by_their_looks() {
    let made = |start: &str| format!("{start}{}", "a1b2".repeat(8));
    let mut texts = vec![
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----".to_owned(),
        "-----BEGIN RSA PRIVATE KEY-----\\nMIIE".to_owned(),
        "-----BEGIN PGP PRIVATE KEY BLOCK-----".to_owned(),
        "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t".to_owned(),
        "Basic dXNlcjpwYXNzd29yZA==".to_owned(),
        "curl -H 'Authorization: Basic dXNlcjpwYXNzd29yZA' https://a.example".to_owned(),
        "https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXX".to_owned(),
        "post to https://discord.com/api/webhooks/123/abcDEF please".to_owned(),
        "https://acme.webhook.office.com/webhookb2/0f-1@2/IncomingWebhook/3/4".to_owned(),
        "https://x.logic.azure.com/workflows/1/triggers/manual?sp=a&sig=abcdefghijklmnopqrstuvwxyz"
            .to_owned(),
        "curl -u admin:hunter2 https://a.example".to_owned(),
        "root:hunter2@tcp(127.0.0.1:3306)/shop".to_owned(),
        format!("123456789:{}", "A".repeat(35)),
    ];
    texts.extend(["SG.", "npm_", "whsec_", "lsv2_", "xoxp-", "GOCSPX-"].map(made));
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----\n";
    for before in ["", certificate, &format!("{certificate}\n"), &format!("{certificate}\r\n")] {
        for kind in ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "] {
            let encoded = STANDARD.encode(format!("{before}-----BEGIN {kind}PRIVATE KEY-----\nMIIE"));
            let (first, rest) = encoded.split_at(encoded.len() / 2);
            texts.extend([format!("{first}\n  {rest}"), encoded]);
        }
    }
    for text in texts {
        assert!(has(&text), "{text}");
    }
}

#[test]
fn what_only_speaks_of_secrets_stays() {
    for text in [
        "Use Basic authentication: it is base64.",
        "basic skills: reading",
        "-----BEGIN CERTIFICATE-----\nMIIE",
        "-----BEGIN PUBLIC KEY-----\nMIIE",
        "Ask for the private key, and never print it.",
        "https://hooks.slack.com/services/${SLACK_HOOK}",
        "https://hooks.slack.com/services/<id>",
        "https://discord.com/developers/docs/resources/webhook",
        "Mention npm_config and whsec_ in the answer; run npm_lifecycle_event_of_the_package",
        "curl -u $USER:$PASS https://a.example",
        "curl --user <user>:<password> https://a.example",
        "user:${DB_PASS}@tcp(db:3306)/shop",
        "At 12:30 the ship leaves; 1234:5678",
        "https://a.example/?q=signature&signed=1",
    ] {
        assert!(!has(text), "{text}");
        assert!(!has(&STANDARD.encode(text)), "{text} in base64");
    }
}

fn hex(length: usize) -> String {
    "0123456789abcdef".repeat(5)[..length].to_owned()
}

fn mixed(length: usize) -> String {
    "a1B2c3D4e5F6g7H8".repeat(8)[..length].to_owned()
}

/// Each with how it would stand in a text, a setting and a list of them.
#[test]
fn tokens_of_services_are_known_by_how_they_begin_and_go_on() {
    let mut tokens: Vec<String> =
        ["fm2_", "dp.pt.", "dp.st.", "hvb.", "glsa_", "NRAK-", "sntryu_", "lin_oauth_", "glrt-"]
            .map(|start| format!("{start}{}", mixed(32)))
            .into();
    tokens.extend(["dapi", "key-", "fc-", "SK"].map(|start| format!("{start}{}", hex(32))));
    tokens.extend(["pul-", "squ_", "bkua_"].map(|start| format!("{start}{}", hex(40))));
    tokens.extend([
        format!("dapi{}-2", hex(32)),
        format!("SK{}", hex(32).to_uppercase()),
        format!("EAAC{}", mixed(120)),
        format!("pat{}.{}", mixed(14), hex(64)),
        format!("secret_{}", mixed(43)),
        format!("tk_{}", mixed(29)),
    ]);
    tokens.extend(
        [
            "sb_secret_",
            "glc_",
            "vcp_",
            "napi_",
            "HRKU-",
            "CCIPAT_",
            "EZAK",
            "FLWSECK-",
            "AKCp",
            "tfp_",
            "rdme_",
            "CLOJARS_",
            "oy2",
            "AKID",
        ]
        .map(|start| format!("{start}{}", mixed(60))),
    );
    let random = format!("{}_{}-{}", mixed(9), mixed(20), mixed(12));
    tokens.extend(
        ["pa-", "m0-", "AQVN", "sl.", "fio-u-", "xoxe.xoxp-"].map(|start| format!("{start}{random}")),
    );
    tokens.extend([
        format!("{}.atlasv1.{}", mixed(14), mixed(60)),
        format!("MTIzNDU2Nzg5MDEyMzQ1Njc4.Q79ve6.{}", mixed(38)),
        format!("{}AZDO{}", mixed(76), mixed(4)),
        format!("{}-us12", hex(32)),
        format!("1/1234567890123:{}", hex(32)),
        "pat-na1-0f8fad5b-d9cb-469f-a165-70867728950e".to_owned(),
    ]);
    for token in tokens {
        for text in [
            token.clone(),
            format!("It is {token}."),
            format!("KEY={token}"),
            format!("a:{token}"),
            format!("({token}) and more"),
            format!("\"{token}\","),
        ] {
            assert!(has(&text), "{text}");
        }
    }
}

#[test]
fn addresses_that_let_anyone_write_are_known() {
    let uuid = "0f8fad5b-d9cb-469f-a165-70867728950e";
    for address in [
        "https://hooks.slack-gov.com/services/T000/B000/XXXXXXXXXXXX".to_owned(),
        "https://hooks.slack-gov.com/workflows/T000/A000/1/XXXXXXXXXXXX".to_owned(),
        format!("https://chat.example.com/hooks/{}", &"9xk3ab7qwz5".repeat(3)[..26]),
        format!("http://10.0.0.7:8065/hooks/{}", &"9xk3ab7qwz5".repeat(3)[..26]),
        format!("https://hook.eu1.make.com/{}", mixed(32)),
        format!("https://hook.us2.make.com/{}", mixed(32)),
        format!("https://hook.eu1.make.celonis.com/{}", mixed(32)),
        format!("https://hook.integromat.com/{}", mixed(32)),
        format!("https://n8n.example.com/webhook/{uuid}"),
        format!("http://localhost:5678/webhook-test/{uuid}"),
        "https://acme.app.n8n.cloud/webhook/new-order".to_owned(),
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0f8fad5b-d9cb-469f".to_owned(),
        "https://hooks.airtable.com/workflows/v1/genericWebhook/app1/wfl2/wtr3".to_owned(),
    ] {
        for text in [address.clone(), format!("Post to {address}, please."), format!("(\"{address}\")")] {
            assert!(has(&text), "{text}");
        }
    }
}

#[test]
fn users_and_passwords_of_commands_and_files_are_known() {
    for text in [
        "curl -uadmin:hunter2 https://a.example",
        "curl -u'admin:hunter2' https://a.example",
        "curl -u \"admin:hunter 2\" https://a.example",
        "curl -sSu admin:hunter2 https://a.example",
        "curl --user=admin:hunter2 https://a.example",
        "curl --user='admin:hunter2' https://a.example",
        "curl -x proxy:80 -U me:hunter2 https://a.example",
        "curl --proxy-user me:hunter2 https://a.example",
        "http --auth me:hunter2 https://a.example",
        "-uadmin:hunter2",
        "--user=admin:hunter2",
        "curl -u admin:12345678 https://a.example",
        "machine a.example login me password hunter2",
        "machine a.example\n  login me\n  password hunter2\nmachine b.example",
        "machine a.example password hunter2 login me",
        "default login me account x password hunter2",
        "me:$apr1$1aB2cD3e$0123456789abcdefghijkl",
        "me:$2y$05$0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefg",
        "root:$6$rounds=5000$salt1234$0123456789abcdefghijklmnopqrstuvwxyz:19000:0:99999:7:::",
        "$6$salt1234$0123456789abcdefghijklmnopqrstuvwxyz",
        "a list:\nme:{SHA}0123456789abcdefghijklmnop=\n",
    ] {
        assert!(has(text), "{text}");
    }
}

#[test]
fn ordinary_texts_hashes_and_options_stay() {
    let sha = hex(40);
    for text in [
        &sha,
        &hex(32),
        &hex(64),
        &format!("Fixed in {sha}; see key-{sha}"),
        &format!("etag: \"{}\", sha256:{}", hex(32), hex(64)),
        &format!("https://a.example/commit/{sha}"),
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "https://a.example/hooks/useEffect and /hooks/use-state",
        "https://a.example/webhook/new-order",
        "Register /webhook/0f8fad5b-d9cb-469f-a165-70867728950e on your host",
        "https://www.make.com/en/help/tools/webhooks",
        "https://hook.eu1.make.com/<id>",
        "https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/",
        "key-value store, fc-portugal, SK Telecom, SKU1234567890123456789012345678",
        "dapitest, patch.2024.1, pattern_matching.of.words, tk_window_geometry_manager_2",
        "secret_santa_2024, secret_name_of_the_first_of_the_43_that_there_are",
        "EAAT is a time zone; EAACH",
        "docker run -u 1000:1000 image",
        "docker run --user=1000:1000 image",
        "wget -u https://a.example/x",
        "java -url:jdbc -utf8 x",
        "sort -u names.txt",
        "curl -u $USER:$PASS https://a.example",
        "curl -u'<user>:<password>' https://a.example",
        "curl --user={{user}}:{{password}} https://a.example",
        "This machine needs a login and password protection.",
        "the machine and password policies; default password rules",
        "machine a.example login me password $PASSWORD",
        "$1 and $2: s/(a)(b)/$1$2/; costs $5$ or $6",
        "me:{SHA}, {SSHA}",
        "https://a.example:8080/a:b",
    ] {
        assert!(!has(text), "{text}");
    }
}
