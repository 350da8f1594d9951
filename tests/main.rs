//! The test suite of the workspace, one binary.

mod theory;
