//! What an agent's slug may be.

use crate::domain::slug::Slug;

/// What stands where an agent's slug does in the paths of the API.
const TAKEN_BY_PATHS: [&str; 3] = ["export", "import", "validate"];

/// A slug that can name an agent.
///
/// # Errors
/// Why it cannot.
pub fn parse_slug(text: &str) -> Result<Slug, String> {
    let slug = Slug::parse(text).map_err(|invalid| invalid.to_string())?;
    if can_be_slug(&slug) {
        Ok(slug)
    } else {
        Err(format!("`{slug}` is a word of this API's paths: choose another"))
    }
}

/// The slug of a name without a letter that ASCII has.
const NAMELESS: &str = "agent";

/// The slug that is made of an agent's name. Where another agent or a path of the API has it, it is numbered.
pub fn made_slug(name: &str) -> Option<Slug> {
    Slug::from_name(name).or_else(|| Slug::parse(NAMELESS).ok())
}

/// Whether no path of the API has this word where an agent's slug stands.
pub fn can_be_slug(slug: &Slug) -> bool {
    !TAKEN_BY_PATHS.contains(&slug.as_str())
}
