//! Who may call: keys, tenants, accounts.

use axum::http::Method;
use serde_json::json;

use crate::ask::Face;
use crate::stage::Stage;
use crate::support::OPERATOR;

/// A key of the right form, in which one letter is another.
fn mistyped(key: &str) -> String {
    let last = if key.ends_with('A') { 'B' } else { 'A' };
    format!("{}{last}", &key[..key.len() - 1])
}

#[tokio::test]
async fn without_a_good_key_every_face_answers_401_and_says_which_way() {
    let stage = Stage::new().await;
    let mistyped = mistyped(&stage.acme.caller);
    for face in Face::ALL {
        let ask = || stage.ask(face, "triage");
        for (ask, words) in [
            (ask().anonymous(), "Authorization: Bearer"),
            (ask().key(&mistyped), "mistyped"),
            (ask().key("sk-some-other-service"), "mistyped"),
            (ask().key(""), "Authorization: Bearer"),
            (ask().anonymous().header("x-api-key", &mistyped), "mistyped"),
            (ask().anonymous().header("authorization", "Basic dTpw"), "Authorization: Bearer"),
            (ask().key(OPERATOR), "the operator's key"),
        ] {
            let reply = ask.send().await;
            reply.assert_refusal(401, "unauthenticated");
            assert!(reply.words().contains(words), "{face:?}: {}", reply.words());
            assert!(reply.header("www-authenticate").starts_with("Bearer"));
        }
    }
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn a_key_is_taken_from_either_header() {
    let stage = Stage::new().await;
    for face in Face::ALL {
        stage.then(face.served((10, 5))).then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "triage").send().await.status, 200);
        let key = stage.acme.caller.clone();
        let reply = stage.ask(face, "triage").anonymous().header("x-api-key", &key).send().await;
        assert_eq!(reply.status, 200);
    }
}

#[tokio::test]
async fn a_key_of_any_role_may_call() {
    let stage = Stage::new().await;
    for key in [&stage.acme.admin, &stage.acme.member, &stage.acme.caller] {
        stage.then(Face::Chat.served((10, 5)));
        stage.ask(Face::Chat, "triage").key(key).send().await.ok();
    }
    assert_eq!(stage.books("triage").await.ledger.len(), 3);
}

#[tokio::test]
async fn an_expired_key_is_refused_even_where_it_was_just_good() {
    let stage = Stage::new().await;
    let soon = json!({"name": "soon", "role": "caller", "expires_at": "2026-11-21T12:01:00Z"});
    let key = stage.api.issue("acme", &soon).await;
    stage.then(Face::Chat.served((10, 5)));
    stage.ask(Face::Chat, "triage").key(&key).send().await.ok();
    stage.api.world.clock().advance(60_000);
    for face in Face::ALL {
        stage.ask(face, "triage").key(&key).send().await.assert_refusal(401, "unauthenticated");
        let cold = stage.elsewhere();
        cold.ask(face, "triage").key(&key).send().await.assert_refusal(401, "unauthenticated");
    }
    assert_eq!(stage.books("triage").await.ledger.len(), 1);
}

#[tokio::test]
async fn another_accounts_agent_is_not_there_rather_than_forbidden() {
    let stage = Stage::new().await;
    let globex = stage.api.tenant("globex").await;
    let theirs = stage.api.agent(&globex, &json!({"slug": "secret-plan"})).await;
    let id = theirs["id"].as_str().unwrap();
    for face in Face::ALL {
        let at = |account: &str, agent: &str| {
            stage.ask(face, agent).path(&format!("/accounts/{account}/agents/{agent}/{}", face.path()))
        };
        for (account, agent) in [
            ("globex", "secret-plan"),
            ("globex", id),
            ("globex", "no-such-agent"),
            (&globex.id.to_string(), "secret-plan"),
            ("acme", "secret-plan"),
            ("acme", id),
            ("acme", "no-such-agent"),
            ("acme", "Not_A_Slug"),
            ("acme", "%00"),
            ("acme", "triage%2F..%2Fother"),
            ("no-such-account", "triage"),
            ("Not_An_Account", "triage"),
            ("00000000-0000-7000-8000-000000000000", "triage"),
        ] {
            let reply = at(account, agent).send().await;
            reply.assert_refusal(404, "not_found");
            assert_eq!(reply.words(), "There is no such agent here.", "{account} {agent}");
        }
        let stranger = at("globex", "secret-plan").anonymous().send().await;
        stranger.assert_refusal(401, "unauthenticated");
        let nowhere = at("no-such-account", "triage").anonymous().send().await;
        assert_eq!(stranger.text(), nowhere.text(), "a stranger learns nothing of who is here");
    }
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn another_accounts_key_finds_nothing_here() {
    let stage = Stage::new().await;
    let globex = stage.api.tenant("globex").await;
    for face in Face::ALL {
        for agent in ["triage", "no-such-agent"] {
            for key in [&globex.admin, &globex.caller] {
                stage.ask(face, agent).key(key).send().await.assert_refusal(404, "not_found");
            }
        }
    }
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn a_key_confined_to_other_agents_is_403() {
    let stage = Stage::new().await;
    stage.agent("other", &json!({})).await;
    let key = stage.api.issue("acme", &json!({"name": "one", "role": "caller", "agents": ["other"]})).await;
    for face in Face::ALL {
        stage.ask(face, "triage").key(&key).send().await.assert_refusal(403, "forbidden");
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "other").key(&key).send().await.status, 200);
        stage.take_asked();
    }
    let models = stage.request(Method::GET, "/accounts/acme/agents/triage/v1/models").key(&key);
    models.send().await.assert_refusal(403, "forbidden");
    stage.assert_untouched("triage").await;
}

