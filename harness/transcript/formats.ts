import type { Release } from '../../model/module/release.ts';
import { replayLinux } from './linux-replay.ts';
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
  readonly replay: (line: object, file: string, options: ReplayOptions) => CaseResult;
}

/** Every kind of recording `check-trace` reads. */
const FORMATS: readonly TraceFormat[] = [
  {
    name: 'module',
    matches: isModuleLine,
    replay: (line, _file, { release, repeat }) => createModuleReplay(release, repeat)(line),
  },
  { name: 'Linux', matches: isLinuxLine, replay: (line, file) => replayLinux(line, kernelOf(line, file)) },
];

/** Replays one line of any kind, told by its shape; throws TraceFormatError for a line of no known kind. */
export function replayLine(line: unknown, file: string, options: ReplayOptions): CaseResult {
  if (typeof line === 'object' && line !== null) {
    for (const format of FORMATS) if (format.matches(line)) return format.replay(line, file, options);
  }
  throw new TraceFormatError(
    `no recorded case: expected an object as one of these has it: ${FORMATS.map(({ name }) => name).join(', ')}`,
  );
}

function isLinuxLine(line: object): boolean {
  return 'boot' in line || ('name' in line && 'steps' in line);
}

/** A line's id begins with its kernel. Those of the demos have none; their file says it (`linux-6.12-demos.jsonl`). */
function kernelOf(line: object, file: string): string | undefined {
  return 'id' in line ? undefined : /linux-(\d+\.\d+)[^/]*$/.exec(file)?.[1];
}
