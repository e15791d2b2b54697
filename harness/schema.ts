import { createRequire } from 'node:module';
import type { Ajv2020, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { printable } from './text.ts';
import { UserError } from './user-error.ts';

/** A published JSON Schema, compiled; `check` throws a UserError that names the place and the expected value. */
export interface Schema<T> {
  readonly document: object;
  readonly check: (value: unknown, name: string) => T;
}

const require = createRequire(import.meta.url);
let ajv: Ajv2020 | undefined;

/**
 * Compiles the schema at `path` (relative to this folder, as compiled). Loading ajv and compiling take tens of
 * milliseconds, so both are deferred to the first value: a verb that reads no file does not pay for them.
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
  ajv ??= new Validator({ discriminator: true, allowUnionTypes: true, allErrors: false, verbose: true });
  return ajv;
}

/**
 * The error that names something the reader can correct, as `at PLACE: what was expected`; at the top, without a place. Of
 * alternatives, one whose type fits and whose value does not says most; else all types are named.
 */
function explain(errors: readonly ErrorObject[]): string {
  // A failed alternative is reported after its members; the member at the deepest path says most.
  const depth = Math.max(...errors.map(({ instancePath }) => instancePath.length));
  const deepest = errors.filter(({ instancePath }) => instancePath.length === depth);
  const error = deepest.find(({ keyword }) => !VAGUE.includes(keyword)) ?? deepest[0];
  if (error === undefined) return 'does not match its schema';
  const types = deepest.filter(({ keyword }) => keyword === 'type').map(expectedType);
  const what = error.keyword === 'type' ? `expected ${[...new Set(types)].join(' or ')}` : expected(error);
  return error.instancePath === '' ? what : `at ${printable(error.instancePath)}: ${what}`;
}

/** Keywords that say less than another error of the same place. */
const VAGUE: readonly string[] = ['type', 'anyOf', 'oneOf', 'if'];

function expectedType({ params }: ErrorObject): string {
  return [params['type']].flat().map(String).map(typeText).join(' or ');
}

function expected({ keyword, params, message, parentSchema }: ErrorObject): string {
  switch (keyword) {
    case 'required':
      return `expected a member '${String(params['missingProperty'])}'`;
    case 'enum':
      return `expected one of ${(params['allowedValues'] as unknown[]).map(String).join(', ')}`;
    case 'const':
      return `expected ${JSON.stringify(params['allowedValue'])}`;
    case 'additionalProperties':
      return `unexpected member '${printable(String(params['additionalProperty']), 60)}'`;
    case 'discriminator': {
      const [tag, value] = [String(params['tag']), params['tagValue'] as unknown];
      return value === undefined
        ? `expected a member '${tag}'`
        : `unknown ${tag} ${printable(JSON.stringify(value) ?? '', 60)}`;
    }
    case 'minimum':
    case 'exclusiveMinimum':
    case 'maximum':
    case 'exclusiveMaximum':
      return `expected ${boundsText(parentSchema)}`;
    case 'minLength':
      return 'expected text that is not empty';
    case 'minItems':
    case 'maxItems':
      return `expected at ${keyword === 'minItems' ? 'least' : 'most'} ${String(params['limit'])} in the list`;
    case 'pattern':
      return `expected lower-case hexadecimal text such as "0x1f000" (${String(params['pattern'])})`;
    default:
      return `it ${message ?? 'does not match its schema'}`;
  }
}

/** `a whole number from 1 to 64`: both bounds, whichever was broken. */
function boundsText(schema: ErrorObject['parentSchema']): string {
  const { type, minimum, exclusiveMinimum, maximum, exclusiveMaximum } = (schema ?? {}) as Readonly<
    Record<string, unknown>
  >;
  const parts = [
    typeText([type].flat().map(String)[0] ?? 'number'),
    ...(minimum === undefined ? [] : [`from ${String(minimum)}`]),
    ...(exclusiveMinimum === undefined ? [] : [`above ${String(exclusiveMinimum)}`]),
    ...(maximum === undefined ? [] : [minimum === undefined ? `up to ${String(maximum)}` : `to ${String(maximum)}`]),
    ...(exclusiveMaximum === undefined ? [] : [`below ${String(exclusiveMaximum)}`]),
  ];
  return parts.join(' ');
}

const TYPE_TEXT: ReadonlyMap<string, string> = new Map([
  ['object', 'an object'],
  ['array', 'a list'],
  ['integer', 'a whole number'],
  ['number', 'a number'],
  ['string', 'text'],
  ['boolean', 'true or false'],
]);

/** A type of JSON Schema in plain words. */
function typeText(type: string): string {
  return TYPE_TEXT.get(type) ?? type;
}
