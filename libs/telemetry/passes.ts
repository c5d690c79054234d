import { getMetadataStorage, type ValidatorConstraintInterface } from 'class-validator';

type Check = (object: Record<string, unknown>) => boolean;

/**
 * Compiles the class-validator decorators of a class into one function that returns whether an object passes.
 * class-validator interprets the decorators for every object, which took a sixth of ingest's time. Validate an
 * object that does not pass with `validateSync` to get the message.
 * @throws Error at start if the class uses a decorator that is not supported here: groups, `each`, nested or
 * asynchronous validation
 */
export function compileChecks(
  target: new (...args: never[]) => object,
): (object: object) => boolean {
  const storage = getMetadataStorage();
  const metadata = storage.getTargetValidationMetadatas(target, '', false, false);
  const conditions = new Map<string, Check[]>();
  const checks = new Map<string, Check[]>();
  for (const {
    type,
    propertyName,
    constraintCls,
    constraints,
    each,
    groups,
    validateIf,
  } of metadata) {
    if (each || validateIf || (groups as string[] | undefined)?.length)
      throw unsupported(propertyName);
    if (type === 'conditionalValidation') {
      const [condition] = constraints as [(object: object, value: unknown) => boolean];
      add(conditions, propertyName, (object) => condition(object, object[propertyName]));
      continue;
    }
    if (type !== 'customValidation') throw unsupported(propertyName);
    for (const constraint of storage.getTargetValidatorConstraints(constraintCls)) {
      if (constraint.async) throw unsupported(propertyName);
      add(checks, propertyName, checkOf(constraint.instance, propertyName, constraints));
    }
  }
  const properties = [...checks].map(([propertyName, all]): Check => {
    const applies = conditions.get(propertyName) ?? [];
    return (object) => !applies.every((it) => it(object)) || all.every((it) => it(object));
  });
  return (object) => properties.every((it) => it(object as Record<string, unknown>));
}

function checkOf(
  instance: ValidatorConstraintInterface,
  property: string,
  constraints: unknown[],
): Check {
  return (object) => {
    const value = object[property];
    return (
      instance.validate(value, { targetName: '', property, constraints, object, value }) === true
    );
  };
}

function add(map: Map<string, Check[]>, property: string, check: Check): void {
  map.set(property, [...(map.get(property) ?? []), check]);
}

function unsupported(property: string): Error {
  return new Error(`The decorators of '${property}' cannot be compiled.`);
}
