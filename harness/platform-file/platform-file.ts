import type { Platform } from '../../model/platform/platform.ts';
import { UserError } from '../user-error.ts';
import { parseJSONText } from '../json-text.ts';
import { publishedSchema } from '../schema.ts';
import type { WrittenAddress } from './address.ts';
import { keyidRule } from './keyid-rule.ts';
import { memoryMapRule } from './memory-map-rule.ts';
import { commandLineRule, fmsRule } from './processor-rule.ts';
import { seamrrRule } from './seamrr-rule.ts';
import { topologyRule } from './topology-rule.ts';

/**
 * A machine as its source describes it (harness/platform-file/platform-file.schema.json). Both `null` and missing mean
 * unknown.
 */
export interface PlatformFile {
  readonly name?: string | null;
  readonly source?: string | null;
  /** The kernel that the source ran. */
  readonly kernel?: string | null;
  readonly packages?: number | null;
  readonly coresPerPackage?: number | null;
  readonly threadsPerCore?: number | null;
  readonly keyids?: { readonly mktme?: number | null; readonly tdx?: number | null } | null;
  readonly maxPaBits?: number | null;
  readonly cmrs?: readonly WrittenRange[] | null;
  readonly e820?: readonly WrittenE820Entry[] | null;
  readonly e820Complete?: boolean | null;
  readonly moduleVersion?: Readonly<Record<string, unknown>> | null;
  /** The outcome, in the words of the file's author. */
  readonly outcome?: string | null;
  readonly dmesg?: readonly string[] | null;
  readonly pamtKbReported?: number | null;
  readonly reported?: Readonly<Record<string, unknown>> | null;
}

export interface WrittenRange {
  readonly base: WrittenAddress;
  readonly size: WrittenAddress;
}

export interface WrittenE820Entry extends WrittenRange {
  readonly type: string;
}

export interface PlatformFromFile {
  readonly platform: Platform;
  /** Values missing in the file that a rule assumed: one sentence each, in the order of the rules. */
  readonly defaults: readonly string[];
  readonly file: PlatformFile;
}

/** Records one default that a rule assumed. */
export type Say = (sentence: string) => void;

export const PLATFORM_FILE_SCHEMA = publishedSchema<PlatformFile>('./platform-file/platform-file.schema.json');

/** Builds a machine from a platform file. corpus/platforms/README.md documents each rule. */
export function platformFromFile(value: unknown, name: string): PlatformFromFile {
  const file = PLATFORM_FILE_SCHEMA.check(value, name);
  const defaults: string[] = [];
  const say: Say = (sentence) => defaults.push(sentence);
  for (const property of unknownProperties(file))
    say(`The property ${property} is not part of a platform file and was not read.`);
  const lps = topologyRule(file, name, say);
  const { keyids, keyidBits } = keyidRule(file, say);
  const { memory, cmrs } = memoryMapRule(file, name, say);
  const seamrr = seamrrRule(file, keyids, cmrs, memory, say);
  const { commandLine, nohibernate } = commandLineRule(file, say);
  const platform: Platform = {
    lps,
    memory,
    cmrs,
    keyids,
    keyidBits,
    seamrr,
    msr: [],
    mcheck: 'verify',
    moduleImage: 'bios',
    fms: [fmsRule(file, say)],
    commandLine,
    hibernation: false,
  };
  say('Assuming that BIOS enabled every LP, all LPs are online and in VMX operation, and all other MSRs are healthy.');
  say('Assuming that BIOS loaded the TDX module before the kernel starts.');
  if (!nohibernate) say('Assuming that hibernation is not available (not built in, or turned off with nohibernate).');
  return { platform, defaults, file };
}

/** Any of these, even as `null`, makes a JSON object a platform file: the rules build the machine from them. */
const DESCRIBES_A_MACHINE = [
  ...['packages', 'coresPerPackage', 'threadsPerCore', 'keyids', 'maxPaBits'],
  ...['cmrs', 'e820', 'pamtKbReported', 'reported'],
];

/**
 * Throws a UserError for a JSON object without any of them: the rules would assume the whole machine. The schema refuses
 * values that are not objects.
 */
export function requireMachine(value: unknown, name: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  if (DESCRIBES_A_MACHINE.some((property) => property in value)) return;
  throw new UserError(
    `${name}: nothing in it describes a machine; a platform file needs at least one of ` +
      `${DESCRIBES_A_MACHINE.join(', ')} (see corpus/platforms/README.md)`,
  );
}

/** Reads the text of a platform file. Throws a UserError that names the error and its place. */
export function parsePlatformFile(text: string, name: string): PlatformFromFile {
  const value = parseJSONText(text, name, 'a platform in JSON');
  requireMachine(value, name);
  return platformFromFile(value, name);
}

function unknownProperties(file: PlatformFile): string[] {
  const { properties } = PLATFORM_FILE_SCHEMA.document as { properties: Record<string, unknown> };
  return Object.keys(file).filter((property) => !(property in properties));
}
