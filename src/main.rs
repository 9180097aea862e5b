//! Parses the arguments and hands over to the workbench or a headless command.

fn main() {}
