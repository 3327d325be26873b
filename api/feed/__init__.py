"""The feed: every change in order, as CloudEvents, in pages or as a stream."""