#[tokio::test]
async fn a_suspended_account_serves_nobody() {
    let stage = Stage::new().await;
    stage.agent("open", &json!({"access": "public"})).await;
    let sql = "UPDATE accounts SET status = 'suspended'";
    stage.api.world.database().with(|db| db.execute(sql, []).unwrap());
    for face in Face::ALL {
        stage.ask(face, "triage").send().await.assert_refusal(403, "forbidden");
        stage.ask(face, "open").anonymous().send().await.assert_refusal(403, "forbidden");
    }
    stage.assert_untouched("triage").await;
    stage.assert_untouched("open").await;
}

#[tokio::test]
async fn a_public_agent_answers_anyone_and_its_budget_pays() {
    let stage = Stage::new().await;
    stage.agent("open", &json!({"access": "public"})).await;
    for face in Face::ALL {
        stage.then(face.served((10, 5)));
        assert_eq!(stage.ask(face, "open").anonymous().send().await.status, 200);
    }
    let books = stage.books("open").await;
    assert_eq!((books.ledger.len(), books.settled), (4, 4 * (10 * 1_000 + 5 * 2_000)));
    assert!(books.ledger.iter().all(|row| row.json["key"].is_null()));
}

#[tokio::test]
async fn a_bad_key_at_a_public_agent_is_no_key_at_all() {
    let stage = Stage::new().await;
    stage.agent("open", &json!({"access": "public"})).await;
    let globex = stage.api.tenant("globex").await;
    for key in ["sk-of-another-service".to_owned(), mistyped(&stage.acme.caller), globex.caller] {
        for face in Face::ALL {
            stage.then(face.served((10, 5)));
            assert_eq!(stage.ask(face, "open").key(&key).send().await.status, 200);
        }
    }
    let books = stage.books("open").await;
    assert_eq!(books.ledger.len(), 12);
    assert!(books.ledger.iter().all(|row| row.json["key"].is_null()));
}

#[tokio::test]
async fn the_default_account_is_called_by_the_short_path() {
    let stage = Stage::new().await;
    for face in Face::ALL {
        stage.then(face.served((10, 5)));
        let short = format!("/agents/triage/{}", face.path());
        assert_eq!(stage.ask(face, "triage").path(&short).send().await.status, 200);
        let unknown = format!("/agents/no-such-agent/{}", face.path());
        stage.ask(face, "triage").path(&unknown).send().await.assert_refusal(404, "not_found");
    }
    assert_eq!(stage.books("triage").await.ledger.len(), 4);
}

#[tokio::test]
async fn an_archived_agent_is_gone_from_the_next_call() {
    let stage = Stage::new().await;
    stage.then(Face::Chat.served((10, 5)));
    stage.ask(Face::Chat, "triage").send().await.ok();
    stage.api.delete("/api/v1/agents/triage").key(&stage.acme.admin).send().await.no_content();
    for face in Face::ALL {
        stage.ask(face, "triage").send().await.assert_refusal(410, "agent_archived");
    }
    assert_eq!(stage.take_asked().len(), 1);
}

#[tokio::test]
async fn a_key_without_the_scope_of_calls_calls_nothing_from_memory_or_not() {
    let stage = Stage::new().await;
    stage.agent("open", &json!({"access": "public"})).await;
    let reader = json!({"name": "reader", "role": "member", "scopes": ["agents:read"]});
    let reader = stage.api.issue("acme", &reader).await;
    let caller = json!({"name": "caller", "role": "member", "scopes": ["calls"]});
    let caller = stage.api.issue("acme", &caller).await;
    for face in Face::ALL {
        for agent in ["triage", "open"] {
            let refused = stage.ask(face, agent).key(&reader).send().await;
            refused.assert_refusal(403, "forbidden");
            assert!(refused.words().contains("scope `calls`"), "{}", refused.words());
            stage.then(face.served((10, 5)));
            assert_eq!(stage.ask(face, agent).key(&caller).send().await.status, 200);
        }
    }
}
