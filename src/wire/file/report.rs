//! What became of each field of an agent that moved here from another system.

use super::secrets;

/// The most lines of one agent's report.
const MAX_LINES: usize = 200;
/// The most characters of a path in it.
const MAX_PATH: usize = 128;

/// What became of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// A path in the source, such as `model_settings.temperature`.
    pub field: String,
    pub became: Became,
    /// For people.
    pub note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// It is in `config.imported` and does nothing yet.
    Kept,
    /// It is in this field.
    Mapped(String),
    Dropped,
    /// Dropped, and nothing is lost: it says what the file is, or what every account gives its own.
    Formal,
}

/// The report of one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub lines: Vec<Line>,
    /// How many lines there would be beyond those.
    pub more: usize,
}

impl Report {
    pub fn kept(&mut self, field: &str) {
        self.add(field, Became::Kept, None);
    }

    pub fn mapped(&mut self, field: &str, to: &str) {
        self.add(field, Became::Mapped(cut(to)), None);
    }

    pub fn mapped_with(&mut self, field: &str, to: &str, note: &str) {
        self.add(field, Became::Mapped(cut(to)), Some(note));
    }

    pub fn dropped(&mut self, field: &str, why: &str) {
        self.add(field, Became::Dropped, Some(why));
    }

    pub fn formal(&mut self, field: &str, why: &str) {
        self.add(field, Became::Formal, Some(why));
    }

    /// The line that the model became.
    pub fn model(&mut self, line: &str, note: Option<&str>) {
        let is_model = |line: &&mut Line| matches!(&line.became, Became::Mapped(to) if to == "model" || to.starts_with("model `"));
        match self.lines.iter_mut().find(is_model) {
            Some(found) => {
                found.became = Became::Mapped(format!("model `{line}`"));
                found.note = note.map(str::to_owned).or_else(|| found.note.take());
            }
            None => self.add("model", Became::Mapped(format!("model `{line}`")), note),
        }
    }

    /// The fields that do nothing here.
    pub fn losses(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| matches!(line.became, Became::Kept | Became::Dropped))
    }

    fn add(&mut self, field: &str, became: Became, note: Option<&str>) {
        if self.lines.len() == MAX_LINES {
            self.more += 1;
            return;
        }
        // What stands where a key should may be a secret, and that is for nobody to read.
        let field = secrets::without_keys(field).unwrap_or_else(|| field.to_owned());
        self.lines.push(Line { field: cut(&field), became, note: note.map(str::to_owned) });
    }

    /// Takes back what was said of a field: it is lost.
    pub fn lose(&mut self, field: &str, why: &str) {
        match self.lines.iter_mut().find(|line| line.field == field) {
            Some(line) => (line.became, line.note) = (Became::Dropped, Some(why.to_owned())),
            None => self.dropped(field, why),
        }
    }

    /// Says something of a field that has a line.
    pub fn note(&mut self, field: &str, note: &str) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.field == field) {
            line.note = Some(note.to_owned());
        }
    }
}

fn cut(path: &str) -> String {
    path.chars().take(MAX_PATH).collect()
}

impl Became {
    pub fn words(&self) -> String {
        match self {
            Self::Kept => "kept".to_owned(),
            Self::Mapped(to) => format!("mapped to {to}"),
            Self::Dropped | Self::Formal => "dropped".to_owned(),
        }
    }
}
