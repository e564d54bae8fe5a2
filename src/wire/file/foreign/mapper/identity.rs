//! What an agent is called and what it is.

use serde_json::Value;

use crate::domain::agent::{Status, spelling};
use crate::domain::slug::Slug;
use crate::wire::file::park;

use super::super::rule::To;
use super::super::{Origin, value};
use super::Mapper;

const MAX_DESCRIPTION: usize = 2_000;
const STATUSES: &str = "draft, published, active, inactive, deprecated";

impl Mapper {
    pub(super) fn name(&mut self, path: &str, value: &Value) {
        let Some(name) = value::text(value) else { return self.errors.add(path, "must be a text") };
        if park::is_secret_name(path, &name, &mut self.report) {
            return;
        }
        self.keys.push(name.clone());
        if self.fields.name.is_some() && self.named {
            return self.park(path, value.clone());
        }
        let Some(name) = value::line(&name) else { return self.report.dropped(path, "it is empty") };
        self.fields.name = Some(name);
        self.named = true;
        self.report.mapped(path, "name");
    }

    pub(super) fn slug(&mut self, path: &str, value: &Value) {
        let Some(text) = value::text(value) else { return self.errors.add(path, "must be a text") };
        if park::is_secret_name(path, &text, &mut self.report) {
            return;
        }
        // One that loses signs is nobody's alone: `C++` and `C#` are two.
        let is_whole = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.'));
        match Slug::from_name(&text) {
            Some(_) if self.fields.slug.is_some() || !is_whole => self.park(path, value.clone()),
            Some(slug) => {
                self.fields.slug = Some(slug.to_string());
                self.report.mapped(path, "slug");
            }
            None => self.report.dropped(path, "no slug can be made of it"),
        }
        if self.fields.name.is_none() {
            self.fields.name = value::line(&text);
        }
        self.keys.push(text);
    }

    pub(super) fn origin(&mut self, path: &str, to: To, value: Value) {
        let text = value.as_str().filter(|text| !text.is_empty() && !value::is_reference(text));
        if let Some(text) = text.filter(|_| self.origin.is_none()) {
            let label = self.team.take().filter(|_| matches!(to, To::Team));
            self.origin = Some(Origin { path: path.to_owned(), value: text.to_owned(), label });
        }
        if matches!(to, To::Id) {
            self.keys.extend(value::text(&value));
        }
        self.park(path, value);
    }

    pub(super) fn kind(&mut self, path: &str, value: Value) {
        match value.as_str().and_then(Slug::from_name) {
            Some(kind) if self.fields.kind.as_ref().is_some_and(|there| there != kind.as_str()) => {
                self.park(path, value);
            }
            Some(kind) => {
                self.fields.kind = Some(kind.to_string());
                self.report.mapped(path, "type");
            }
            None => self.park(path, value),
        }
    }

    pub(super) fn status(&mut self, path: &str, value: &Value) {
        match value.as_str().and_then(|word| Status::parse(&spelling::status(word))) {
            Some(status) => {
                self.fields.status = Some(status);
                self.report.mapped(path, "status");
            }
            None => self.errors.add(path, format!("`{value:.64}` is no status: write one of {STATUSES}")),
        }
    }

    pub(super) fn is_active(&mut self, path: &str, value: Value) {
        match value::truth(&value) {
            Some(is_active) => {
                if !is_active {
                    self.fields.status = Some(Status::Inactive);
                }
                self.report.mapped(path, "status");
            }
            None => self.park(path, value),
        }
    }

    pub(super) fn description(&mut self, path: &str, value: &Value) {
        let Some(text) =
            value::text(value).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        else {
            return;
        };
        if self.fields.description.is_some() {
            return self.park(path, text.into());
        }
        let cut: String = text.chars().take(MAX_DESCRIPTION).collect();
        if cut.len() < text.len() {
            self.report.mapped_with(path, "description", "its first 2,000 characters; all of it is kept too");
            self.park(path, text.into());
        } else {
            self.report.mapped(path, "description");
        }
        self.fields.description = Some(cut);
    }
}
