-- A purge reads its installations in pages, by their ids.
DROP INDEX purge_installation_purge_id_idx;
ALTER TABLE purge_installation
  DROP CONSTRAINT purge_installation_pkey,
  ADD PRIMARY KEY (purge_id, installation_id);
CREATE INDEX purge_installation_installation_id_idx ON purge_installation (installation_id);
