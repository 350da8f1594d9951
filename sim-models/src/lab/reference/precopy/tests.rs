//! Files that are wrong, short, or without results.

use super::*;
