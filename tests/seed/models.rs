//! The models: figures that can be true, and rows that say what the file says.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use serde::Deserialize;

use retinue::domain::model::Capabilities;
use retinue::domain::model_line::{Item, ModelLine};
use retinue::domain::money::Nanos;
use retinue::domain::provider::ProviderName;

use crate::{schema, script};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    source: String,
    priced_on: String,
    models: Vec<Model>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    provider: String,
    code: String,
    input_usd_per_mtok: String,
    output_usd_per_mtok: String,
    cached_input_usd_per_mtok: Option<String>,
    cache_write_usd_per_mtok: Option<String>,
    audio_input_usd_per_mtok: Option<String>,
    long_context: Option<LongContext>,
    context_tokens: u64,
    max_output_tokens: u64,
    capabilities: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongContext {
    above_tokens: u64,
    input_usd_per_mtok: String,
    output_usd_per_mtok: String,
    cached_input_usd_per_mtok: Option<String>,
    cache_write_usd_per_mtok: Option<String>,
}

fn catalogue() -> Catalogue {
    serde_norway::from_str(&script::read("models.yaml")).unwrap()
}

/// Every model of the file, as `provider:code`, with its capabilities.
pub fn capabilities() -> BTreeMap<String, Vec<String>> {
    let models = catalogue().models.into_iter();
    models.map(|model| (format!("{}:{}", model.provider, model.code), model.capabilities)).collect()
}

fn price(usd: &str) -> i64 {
    Nanos::parse_usd(usd).unwrap_or_else(|error| panic!("{usd}: {error}")).to_i64()
}

/// The rows of the table as text, in order of the key.
fn rows(db: &Connection) -> Vec<String> {
    let columns =
        "provider || ' ' || code || ' ' || json_array(name, input_price, output_price, cached_input_price,
        cache_write_price, long_context_tokens, long_input_price, long_output_price, long_cached_input_price,
        long_cache_write_price, context_tokens, max_output_tokens, json(capabilities), priced_on, audio_input_price)";
    let mut statement =
        db.prepare(&format!("SELECT {columns} FROM catalogue ORDER BY provider, code")).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// The same text, made of the file.
fn expected(catalogue: &Catalogue) -> Vec<String> {
    let row = |model: &Model| {
        let optional = |usd: Option<&String>| usd.map(|usd| price(usd));
        let long = model.long_context.as_ref();
        let figures = serde_json::json!([
            null,
            price(&model.input_usd_per_mtok),
            price(&model.output_usd_per_mtok),
            optional(model.cached_input_usd_per_mtok.as_ref()),
            optional(model.cache_write_usd_per_mtok.as_ref()),
            long.map(|long| long.above_tokens),
            long.map(|long| price(&long.input_usd_per_mtok)),
            long.map(|long| price(&long.output_usd_per_mtok)),
            optional(long.and_then(|long| long.cached_input_usd_per_mtok.as_ref())),
            optional(long.and_then(|long| long.cache_write_usd_per_mtok.as_ref())),
            model.context_tokens,
            model.max_output_tokens,
            model.capabilities,
            catalogue.priced_on,
            optional(model.audio_input_usd_per_mtok.as_ref()),
        ]);
        format!("{} {} {figures}", model.provider, model.code)
    };
    catalogue.models.iter().map(row).collect()
}

#[test]
fn the_catalogue_has_the_providers_it_promises_and_no_model_twice() {
    let catalogue = catalogue();
    assert!(catalogue.source.starts_with("litellm "), "{}", catalogue.source);
    let keys: Vec<_> = catalogue.models.iter().map(|model| (&model.provider, &model.code)).collect();
    assert!(keys.is_sorted_by(|a, b| a < b), "sorted, each once");
    let providers: BTreeSet<_> = catalogue.models.iter().map(|model| model.provider.as_str()).collect();
    assert!(providers.is_superset(&BTreeSet::from(["openai", "anthropic", "gemini", "workers-ai"])));
    for provider in providers {
        let name = ProviderName::parse(provider).unwrap();
        assert_eq!(name.as_str(), provider);
        assert!(name.well_known().is_some(), "{provider} can be reached");
    }
}

