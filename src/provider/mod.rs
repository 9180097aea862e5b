//! The only door to the network: request bodies out, stream events in, raw frames kept.
