-- Keys are stored by append_group, together with the events that they seal.

REVOKE INSERT ON hirelog.candidate_keys FROM hirelog_service;
