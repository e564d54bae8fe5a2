//! Scopes: what a key may do, narrower than its role.
//!
//! One table says of each scope what it opens and which roles have it. A key without scopes of its own has all of its
//! role; one with some has those of them that its role has now. So a key that is lowered with its member loses with the
//! role what only the higher one had.

use super::role::Role;

/// What one scope lets a key do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Calls,
    AccountRead,
    AccountWrite,
    AgentsRead,
    AgentsWrite,
    ChangesRead,
    ConfigurationRead,
    ConfigurationWrite,
    KeysRead,
    KeysWrite,
    LedgerRead,
    MembersRead,
    MembersWrite,
    MemoriesRead,
    MemoriesWrite,
    ModelsRead,
    ModelsWrite,
    ProfileRead,
    ProfileWrite,
    ProvidersRead,
    ProvidersWrite,
    ThreadsRead,
    ThreadsWrite,
    UsersRead,
    UsersWrite,
}

/// A row of the table.
struct Row {
    name: &'static str,
    /// The collections whose operations it opens, as paths name them.
    opens: &'static [&'static str],
    /// The lowest role that has it.
    role: Role,
}

const fn row(name: &'static str, opens: &'static [&'static str], role: Role) -> Row {
    Row { name, opens, role }
}

impl Scope {
    pub const ALL: [Self; 25] = [
        Self::Calls,
        Self::AccountRead,
        Self::AccountWrite,
        Self::AgentsRead,
        Self::AgentsWrite,
        Self::ChangesRead,
        Self::ConfigurationRead,
        Self::ConfigurationWrite,
        Self::KeysRead,
        Self::KeysWrite,
        Self::LedgerRead,
        Self::MembersRead,
        Self::MembersWrite,
        Self::MemoriesRead,
        Self::MemoriesWrite,
        Self::ModelsRead,
        Self::ModelsWrite,
        Self::ProfileRead,
        Self::ProfileWrite,
        Self::ProvidersRead,
        Self::ProvidersWrite,
        Self::ThreadsRead,
        Self::ThreadsWrite,
        Self::UsersRead,
        Self::UsersWrite,
    ];

    /// The table.
    const fn row(self) -> Row {
        match self {
            Self::Calls => row("calls", &[], Role::Caller),
            Self::AccountRead => row("account:read", &["account"], Role::Member),
            Self::AccountWrite => row("account:write", &["account"], Role::Admin),
            Self::AgentsRead => row("agents:read", &["agents", "templates"], Role::Member),
            Self::AgentsWrite => row("agents:write", &["agents", "templates"], Role::Admin),
            Self::ChangesRead => row("changes:read", &["changes"], Role::Member),
            Self::ConfigurationRead => row("configuration:read", &[], Role::Member),
            Self::ConfigurationWrite => row("configuration:write", &[], Role::Admin),
            Self::KeysRead => row("keys:read", &["keys"], Role::Admin),
            Self::KeysWrite => row("keys:write", &["keys"], Role::Admin),
            Self::LedgerRead => row("ledger:read", &["calls"], Role::Member),
            Self::MembersRead => row("members:read", &["members"], Role::Admin),
            Self::MembersWrite => row("members:write", &["members"], Role::Admin),
            Self::MemoriesRead => row("memories:read", &["memories"], Role::Member),
            Self::MemoriesWrite => row("memories:write", &["memories"], Role::Member),
            Self::ModelsRead => row("models:read", &["models", "model-aliases", "aliases"], Role::Member),
            Self::ModelsWrite => row("models:write", &["models", "model-aliases", "aliases"], Role::Admin),
            Self::ProfileRead => row("profile:read", &["profile"], Role::Caller),
            Self::ProfileWrite => row("profile:write", &["profile"], Role::Caller),
            Self::ProvidersRead => row("providers:read", &["providers"], Role::Member),
            Self::ProvidersWrite => row("providers:write", &["providers"], Role::Admin),
            Self::ThreadsRead => row("threads:read", &["threads", "runs"], Role::Caller),
            Self::ThreadsWrite => row("threads:write", &["threads", "runs"], Role::Caller),
            Self::UsersRead => row("users:read", &["users", "erasures", "holds"], Role::Admin),
            Self::UsersWrite => row("users:write", &["users"], Role::Admin),
        }
    }

    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether a key of this role can have it.
    pub fn is_of(self, role: Role) -> bool {
        self.row().role <= role
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }

    /// The scope of an operation on this collection.
    pub fn of_collection(name: &str, writes: bool) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.row().opens.contains(&name) && scope.writes() == writes)
    }

    fn writes(self) -> bool {
        self.name().ends_with(":write")
    }

    /// Who may write may read: the scope that this one brings along.
    fn implied(self) -> Option<Self> {
        let resource = self.name().strip_suffix(":write")?;
        Self::ALL.into_iter().find(|scope| scope.name().strip_suffix(":read") == Some(resource))
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scopes {
    pub const NONE: Self = Self(0);
    pub const ALL: Self = Self((1 << Scope::ALL.len()) - 1);

    /// What a key of this role has when nothing is said, and the most it can have.
    pub fn of_role(role: Role) -> Self {
        let fitting = Scope::ALL.into_iter().filter(|scope| scope.is_of(role));
        fitting.fold(Self::NONE, |scopes, scope| Self(scopes.0 | 1 << scope as u32))
    }

    /// Of a row's words. Those that this code does not know are kept out: a newer release may know them.
    pub fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        words.into_iter().filter_map(Scope::parse).fold(Self::NONE, Self::with)
    }

    /// With this one, and with what it implies.
    #[must_use]
    pub fn with(self, scope: Scope) -> Self {
        let implied = scope.implied().map_or(0, |implied| 1 << implied as u32);
        Self(self.0 | 1 << scope as u32 | implied)
    }

    pub const fn has(self, scope: Scope) -> bool {
        self.0 & 1 << scope as u32 != 0
    }

    /// Those that both have.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that the other has not.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of those it has, in the table's order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope)).map(Scope::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_a_name_and_a_bit_of_its_own() {
        let names: std::collections::BTreeSet<_> = Scope::ALL.into_iter().map(Scope::name).collect();
        assert_eq!(names.len(), Scope::ALL.len());
        for (n, scope) in Scope::ALL.into_iter().enumerate() {
            assert_eq!((scope as usize, Scope::parse(scope.name())), (n, Some(scope)));
        }
        assert_eq!(Scope::parse("agents"), None);
        assert_eq!(Scope::parse("agents:*"), None);
    }

    #[test]
    fn a_collection_is_opened_by_one_scope_for_reading_and_at_most_one_for_writing() {
        for scope in Scope::ALL {
            for collection in scope.row().opens {
                assert_eq!(Scope::of_collection(collection, scope.writes()), Some(scope));
            }
        }
        assert_eq!(Scope::of_collection("calls", true), None, "the ledger is not written");
        assert_eq!(Scope::of_collection("budget", false), None);
    }

    #[test]
    fn a_higher_role_has_all_that_a_lower_one_has() {
        let [caller, member, admin] = [Role::Caller, Role::Member, Role::Admin].map(Scopes::of_role);
        assert_eq!(
            caller.names().collect::<Vec<_>>(),
            ["calls", "profile:read", "profile:write", "threads:read", "threads:write"]
        );
        assert!(caller.without(member).is_empty() && member.without(admin).is_empty());
        assert!(member.has(Scope::LedgerRead) && !member.has(Scope::MembersRead));
        let written: Vec<_> =
            member.without(caller).names().filter(|name| name.ends_with(":write")).collect();
        assert_eq!(written, ["memories:write"], "beside threads, the one thing that members write");
        assert_eq!(admin, Scopes::ALL);
    }

    #[test]
    fn who_may_write_may_read() {
        let scopes = Scopes::of_words(["agents:write", "ledger:read", "time:travel"]);
        assert_eq!(scopes.names().collect::<Vec<_>>(), ["agents:read", "agents:write", "ledger:read"]);
        assert_eq!(Scopes::of_words(["calls"]), Scopes::NONE.with(Scope::Calls));
    }
}
