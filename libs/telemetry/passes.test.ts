import {
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  MaxLength,
  Min,
  ValidateNested,
  validateSync,
} from 'class-validator';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileChecks } from './passes.js';

class Parcel {
  @IsString() @IsNotEmpty() @MaxLength(5) name: unknown;
  @IsOptional() @IsInt() @Min(1) weight: unknown;

  constructor(name: unknown, weight: unknown) {
    this.name = name;
    this.weight = weight;
  }
}

test('compiled decorators accept exactly what class-validator accepts', () => {
  const passes = compileChecks(Parcel);
  const value = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom(null, undefined, '', {}, [], 1.5, NaN),
  );
  fc.assert(
    fc.property(value, value, (name, weight) => {
      const parcel = new Parcel(name, weight);
      expect(passes(parcel)).toBe(validateSync(parcel).length === 0);
    }),
    { numRuns: 1000 },
  );
});

class Nested {
  @ValidateNested() parcel: unknown;
}

class Each {
  @IsString({ each: true }) names: unknown;
}

class Grouped {
  @IsString({ groups: ['some'], always: true }) name: unknown;
}

test.each([Nested, Each, Grouped])('decorators of %o are refused instead of ignored', (target) => {
  expect(() => compileChecks(target)).toThrow(/cannot be compiled/);
});
