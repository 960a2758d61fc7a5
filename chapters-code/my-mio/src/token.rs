//! The name of a registration.

// ANCHOR: token
/// Names a registration. The program chooses it, and it comes back with each event of that
/// registration, all of its bits: it may be a place in a table, or an address. Nobody checks that
/// it is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub usize);

impl From<Token> for usize {
    fn from(token: Token) -> usize {
        token.0
    }
}
// ANCHOR_END: token
