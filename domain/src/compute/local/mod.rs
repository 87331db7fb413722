//! The engine `local`: real processes on this machine.
