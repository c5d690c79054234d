import { AdminError } from './errors.js';
import { Flag, QueryFlag } from './fields.js';

/** The query of a write that supports dry runs. */
export class DryRunQuery {
  @QueryFlag() dryRun?: boolean;
}

/** The body of a write that supports dry runs. */
export class DryRunBody {
  @Flag() dryRun?: boolean;
}

/** The value of a field that may be in the query or in the body. @throws AdminError if they differ */
export function eitherOf<T extends object, K extends keyof T & string>(
  name: K,
  { [name]: inQuery }: T,
  { [name]: inBody }: Pick<T, K>,
): T[K] {
  if (inQuery !== undefined && inBody !== undefined && inQuery !== inBody) {
    const message = `${name} differs between the query and the body.`;
    throw new AdminError('invalid_request', message, name);
  }
  return inQuery ?? inBody;
}
