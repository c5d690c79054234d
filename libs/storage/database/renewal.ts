const RENEW_MS = 4000;
/** A holder that could not renew for so long stops: another may begin. */
const GIVE_UP_MS = 15_000;

/**
 * Renews what expires until it is stopped, however long a step takes.
 * @param renew returns whether it is still held
 * @returns `lost`, which aborts with the error once another process may have it
 */
export function keepRenewed(
  renew: () => Promise<boolean>,
  error: Error,
): { lost: AbortSignal; stop: () => void } {
  const lost = new AbortController();
  let renewedAt = performance.now();
  const attempt = async () => {
    if (await renew()) renewedAt = performance.now();
    else lost.abort(error);
  };
  const timer = setInterval(() => {
    void attempt().catch(() => undefined);
    if (performance.now() > renewedAt + GIVE_UP_MS) lost.abort(error);
  }, RENEW_MS);
  return { lost: lost.signal, stop: () => clearInterval(timer) };
}
