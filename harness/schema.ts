import { createRequire } from 'node:module';
import type { Ajv2020, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { UserError } from './cli/exit.ts';

/** A published JSON Schema, compiled; `check` throws a UserError naming the place and what was expected there. */
export interface Schema<T> {
  readonly document: object;
  readonly check: (value: unknown, name: string) => T;
}

const require = createRequire(import.meta.url);
let ajv: Ajv2020 | undefined;

/**
 * Compiles the schema at `path` (relative to this folder, as compiled). Loading ajv and compiling take tens of milliseconds,
 * so they wait for the first value: a verb that reads no file does not pay for it.
 */
export function publishedSchema<T>(path: string): Schema<T> {
  const document = require(path) as object;
  let validate: ValidateFunction<T> | undefined;
  return {
    document,
    check(value, name) {
      validate ??= validator().compile<T>(document);
      if (validate(value)) return value;
      throw new UserError(`${name}: ${explain(validate.errors ?? [])}`);
    },
  };
}

function validator(): Ajv2020 {
  const { Ajv2020: Validator } = require('ajv/dist/2020.js') as { Ajv2020: typeof Ajv2020 };
  ajv ??= new Validator({ discriminator: true, allowUnionTypes: true });
  return ajv;
}

/** The first error that names something the reader can mend, as `at PLACE: what was expected`. */
function explain(errors: readonly ErrorObject[]): string {
  // A failed alternative is reported after its members; the member at the deepest path says most.
  const error = [...errors].sort((a, b) => b.instancePath.length - a.instancePath.length)[0];
  if (error === undefined) return 'does not match its schema';
  const place = error.instancePath === '' ? 'at the top' : `at ${error.instancePath}`;
  return `${place}: ${expected(error)}`;
}

function expected({ keyword, params, message }: ErrorObject): string {
  if (keyword === 'enum') return `expected one of ${(params['allowedValues'] as unknown[]).map(String).join(', ')}`;
  if (keyword === 'const') return `expected ${JSON.stringify(params['allowedValue'])}`;
  if (keyword === 'additionalProperties') return `unexpected property '${String(params['additionalProperty'])}'`;
  if (keyword === 'discriminator') return `unknown ${String(params['tag'])} ${JSON.stringify(params['tagValue'])}`;
  if (keyword === 'pattern')
    return `expected lower-case hexadecimal text such as "0x1f000" (${String(params['pattern'])})`;
  return `expected that it ${message ?? 'matches its schema'}`;
}
