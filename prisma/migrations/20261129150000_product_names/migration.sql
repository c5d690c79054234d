-- What an administrator names a product, as declarations and WRITE_KEYS do. Rows of earlier releases stay as they are.
ALTER TABLE ingest_key
  ADD CONSTRAINT ingest_key_product_name CHECK (product ~ '^[a-z][a-z0-9_-]{0,63}$') NOT VALID;
ALTER TABLE block_rule
  ADD CONSTRAINT block_rule_product_name CHECK (product ~ '^[a-z][a-z0-9_-]{0,63}$') NOT VALID;
ALTER TABLE product_policy
  ADD CONSTRAINT product_policy_product_name CHECK (product ~ '^[a-z][a-z0-9_-]{0,63}$') NOT VALID;
