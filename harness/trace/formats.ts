import type { Release } from '../../model/module/release.ts';
import { isModuleLine } from './module-case.ts';
import type { RepeatMode } from './module-replay.ts';
import { createModuleReplay } from './module-replay.ts';
import type { CaseResult } from './replay.ts';
import { TraceFormatError } from './replay.ts';

/** What a transcript is replayed against. */
export interface ReplayOptions {
  /** The module a module transcript is compared with. */
  readonly release: Release;
  readonly repeat: RepeatMode;
}

/** One kind of recording: how its lines look, and who replays them. `file` may say what the line does not. */
interface TraceFormat {
  readonly name: string;
  readonly matches: (line: object) => boolean;
  readonly replay: (line: unknown, file: string, options: ReplayOptions) => CaseResult;
}

/** Every kind of recording `check-trace` reads. */
const FORMATS: readonly TraceFormat[] = [
  { name: 'module', matches: isModuleLine, replay: (line, _file, { release, repeat }) => createModuleReplay(release, repeat)(line) },
];

/** Replays one line of any kind, told by its shape; throws TraceFormatError for a line of no known kind. */
export function replayLine(line: unknown, file: string, options: ReplayOptions): CaseResult {
  if (typeof line === 'object' && line !== null) {
    for (const format of FORMATS) if (format.matches(line)) return format.replay(line, file, options);
  }
  throw new TraceFormatError(`no recorded case: expected an object as one of these has it: ${FORMATS.map(({ name }) => name).join(', ')}`);
}
