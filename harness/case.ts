import { REGISTERS } from '../model/abi/registers.ts';
import { formatU64, parseU64 } from '../model/abi/u64.ts';
import type { Platform } from '../model/platform/platform.ts';
import type { Event } from '../model/world/event.ts';
import type { Preemption } from '../model/world/schedule.ts';
import { UserError } from './user-error.ts';
import { parseJSONText } from './json-text.ts';
import { migrate } from './migrate.ts';
import { publishedSchema } from './schema.ts';

/** One machine and its events, under one kernel revision and one TDX module release. Plain data, self-contained. */
export interface Case {
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly profile: Profile;
  readonly platform: Platform;
  readonly events: readonly Event[];
  /** Absent or empty: every kernel thread runs to its end before the next event begins. */
  readonly schedule?: readonly Preemption[];
}

export interface Profile {
  readonly kernel: string;
  readonly module: string;
}

/** A case file: the case and its annotations. */
export interface CaseFile {
  readonly case: Case;
  readonly known?: Known;
  readonly finding?: FindingNote;
}

/** An understood deviation of the case's kernel. */
export interface Known {
  readonly invariant: string;
  readonly bucket: string;
  readonly reason: string;
  readonly source: string;
}

/** The finding that a campaign made with the case. */
export interface FindingNote {
  readonly invariant: string;
  readonly bucket: string;
  readonly message: string;
  /** 0-based index of the event after which the rule was found broken. */
  readonly event: number;
  /** Verified: no single event, LP, memory block, CMR or override can be removed. */
  readonly minimal: boolean;
  /** `SEED:INDEX` of the generated case. */
  readonly origin: string;
  /** The implementations, as given to `conform`: one, or the two that were compared. Missing: the model. */
  readonly implementations?: readonly string[];
}

export const FORMAT_VERSION = 1;

/** The published schema. It checks the JSON form, in which a u64 is text. */
export const CASE_SCHEMA = publishedSchema<JSONObject>('./case.schema.json');

interface JSONObject {
  readonly [key: string]: unknown;
}

/** Properties that hold a u64, at any depth. */
const U64_KEYS = new Set(['base', 'size', 'address', 'msr', 'value', ...REGISTERS]);

/** One order for all objects: equal cases have equal bytes, so that a file can be named by its contents. */
const KEY_ORDER = [
  ...['formatVersion', 'profile', 'known', 'finding', 'platform', 'events', 'schedule'],
  ...[
    'kernel',
    'module',
    'kind',
    'how',
    'state',
    'condition',
    'leaf',
    'count',
    'nth',
    'lps',
    'memory',
    'cmrs',
    'keyids',
    'keyidBits',
  ],
  ...[
    'seamrr',
    'msr',
    'mcheck',
    'moduleImage',
    'fms',
    'commandLine',
    'hibernation',
    'mktme',
    'tdx',
    'nosmt',
    'maxcpus',
  ],
  ...['package', 'core', 'thread', 'bios', 'online', 'vmx', 'lp', 'address', 'base', 'size', 'node', 'value'],
  ...REGISTERS,
  ...[
    'invariant',
    'bucket',
    'message',
    'event',
    'after',
    'run',
    'minimal',
    'origin',
    'implementations',
    'reason',
    'source',
  ],
];
const KEY_RANK = new Map(KEY_ORDER.map((key, rank) => [key, rank]));

/**
 * Reads the text of a case file: JSON of this or an older format version. `name` is the file's name in messages.
 * Throws a UserError that names the error and its place.
 */
export function decodeCaseFile(text: string, name: string): CaseFile {
  const json = CASE_SCHEMA.check(migrate(parseJSONText(text, name, 'a case in JSON'), name, FORMAT_VERSION), name);
  const { known, finding, ...rest } = json;
  const decoded = fromJSON(rest) as Case;
  checkReferences(decoded, name);
  return {
    case: decoded,
    ...(known === undefined ? {} : { known: known as Known }),
    ...(finding === undefined ? {} : { finding: finding as FindingNote }),
  };
}

