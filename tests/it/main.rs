//! The tests of the whole program, through its front door.

mod support;

mod smoke;
