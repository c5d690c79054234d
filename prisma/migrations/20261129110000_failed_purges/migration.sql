-- A purge that gets no further in ten attempts is failed, with the reason of the last one.
ALTER TABLE purge ADD COLUMN attempts integer NOT NULL DEFAULT 0, ADD COLUMN failure text,
  ADD COLUMN claimed_by uuid;

COMMENT ON COLUMN fleet.refusals.key_hint IS 'Distinguishes keys without showing them. known-… and ended-…: the first digits of the SHA-256 of a write key that is valid, or has ended. unknown-…: a keyed hash of a key that is not known. unread: the keys of administrators could not be read, so the key is neither known nor unknown. none: no key. other: more different keys than are counted.';
