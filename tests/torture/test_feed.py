"""A short run of the torture of the feed, with real processes that are killed."""

from tests.torture import feed


def test_a_reader_and_servers_that_are_killed() -> None:
    assert feed.run(5)
