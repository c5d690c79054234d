-- The token that acted, next to its name. Null for acts without a token, and for those before this migration.
ALTER TABLE audit_log ADD COLUMN actor_id uuid;

-- keys:write also covered products and tokens. Tokens that could do everything still can; all others keep
-- write keys only, until an administrator makes them a token with more.
UPDATE admin_token SET scopes = scopes || '{products:write,tokens:write}'
 WHERE scopes @> '{erasures:write,installations:read,keys:write,quarantine:write,operations:read}';
