import { printable } from './text.ts';
import { UserError } from './user-error.ts';

type JSONObject = Readonly<Record<string, unknown>>;

/**
 * Entry n turns a file of version n into version n + 1. Entries are never removed; a format change adds one, and a file
 * of the old version is added to this folder for the test.
 */
const MIGRATIONS: readonly ((file: JSONObject) => JSONObject)[] = [fromVersion0];

/**
 * Brings the JSON of a case file to `version`, the version this build reads. Throws a UserError for a file of a later
 * version or without one.
 */
export function migrate(json: unknown, name: string, version: number): JSONObject {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new UserError(`${name}: expected a case, a JSON object`);
  let file = json as JSONObject;
  const found = file['formatVersion'];
  if (typeof found !== 'number' || !Number.isInteger(found) || found < 0) {
    throw new UserError(
      `${name}: at /formatVersion: expected a whole number (this build reads 0 to ${version}), got ${found === undefined ? 'nothing' : printable(JSON.stringify(found) ?? '', 60)}`,
    );
  }
  if (found > version) {
    throw new UserError(
      `${name}: format version ${found} is newer than this build reads (0 to ${version}); update seamstress`,
    );
  }
  for (const next of MIGRATIONS.slice(found, version)) file = next(file);
  return file;
}

/**
 * Version 0 (before the first release) had `kernel` and `module` on the top level, no `hibernation`, the KeyID halves as
 * one MSR value, and the kernel's initialisation as an event `tdx-enable`.
 */
function fromVersion0({ kernel, module, platform, events, ...rest }: JSONObject): JSONObject {
  const { msr87, ...kept } = (platform ?? {}) as JSONObject;
  const partition = BigInt(typeof msr87 === 'string' && /^0x[0-9a-f]+$/.test(msr87) ? msr87 : 0);
  return {
    ...rest,
    formatVersion: 1,
    profile: { kernel, module },
    platform: {
      ...kept,
      keyids: { mktme: Number(partition & 0xffffffffn), tdx: Number(partition >> 32n) },
      hibernation: false,
    },
    events: Array.isArray(events) ? events.map(renameEnable) : events,
  };
}

function renameEnable(event: unknown): unknown {
  const { kind, ...rest } = (event ?? {}) as JSONObject;
  return kind === 'tdx-enable' ? { kind: 'enable', ...rest } : event;
}
