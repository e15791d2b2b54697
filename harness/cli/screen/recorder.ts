import { closeSync, writeSync } from 'node:fs';
import type { CampaignRecord } from '../../campaign/record.ts';
import { encodeRecord, withoutTiming } from '../../report/lines.ts';
import { openStream, writeFailure } from '../../store/atomic.ts';
import { UserError } from '../../user-error.ts';

/** Writes the records of a campaign to disk as they arrive: a campaign that is killed leaves all but its footer. */
export interface Recorder {
  readonly emit: (record: CampaignRecord) => void;
  readonly records: readonly CampaignRecord[];
  /** Why the stream on disk ends early; `null` if it does not. */
  readonly failure: () => UserError | null;
  readonly close: () => void;
}

/** `timings`: add the time to progress records and footer, and keep that of the header. */
export function openRecorder(path: string, timings: boolean, now: () => number): Recorder {
  const records: CampaignRecord[] = [];
  const start = now();
  const file = openStream(path);
  let failure: UserError | null = null;
  return {
    records,
    failure: () => failure,
    emit(record) {
      const kept = timings ? timed(record, (now() - start) / 1000) : withoutTiming(record);
      records.push(kept);
      // A record that was cut must stay the last: only the last line of a stream may be incomplete.
      if (failure !== null) return;
      try {
        writeSync(file, encodeRecord(kept));
      } catch (error) {
        failure = failureOf(path, error);
      }
    },
    close: () => closeSync(file),
  };
}

function timed(record: CampaignRecord, seconds: number): CampaignRecord {
  if (record.record !== 'progress' && record.record !== 'footer') return record;
  return { ...record, timing: { seconds, casesPerSecond: Math.round(record.cases / Math.max(seconds, 0.001)) } };
}

function failureOf(path: string, error: unknown): UserError {
  const failure = writeFailure(path, error);
  if (failure instanceof UserError) return failure;
  throw failure;
}
