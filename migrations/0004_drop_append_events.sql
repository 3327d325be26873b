-- append_group takes its place.

DROP FUNCTION hirelog.append_events;
