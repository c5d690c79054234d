-- Which process does what only one may do at a time. A row expires unless its holder renews it.
CREATE TABLE lease (
  name       text        PRIMARY KEY,
  holder     uuid        NOT NULL,
  expires_at timestamptz(3) NOT NULL
);
