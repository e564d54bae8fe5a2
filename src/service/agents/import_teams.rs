//! Which teams of the account those of a file are that share their label.
//!
//! AutoGen's teams have no ids, and many have one label. They are kept with a number behind it, in the order of their file.
//! When they come again, in whatever order, what their members are told shows which is which; where it does not, their order
//! counts, and the report says so.

use std::collections::{BTreeMap, BTreeSet};

use crate::wire::file::foreign::{number_of, numbered};
use crate::wire::file::put_at;

use super::import_candidate::Candidate;
use super::import_namesakes::Namesakes;
use super::import_traits::Traits;

const BY_ORDER: &str =
    "several teams have this label, and only their order tells which of them it is: label them apart";

/// The members of a team by their names.
type Members = BTreeMap<String, Traits>;

/// Gives the teams of the file the names under which the account has them, and those that it has not free ones.
pub(super) fn settle(candidates: &mut [Candidate], there: &Namesakes) {
    let teams = teams_of(candidates);
    let mut known: BTreeMap<String, Named> = BTreeMap::new();
    for (label, of_file) in &teams {
        let others: BTreeSet<&str> =
            teams.keys().filter(|other| *other != label).map(String::as_str).collect();
        let names = of_file.iter().flat_map(|(_, members)| members.keys());
        let kept =
            there.teams(names.collect(), |name| number_of(name, label).is_some() && !others.contains(name));
        known.extend(matched(label, of_file, kept, &others));
    }
    for candidate in candidates {
        let Candidate { origin: Some(origin), draft, report, .. } = candidate else { continue };
        let Some(named) = known.get(&origin.value).filter(|_| origin.label.is_some()) else { continue };
        if named.is_by_order {
            report.note(&origin.path, BY_ORDER);
        }
        if let Some(draft) = draft {
            put_at(&mut draft.definition.config, &origin.path, &named.name);
        }
        origin.value.clone_from(&named.name);
    }
}

/// What a team of the file is called in the account.
struct Named {
    name: String,
    /// Whether nothing but its place says that it is that one.
    is_by_order: bool,
}

/// The file's teams of each label, in their order, by the names that they have so far.
fn teams_of(candidates: &[Candidate]) -> BTreeMap<String, Vec<(String, Members)>> {
    let mut teams: BTreeMap<String, Vec<(String, Members)>> = BTreeMap::new();
    for candidate in candidates {
        let (Some(origin), Some(draft), Some(name)) = (&candidate.origin, &candidate.draft, &candidate.name)
        else {
            continue;
        };
        let Some(label) = &origin.label else { continue };
        let alike = teams.entry(label.clone()).or_default();
        let place = alike.iter().position(|(team, _)| *team == origin.value).unwrap_or(alike.len());
        if place == alike.len() {
            alike.push((origin.value.clone(), Members::new()));
        }
        if let Some((_, members)) = alike.get_mut(place) {
            members.insert(name.clone(), Traits::of(&draft.definition));
        }
    }
    teams
}

/// What the file's teams of one label are called: as those that were kept and are most like them, or by free names.
fn matched(
    label: &str,
    of_file: &[(String, Members)],
    kept: BTreeMap<String, Members>,
    others: &BTreeSet<&str>,
) -> Vec<(String, Named)> {
    let mut kept: Vec<(String, Members)> = kept.into_iter().collect();
    kept.sort_by_key(|(name, _)| number_of(name, label));
    let is_alone = of_file.len() == 1 && kept.len() <= 1;
    let row =
        |(_, members): &(String, Members)| kept.iter().map(|(_, there)| likeness(members, there)).collect();
    let found = pairs(&of_file.iter().map(row).collect::<Vec<_>>());
    let names = kept.iter().map(|(name, _)| name.as_str());
    let mut used: BTreeSet<String> = names.chain(others.iter().copied()).map(str::to_owned).collect();
    let mut named = Vec::new();
    for (i, (before, members)) in of_file.iter().enumerate() {
        let there = found.get(&i).and_then(|(k, is_by_order)| Some((kept.get(*k)?.0.clone(), *is_by_order)));
        let (name, is_by_order) = there.unwrap_or_else(|| {
            let is_again =
                of_file.iter().enumerate().any(|(other, (_, there))| other != i && there == members);
            (free(label, before, &mut used), is_again)
        });
        named.push((before.clone(), Named { name, is_by_order: is_by_order && !is_alone }));
    }
    named
}

