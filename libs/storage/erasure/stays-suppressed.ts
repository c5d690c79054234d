/**
 * A condition in SQL: whether a request about an installation keeps it suppressed. One that suppresses does until a
 * later one has lifted it, and one that only erases until it is complete.
 * @param request the alias of its row of `erasure`
 * @param hash an expression for the hash of the installation
 */
export const staysSuppressed = (request: string, hash: string): string => `(
  ${request}.mode = 'erase' AND ${request}.state <> 'complete'
  OR ${request}.mode IN ('suppress', 'erase_and_suppress') AND NOT EXISTS (
     SELECT FROM erasure_subject about JOIN erasure lifting USING (erasure_id)
      WHERE about.installation_hash = ${hash} AND lifting.requested_at > ${request}.requested_at
        AND lifting.mode = 'lift' AND lifting.state = 'complete'))`;
