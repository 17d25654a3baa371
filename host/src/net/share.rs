use super::{Lookups, Pace};

/// What one sender may take of the way to other machines, however often its process is started anew. Clones
/// are the same.
#[derive(Clone, Debug, Default)]
pub struct Share {
    /// Its look-ups of names.
    pub lookups: Lookups,
    /// Its new connections.
    pub pace: Pace,
}
