//! Templates: the platform's, and an account's own over them.

use std::future::Future;

use crate::domain::change::Change;
use crate::domain::slug::Slug;
use crate::domain::template::{Source, Template};
use crate::domain::time::Millis;

use super::failure::{Unavailable, WriteError};

/// The platform's templates, which its operator writes.
pub trait PlatformTemplates: Send + Sync {
    /// By slug; only those after `after`.
    fn platform_templates(
        &self,
        limit: u32,
        after: &str,
    ) -> impl Future<Output = Result<Vec<Template>, Unavailable>> + Send;
    fn platform_template(
        &self,
        slug: &Slug,
    ) -> impl Future<Output = Result<Option<Template>, Unavailable>> + Send;
    /// Inserts or replaces; [`WriteError::Moved`] when it is no longer as it was read.
    fn put_platform_template(
        &self,
        template: &Template,
        read: Option<Millis>,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// [`WriteError::Moved`] when it is no longer as it was read.
    fn delete_platform_template(
        &self,
        slug: &Slug,
        read: Millis,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
}

/// The templates as an account sees them.
pub trait Templates: Send + Sync {
    /// The platform's with the account's own over them, by slug; only those after `after`.
    fn templates(
        &self,
        limit: u32,
        after: &str,
    ) -> impl Future<Output = Result<Vec<(Template, Source)>, Unavailable>> + Send;
    /// The account's own, else the platform's.
    fn template(
        &self,
        slug: &Slug,
    ) -> impl Future<Output = Result<Option<(Template, Source)>, Unavailable>> + Send;
    /// Inserts or replaces the account's own.
    fn put_template(
        &self,
        template: &Template,
        read: Option<Millis>,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
    /// Deletes the account's own.
    fn delete_template(
        &self,
        slug: &Slug,
        read: Millis,
        change: &Change,
    ) -> impl Future<Output = Result<(), WriteError>> + Send;
}