/** The text of a case file: canonical (equal cases have equal bytes), one event and one platform entry per line. */
export function encodeCaseFile(file: CaseFile): string {
  const { profile, platform, events, schedule } = file.case;
  const top = {
    formatVersion: FORMAT_VERSION,
    profile,
    known: file.known,
    finding: file.finding,
    platform,
    events,
    schedule,
  };
  return `${printObject(toJSON(top) as JSONObject, '', 2)}\n`;
}

/** The case alone as one line of canonical JSON, for hashing, memoising and reports. */
export function encodeCaseLine({ profile, platform, events, schedule }: Case): string {
  return printInline(toJSON({ formatVersion: FORMAT_VERSION, profile, platform, events, schedule }));
}

/** What a schema cannot say: every LP an event or override names exists. */
function checkReferences({ platform, events, schedule = [] }: Case, name: string): void {
  const count = platform.lps.length;
  const check = (lp: number | null, place: string): void => {
    if (lp === null || lp < count) return;
    throw new UserError(`${name}: at ${place}: LP ${lp}, but the platform has ${count} (numbered from 0)`);
  };
  for (const [index, event] of events.entries()) if ('lp' in event) check(event.lp, `/events/${index}/lp`);
  for (const [index, { event }] of schedule.entries())
    if (event >= events.length)
      throw new UserError(
        `${name}: at /schedule/${index}/event: event ${event}, but the case has ${events.length} (numbered from 0)`,
      );
  for (const [index, { lp }] of platform.msr.entries()) check(lp, `/platform/msr/${index}/lp`);
}

function fromJSON(value: unknown, key?: string): unknown {
  if (typeof value === 'string')
    return key !== undefined && (U64_KEYS.has(key) || key === 'fms') ? readU64(value) : value;
  if (Array.isArray(value)) return value.map((item) => fromJSON(item, key === 'fms' ? key : undefined));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fromJSON(item, name)]));
}

function readU64(text: string): unknown {
  const value = parseU64(text);
  if (value === undefined) throw new Error(`the schema let a malformed u64 through: ${text}`);
  return value;
}

/** A copy in canonical key order with every u64 as text; `undefined` members are left out. */
function toJSON(value: unknown, key?: string): unknown {
  if (key !== undefined && (U64_KEYS.has(key) || key === 'fms') && !Array.isArray(value) && value !== null)
    return writeU64(value, key);
  if (Array.isArray(value)) return value.map((item) => toJSON(item, key === 'fms' ? key : undefined));
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new RangeError(`${key}: ${value} is not an integer`);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(
    ([a], [b]) => (KEY_RANK.get(a) ?? KEY_ORDER.length) - (KEY_RANK.get(b) ?? KEY_ORDER.length) || (a < b ? -1 : 1),
  );
  return Object.fromEntries(entries.map(([name, item]) => [name, toJSON(item, name)]));
}

function writeU64(value: unknown, key: string): string {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return formatU64(value);
  if (typeof value === 'bigint' && value >= 2n ** 53n && value < 2n ** 64n) return formatU64(value);
  throw new RangeError(`${key}: ${String(value)} is not a u64 in canonical form`);
}

/** Objects down to `depth` one member a line; lists of objects one element a line; everything else inline. */
function printObject(value: JSONObject, indent: string, depth: number): string {
  const inner = `${indent}  `;
  const members = Object.entries(value).map(
    ([key, item]) => `${inner}${JSON.stringify(key)}: ${printMember(key, item, inner, depth)}`,
  );
  return `{\n${members.join(',\n')}\n${indent}}`;
}

function printMember(key: string, value: unknown, indent: string, depth: number): string {
  if (Array.isArray(value) && value.some((item) => typeof item === 'object')) {
    return `[\n${value.map((item) => `${indent}  ${printInline(item)}`).join(',\n')}\n${indent}]`;
  }
  const spread = key === 'platform' || key === 'known' || key === 'finding';
  return depth > 1 && spread ? printObject(value as JSONObject, indent, depth - 1) : printInline(value);
}

function printInline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printInline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${printInline(item)}`)
    .join(', ')}}`;
}
