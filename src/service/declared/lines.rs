//! Who names a model or an alias: what would be left without it.

use crate::domain::model_line::ModelLine;
use crate::ports::{AgentList, Aliases, World};
use crate::service::failure::Failure;

use super::kind::Context;

/// The account's agents in use, templates and aliases whose line is one of these, and the account itself where its default model
/// is; in words. `text` stands in each such line.
///
/// # Errors
/// [`Failure`].
pub async fn lines_naming<W: World>(
    cx: &Context<'_, W>,
    text: &str,
    names_it: impl Fn(&ModelLine) -> bool,
) -> Result<Vec<String>, Failure> {
    let tenant = cx.tenant()?;
    let does = |line: &str| ModelLine::parse(line).is_ok_and(|line| names_it(&line));
    let default = cx.session()?.account.default_model().filter(|line| does(line));
    let mut found: Vec<String> =
        default.map(|_| "the account's default_model".to_owned()).into_iter().collect();
    let aliases = Aliases::aliases(&tenant).await?;
    found.extend(
        aliases.iter().filter(|alias| does(&alias.line)).map(|alias| format!("alias {}", alias.name)),
    );
    let named = tenant.named_in_lines(text).await?;
    found.extend(named.into_iter().filter(|(_, line)| does(line)).map(|(name, _)| name));
    Ok(found)
}