/// Of a table of how much each row is like each column: the column of each row, the most alike first, and of several that are
/// equally alike the first; with it whether only the order says so.
fn pairs(alike: &[Vec<usize>]) -> BTreeMap<usize, (usize, bool)> {
    let mut pairs: Vec<(usize, usize, usize)> = Vec::new();
    for (i, row) in alike.iter().enumerate() {
        pairs.extend(row.iter().enumerate().map(|(k, much)| (*much, i, k)));
    }
    pairs.sort_unstable_by_key(|(much, i, k)| (usize::MAX - much, *i, *k));
    let (mut rows, mut columns): (BTreeMap<usize, (usize, usize)>, BTreeMap<usize, usize>) =
        Default::default();
    for (much, i, k) in pairs {
        if !rows.contains_key(&i) && !columns.contains_key(&k) {
            rows.insert(i, (k, much));
            columns.insert(k, much);
        }
    }
    // Whether it might as well be another one, or another one it, which is not more like a third.
    let is_by_order = |i: usize, k: usize, much: usize| {
        let mut row = alike.get(i).into_iter().flatten().enumerate();
        let mut column = alike.iter().filter_map(|row| row.get(k)).enumerate();
        let is_open = |of: Option<usize>| of.is_none_or(|of| of <= much);
        much == 0
            || row.any(|(other, of)| other != k && *of == much && is_open(columns.get(&other).copied()))
            || column
                .any(|(other, of)| other != i && *of == much && is_open(rows.get(&other).map(|row| row.1)))
    };
    rows.iter().map(|(i, (k, much))| (*i, (*k, is_by_order(*i, *k, *much)))).collect()
}

fn likeness(one: &Members, other: &Members) -> usize {
    let of = |(name, traits): (&String, &Traits)| other.get(name).map_or(0, |there| traits.likeness(*there));
    one.iter().map(of).sum()
}

/// The name that a new team has so far, or the next free one of its label.
fn free(label: &str, before: &str, used: &mut BTreeSet<String>) -> String {
    let mut name = before.to_owned();
    let mut number = 2;
    while !used.insert(name.clone()) {
        name = numbered(label, number);
        number += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(members: &[(&str, [u64; 4])]) -> Members {
        members.iter().map(|(name, traits)| ((*name).to_owned(), Traits(*traits))).collect()
    }

    /// The names that two or more teams of the file get, and whether by their order.
    fn named(of_file: &[Members], kept: &[(&str, Members)]) -> Vec<(String, bool)> {
        let name = |i: usize| if i == 0 { "T".to_owned() } else { numbered("T", i + 1) };
        let of_file: Vec<(String, Members)> =
            of_file.iter().enumerate().map(|(i, members)| (name(i), members.clone())).collect();
        let kept = kept.iter().map(|(name, members)| ((*name).to_owned(), members.clone())).collect();
        let matched = matched("T", &of_file, kept, &BTreeSet::from(["T 4"]));
        matched.into_iter().map(|(_, named)| (named.name, named.is_by_order)).collect()
    }

    fn names(expected: &[(&str, bool)]) -> Vec<(String, bool)> {
        expected.iter().map(|(name, is_by_order)| ((*name).to_owned(), *is_by_order)).collect()
    }

    #[test]
    fn teams_are_found_again_by_what_their_members_are_told() {
        let (a, b, c) = (team(&[("m", [1; 4])]), team(&[("m", [2; 4])]), team(&[("m", [3; 4])]));
        let kept = [("T", a.clone()), ("T 2", b.clone())];
        for (of_file, expected) in [
            (vec![a.clone(), b.clone()], vec![("T", false), ("T 2", false)]),
            (vec![b.clone(), a.clone()], vec![("T 2", false), ("T", false)]),
            (vec![b.clone()], vec![("T 2", false)]),
            (vec![c.clone(), b.clone(), a.clone()], vec![("T 3", false), ("T 2", false), ("T", false)]),
            (vec![team(&[("m", [9, 2, 9, 9])]), a.clone()], vec![("T 2", false), ("T", false)]),
            (vec![b.clone(), c.clone()], vec![("T 2", false), ("T", true)]),
            (vec![c.clone(), team(&[("m", [4; 4])])], vec![("T", true), ("T 2", true)]),
        ] {
            assert_eq!(named(&of_file, &kept), names(&expected), "{of_file:?}");
        }
        let tenth = [("T 10", a.clone()), ("T 2", c.clone()), ("T", b.clone())];
        assert_eq!(named(&[c.clone(), a.clone()], &tenth), names(&[("T 2", false), ("T 10", false)]));
        assert_eq!(named(&[c], &[("T", a)]), names(&[("T", false)]), "a label alone is an identity");
    }

    #[test]
    fn a_new_team_gets_no_name_that_another_has() {
        let (a, b, c) = (team(&[("m", [1; 4])]), team(&[("m", [2; 4])]), team(&[("m", [3; 4])]));
        let kept = [("T", a.clone()), ("T 2", b.clone()), ("T 3", c.clone())];
        let new = named(&[team(&[("m", [4; 4])]), a, b, c], &kept);
        assert_eq!(
            new,
            names(&[("T 5", false), ("T", false), ("T 2", false), ("T 3", false)]),
            "T 4 is a label"
        );
    }

    #[test]
    fn of_teams_that_are_alike_the_order_counts_and_it_is_said() {
        let (a, b) = (team(&[("m", [1; 4]), ("n", [5; 4])]), team(&[("m", [2; 4])]));
        let expected = names(&[("T", true), ("T 2", true), ("T 3", false)]);
        assert_eq!(named(&[a.clone(), a.clone(), b.clone()], &[]), expected);
        let kept = [("T", a.clone()), ("T 2", a.clone()), ("T 3", b)];
        let twice = named(&[a.clone(), a], &kept);
        assert_eq!(twice, names(&[("T", true), ("T 2", true)]));
    }
}
