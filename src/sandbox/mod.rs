//! The offline endpoint on loopback and the small language model behind it.
