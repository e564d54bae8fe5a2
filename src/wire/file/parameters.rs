//! Sampling parameters of an agent, in its model line.

/// Names of the model line, and values.
pub type Parameters = Vec<(&'static str, String)>;

/// The line with these parameters for each model that does not set them itself.
pub fn with_parameters(line: &str, set: &[(&str, String)]) -> String {
    let with = |item: &str| {
        let mut item = item.trim().to_owned();
        for (name, value) in set {
            let query = item.split_once('?').map(|(_, query)| query);
            let is_set = |pair: &str| pair.split('=').next() == Some(name);
            if !query.is_some_and(|query| query.split('&').any(is_set)) {
                let sign = if query.is_some() { '&' } else { '?' };
                item = format!("{item}{sign}{name}={value}");
            }
        }
        item
    };
    line.split(',').map(with).collect::<Vec<_>>().join(", ")
}

/// Whether every model of the line sets the parameter itself, and not to this value.
pub fn is_said_otherwise(line: &str, name: &str, value: &str) -> bool {
    line.split(',').all(|item| {
        let pairs = item.split_once('?').map_or("", |(_, query)| query).split('&');
        let said = pairs.filter_map(|pair| pair.split_once('=')).find(|(own, _)| *own == name);
        said.is_some_and(|(_, said)| said != value)
    })
}