#[test]
fn every_price_is_positive_and_caches_are_priced_on_their_side_of_input() {
    for model in catalogue().models {
        let base = [&model.input_usd_per_mtok, &model.output_usd_per_mtok].map(|usd| price(usd));
        // The dearest model known is below a thousand dollars; more is a slip of the decimal point.
        // What a model for embeddings writes is no tokens.
        let least = i64::from(!is_for_embeddings(&model));
        assert!((1..1_000_000_000_000).contains(&base[0]), "{}", model.code);
        assert!((least..1_000_000_000_000).contains(&base[1]), "{}", model.code);
        assert!(
            model.audio_input_usd_per_mtok.as_ref().is_none_or(|usd| price(usd) > base[0]),
            "{}",
            model.code
        );
        check_caches(&model.code, base[0], &model.cached_input_usd_per_mtok, &model.cache_write_usd_per_mtok);
        let Some(long) = model.long_context else { continue };
        let dearer = [&long.input_usd_per_mtok, &long.output_usd_per_mtok].map(|usd| price(usd));
        assert!(dearer[0] >= base[0] && dearer[1] >= base[1], "{}", model.code);
        assert!((1..model.context_tokens).contains(&long.above_tokens), "{}", model.code);
        assert_eq!(long.cached_input_usd_per_mtok.is_some(), model.cached_input_usd_per_mtok.is_some());
        assert_eq!(long.cache_write_usd_per_mtok.is_some(), model.cache_write_usd_per_mtok.is_some());
        check_caches(&model.code, dearer[0], &long.cached_input_usd_per_mtok, &long.cache_write_usd_per_mtok);
    }
}

fn is_for_embeddings(model: &Model) -> bool {
    model.capabilities == ["embeddings"]
}

fn check_caches(code: &str, input: i64, read: &Option<String>, write: &Option<String>) {
    assert!(read.as_ref().is_none_or(|usd| (1..=input).contains(&price(usd))), "{code}");
    assert!(write.as_ref().is_none_or(|usd| price(usd) >= input), "{code}");
}

#[test]
fn limits_and_capabilities_are_those_a_model_can_have() {
    for model in catalogue().models {
        assert!((1_024..=10_000_000).contains(&model.context_tokens), "{}", model.code);
        let least = if is_for_embeddings(&model) { 1 } else { 1_024 };
        assert!((least..=model.context_tokens).contains(&model.max_output_tokens), "{}", model.code);
        assert!(model.capabilities.is_sorted_by(|a, b| a < b), "{}", model.code);
        let known = Capabilities::try_from(model.capabilities);
        assert!(known.is_ok(), "{}: {known:?}", model.code);
    }
}

#[test]
fn every_model_can_be_written_in_a_model_line() {
    for model in catalogue().models {
        let line = ModelLine::parse(&format!("{}:{}", model.provider, model.code)).unwrap();
        let [Item::Model(entry)] = line.items.as_slice() else { panic!("{line:?}") };
        assert_eq!((entry.provider.as_str(), &entry.code), (model.provider.as_str(), &model.code));
    }
}

#[test]
fn the_table_says_what_the_file_says() {
    let db = schema::migrated();
    db.execute_batch(&script::sql()).unwrap();
    assert_eq!(rows(&db), expected(&catalogue()));
}

#[test]
fn changed_rows_are_mended_and_foreign_ones_retired() {
    let db = schema::migrated();
    let sql = script::sql();
    db.execute_batch(&sql).unwrap();
    let before = db.total_changes();
    let spoil =
        "UPDATE catalogue SET output_price = 1, cached_input_price = NULL WHERE code = 'gpt-4.1-mini';
        INSERT INTO catalogue (provider, code, input_price, output_price, context_tokens, max_output_tokens,
            capabilities, priced_on) VALUES ('openai', 'retired', 1, 1, 1, 1, '[]', '2020-01-01');";
    db.execute_batch(spoil).unwrap();
    db.execute_batch(&sql).unwrap();
    let of_the_file = |row: &&String| !row.contains("retired");
    let now: Vec<String> = rows(&db).iter().filter(of_the_file).cloned().collect();
    assert_eq!(now, expected(&catalogue()));
    let retired: (String, i64) = db
        .query_row("SELECT capabilities, input_price FROM catalogue WHERE code = 'retired'", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(retired, ("[\"retired\"]".to_owned(), 1), "lines may name it: it keeps its last price");
    assert_eq!(db.total_changes() - before, 4, "two to spoil, two to mend");
}
