import { parseU64, type U64 } from '../../model/abi/u64.ts';
import { TraceFormatError } from './replay.ts';

/** One line of a linux-* recording, as far as replay looks at it. Every field is checked when it is read, not before. */
export interface LinuxScenario {
  readonly id: string;
  readonly boot: Json;
  readonly bootReply: Json;
  readonly steps: readonly (readonly [command: Json, reply: Json])[];
}

/** An object of the recording. */
export type Json = { readonly [key: string]: unknown };

/** Reads the frame of one line: `{id, boot, bootReply, steps}`, or a demo's `{name, steps}` whose first step is the boot. */
export function readScenario(line: unknown): LinuxScenario {
  const scenario = object(line, 'a scenario');
  const steps = array(scenario['steps'], 'steps').map((step, index) => {
    const pair = array(step, `steps[${index}]`);
    if (pair.length !== 2) throw new TraceFormatError(`steps[${index}] must be [command, reply]`);
    return [object(pair[0], `steps[${index}][0]`), object(pair[1], `steps[${index}][1]`)] as const;
  });
  if (scenario['boot'] !== undefined) {
    const boot = object(scenario['boot'], 'boot');
    return { id: text(scenario['id'], 'id'), boot, bootReply: object(scenario['bootReply'], 'bootReply'), steps };
  }
  const first = steps[0];
  if (first === undefined) throw new TraceFormatError('a scenario needs a boot, or a first step with one');
  const [command, bootReply] = first;
  return {
    id: text(scenario['name'], 'name'),
    boot: object(command['boot'], 'steps[0][0].boot'),
    bootReply,
    steps: steps.slice(1),
  };
}

export function object(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TraceFormatError(`${what} must be an object`);
  return value as Json;
}

export function array(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new TraceFormatError(`${what} must be an array`);
  return value;
}

/** An array that may be missing. */
export function optionalArray(value: unknown, what: string): readonly unknown[] {
  return value === undefined ? [] : array(value, what);
}

export function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new TraceFormatError(`${what} must be a string`);
  return value;
}

/** An integer that a number holds exactly. */
export function integer(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw new TraceFormatError(`${what} must be an integer`);
  return value;
}

/** A JSON integer, or a `0x` string below 2^53. */
export function address(value: unknown, what: string): number {
  if (typeof value === 'number') return integer(value, what);
  const parsed = parseU64(text(value, what));
  if (typeof parsed !== 'number')
    throw new TraceFormatError(`${what} must be a hexadecimal address below 2^53, not ${text(value, what)}`);
  return parsed;
}

/** A JSON integer, or a `0x` string of up to 64 bits. */
export function u64(value: unknown, what: string): U64 {
  if (typeof value === 'number') return integer(value, what);
  const parsed = parseU64(text(value, what));
  if (parsed === undefined) throw new TraceFormatError(`${what} must be a hexadecimal u64, not ${text(value, what)}`);
  return parsed;
}

/** `a,b,c` of hexadecimal digits without 0x, as the rows of `sc` write registers. */
export function registerList(value: unknown, count: number, what: string): readonly U64[] {
  const parts = text(value, what).split(',');
  if (parts.length !== count) throw new TraceFormatError(`${what} must name ${count} registers`);
  return parts.map((part) => u64(`0x${part}`, what));
}
