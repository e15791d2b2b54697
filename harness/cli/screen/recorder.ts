import { closeSync, openSync, writeSync } from 'node:fs';
import type { CampaignRecord } from '../../campaign/record.ts';
import { encodeRecord, withoutTiming } from '../../report/lines.ts';
import { writeFailure } from '../../store/atomic.ts';

/** Takes a campaign's records down, on disk as they come: a campaign that is killed leaves all but its footer. */
export interface Recorder {
  readonly emit: (record: CampaignRecord) => void;
  readonly records: readonly CampaignRecord[];
  readonly close: () => void;
}

/** `timings`: note the time in progress records and footer, and keep the header's. */
export function openRecorder(path: string, timings: boolean, now: () => number): Recorder {
  const records: CampaignRecord[] = [];
  const start = now();
  const file = attempt(path, () => openSync(path, 'w'));
  return {
    records,
    emit(record) {
      const kept = timings ? timed(record, (now() - start) / 1000) : withoutTiming(record);
      records.push(kept);
      attempt(path, () => writeSync(file, encodeRecord(kept)));
    },
    close: () => closeSync(file),
  };
}

function timed(record: CampaignRecord, seconds: number): CampaignRecord {
  if (record.record !== 'progress' && record.record !== 'footer') return record;
  return { ...record, timing: { seconds, casesPerSecond: Math.round(record.cases / Math.max(seconds, 0.001)) } };
}

function attempt<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw writeFailure(path, error);
  }
}
