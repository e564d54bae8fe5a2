//! The templates: each would be saved as an agent just as it is, and the table holds them word for word.

use std::collections::BTreeSet;
use std::fs;

use retinue::domain::agent::{Fields, Known};
use retinue::domain::model_line::{Item, ModelLine};
use retinue::domain::slug::Slug;
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::Value;

use crate::{models, schema, script};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    slug: Slug,
    name: String,
    description: String,
    #[serde(default)]
    deprecated: bool,
    definition: Value,
}

fn templates() -> Vec<Template> {
    let mut paths: Vec<_> =
        fs::read_dir(script::folder().join("templates")).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let read = |path| serde_norway::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    paths.into_iter().map(read).collect()
}

#[test]
fn every_built_in_type_and_every_system_role_has_a_template() {
    let slugs: BTreeSet<_> = templates().iter().map(|template| template.slug.to_string()).collect();
    for wanted in [
        "simple-chat",
        "sales",
        "simple-research",
        "deep-research",
        "digital-expert",
        "router",
        "task-execution",
        "result-reporting",
        "intent-recognition",
    ] {
        assert!(slugs.contains(wanted), "{wanted}");
    }
    for template in templates().iter().filter(|template| template.slug.as_str() != "intent-recognition") {
        assert_eq!(template.definition["type"], template.slug.as_str());
    }
}

#[test]
fn every_template_passes_the_checks_of_a_save() {
    for template in templates() {
        // Neither aliases nor variables of its own: it must do for every account.
        let known = Known {
            alias: &|_| None,
            variable: &|_| false,
            webhook: &|_| false,
            loopback: retinue::domain::outbound::Loopback::Refused,
        };
        let fields: Fields = serde_json::from_value(template.definition).unwrap();
        let draft = fields.understand();
        assert!(draft.faults.is_empty(), "{}: {:?}", template.slug, draft.faults);
        let checked = draft.definition.check(None, &known);
        assert!(checked.is_ok(), "{}: {checked:?}", template.slug);
    }
}

#[test]
fn every_template_falls_back_to_another_provider_and_its_models_can_use_its_tools() {
    let models = models::capabilities();
    for template in templates() {
        let line = ModelLine::parse(template.definition["model"].as_str().unwrap()).unwrap();
        let mut providers = BTreeSet::new();
        for item in line.items {
            let Item::Model(entry) = item else { panic!("{}: an alias", template.slug) };
            let capabilities = &models[&format!("{}:{}", entry.provider, entry.code)];
            providers.insert(entry.provider);
            assert!(capabilities.contains(&"streaming".to_owned()), "{}: {}", template.slug, entry.code);
            assert!(capabilities.contains(&"tools".to_owned()), "{}: {}", template.slug, entry.code);
        }
        assert!(providers.len() >= 2, "{}: {providers:?}", template.slug);
    }
}

/// slug, name, description, definition, `is_deprecated`, `updated_at`.
type Row = (String, String, String, Value, bool, i64);

fn rows(db: &Connection) -> Vec<Row> {
    let sql = "SELECT slug, name, description, definition, is_deprecated, updated_at FROM platform_templates ORDER BY 1";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        let definition: String = row.get(3)?;
        let definition = serde_json::from_str(&definition).unwrap();
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, definition, row.get(4)?, row.get(5)?))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn the_table_says_what_the_files_say() {
    let db = schema::migrated();
    db.execute_batch(&script::sql()).unwrap();
    let rows = rows(&db);
    assert_eq!(rows.len(), templates().len());
    for (row, template) in rows.iter().zip(templates()) {
        let (slug, name, description, definition, deprecated, updated_at) = row;
        assert_eq!(
            (slug.as_str(), name, description),
            (template.slug.as_str(), &template.name, &template.description)
        );
        assert_eq!((definition, deprecated), (&template.definition, &template.deprecated));
        assert!((1_790_000_000_000..1 << 53).contains(updated_at), "milliseconds: {updated_at}");
    }
}

#[test]
fn a_templates_time_moves_only_when_it_changes_and_a_foreign_one_goes() {
    let db = schema::migrated();
    let sql = script::sql();
    db.execute_batch(&sql).unwrap();
    let spoil = "UPDATE platform_templates SET updated_at = 1;
        UPDATE platform_templates SET name = 'Other' WHERE slug = 'sales';
        INSERT INTO platform_templates (slug, name, definition, updated_at) VALUES ('retired', 'R', '{}', 1);";
    db.execute_batch(spoil).unwrap();
    db.execute_batch(&sql).unwrap();
    for (slug, name, _, _, _, updated_at) in rows(&db) {
        assert_ne!(slug, "retired");
        assert_eq!(updated_at != 1, slug == "sales", "{slug}");
        assert_ne!(name, "Other");
    }
}
