import type { CampaignRecord, Header } from '../campaign/record.ts';
import { UserError } from '../user-error.ts';
import { publishedSchema } from '../schema.ts';

export const RECORD_SCHEMA = publishedSchema<CampaignRecord>('./report/record.schema.json');

/** A campaign's event stream, read from a file. */
export interface CampaignLog {
  readonly records: readonly CampaignRecord[];
  readonly header: Header;
  /** False: the campaign was killed, or the file was truncated; the records are correct but incomplete. */
  readonly complete: boolean;
}

/** One record as one line. */
export function encodeRecord(record: CampaignRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** The record without the values that depend on clock and machine. */
export function withoutTiming(record: CampaignRecord): CampaignRecord {
  if (!('timing' in record)) return record;
  const { timing: _, ...rest } = record;
  return rest;
}

/**
 * Reads an event stream. A truncated last line is ignored (`complete` is then false); any other line that is not a
 * record throws a UserError that names the line.
 */
export function readCampaignLog(text: string, name: string): CampaignLog {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const records: CampaignRecord[] = [];
  for (const [index, line] of lines.entries()) {
    const json = parse(line);
    const cut = json === undefined && index === lines.length - 1 && !text.endsWith('\n');
    if (cut) break;
    if (json === undefined) throw new UserError(`${name}:${index + 1}: not valid JSON`);
    records.push(RECORD_SCHEMA.check(json, `${name}:${index + 1}`));
  }
  const [header] = records;
  if (header?.record !== 'header')
    throw new UserError(`${name}: expected a campaign's event stream, which begins with a header`);
  return { records, header, complete: records.at(-1)?.record === 'footer' };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
