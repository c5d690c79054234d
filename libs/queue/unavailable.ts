/** Why nothing can be written to the queue at the moment. */
export type ClosedReason =
  | 'unreachable'
  | 'memory'
  | 'not_durable'
  | 'overloaded'
  | 'closing'
  | 'read_only'
  | 'no_replicas'
  | 'cluster_down'
  | 'wrong_node'
  | 'not_allowed'
  | 'loading'
  | 'not_saved'
  | 'refused'
  | 'policy_unread';

/**
 * The queue did not confirm an event. The sender may try again later, with the same id: a write that
 * Redis had started may have succeeded.
 */
export class QueueUnavailable extends Error {
  override readonly name = 'QueueUnavailable';

  constructor(
    readonly reason: ClosedReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * The codes of Redis' error replies, and their meaning for an operator. Codes are at the start, except in errors of
 * scripts.
 */
const REPLIES: readonly [code: RegExp, reason: ClosedReason, message: string][] = [
  [/\bOOM\b/, 'memory', 'The queue is full.'],
  [/\bREADONLY\b/, 'read_only', 'Redis is a read-only replica.'],
  [
    /\bNOREPLICAS\b/,
    'no_replicas',
    'Redis has fewer replicas in sync than it requires for writes.',
  ],
  [
    /\b(CLUSTERDOWN|TRYAGAIN)\b/,
    'cluster_down',
    'The Redis cluster does not serve the keys of the queue at the moment.',
  ],
  [
    /\b(MOVED|ASK|CROSSSLOT)\b/,
    'wrong_node',
    'Redis is a cluster, and this node does not have all keys of the queue. Set QUEUE_PREFIX to a hash tag such as {muster}, and REDIS_URL to the node that has it.',
  ],
  [
    /\b(NOAUTH|WRONGPASS|NOPERM|The user executing the script)\b/,
    'not_allowed',
    'The user in REDIS_URL is not permitted to write to the queue. Check its ACL.',
  ],
  [/\bLOADING\b/, 'loading', 'Redis is still loading its data.'],
  [
    /\bMISCONF\b/,
    'not_saved',
    'Redis cannot save to disk, so it rejects writes. See the log of Redis.',
  ],
];

/** The error for the caller of a failed command. */
export function asUnavailable(cause: unknown): QueueUnavailable {
  if (cause instanceof QueueUnavailable) return cause;
  const text = cause instanceof Error ? cause.message : '';
  const [, reason, message] = REPLIES.find(([code]) => code.test(text)) ?? [];
  if (reason && message) return new QueueUnavailable(reason, message, { cause });
  return cause instanceof Error && cause.name === 'ReplyError'
    ? new QueueUnavailable('refused', 'Redis rejected the write.', { cause })
    : new QueueUnavailable('unreachable', 'Redis could not be written to.', { cause });
}

/**
 * The states of a reconnect, a restart of Redis, or a failover. A promoted master has `no_replicas` until its replicas
 * have reconnected.
 */
const PASSING: ReadonlySet<ClosedReason> = new Set<ClosedReason>([
  'unreachable',
  'loading',
  'read_only',
  'no_replicas',
  'cluster_down',
]);

/** Whether the problem may pass in seconds. */
export function isPassing(closed: QueueUnavailable | null): boolean {
  return closed !== null && PASSING.has(closed.reason);
}
