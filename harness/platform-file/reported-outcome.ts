import type { PlatformFile } from './platform-file.ts';

/** The outcome that the source of a platform file reports, compared with that of the model. */
export interface ReportedOutcome {
  /** In the words of the file. */
  readonly text: string;
  /** Kernel and TDX module of the source; `null`: unknown. */
  readonly kernel: string | null;
  readonly module: string | null;
  /** How the model's outcome differs, in words; `null`: it does not, or the text cannot be compared. */
  readonly difference: string | null;
  /** False: the first words of the text are neither a success nor a failure, and `difference` is meaningless. */
  readonly comparable: boolean;
  /** Possible reasons for a difference, as sentences. */
  readonly why: readonly string[];
}

/** The outcome of a boot on the model. */
interface Booted {
  readonly kernel: string;
  readonly module: string;
  readonly errno: number;
  readonly initialised: boolean;
  readonly pamtKB: number;
}

/** `null` for a file that reports no outcome. */
export function reportedOutcome(file: PlatformFile, booted: Booted): ReportedOutcome | null {
  const { outcome, kernel = null } = file;
  if (outcome === undefined || outcome === null) return null;
  const source = readOutcome(outcome);
  const module = moduleText(file);
  const difference = source === undefined ? null : differenceBetween(source, booted, file);
  return {
    ...{ text: outcome, kernel, module, difference, comparable: source !== undefined },
    why: difference === null ? [] : whyNot(file, booted, module),
  };
}

interface SourceOutcome {
  readonly initialised: boolean;
  /** `null`: unknown. */
  readonly errno: number | null;
}

/** Reads the first words, in either spelling. A text with both a failure and a success, from two boots, is neither. */
function readOutcome(text: string): SourceOutcome | undefined {
  if (/^initiali[sz]ed/.test(text)) return { initialised: true, errno: 0 };
  if (!/^(?:fail\b|TDX (?:absent|cannot))/.test(text) || /initiali[sz]ed/.test(text)) return undefined;
  const errno = /^fail (-\d+)/.exec(text)?.[1];
  return { initialised: false, errno: errno === undefined ? null : Number(errno) };
}

function differenceBetween(source: SourceOutcome, booted: Booted, { pamtKbReported }: PlatformFile): string | null {
  if (source.initialised && !booted.initialised)
    return `TDX was initialised on the source's machine, and fails with ${booted.errno} on the model`;
  if (!source.initialised && booted.initialised)
    return "TDX failed on the source's machine, and is initialised on the model";
  if (!source.initialised && source.errno !== null && source.errno !== booted.errno)
    return `TDX failed with ${source.errno} on the source's machine, and fails with ${booted.errno} on the model`;
  if (source.initialised && typeof pamtKbReported === 'number' && pamtKbReported !== booted.pamtKB)
    return `the source's machine has ${pamtKbReported} KB of PAMT, the model has ${booted.pamtKB}`;
  return null;
}

function whyNot(file: PlatformFile, { kernel, module }: Booted, ranModule: string | null): string[] {
  const unsaid = [
    ...(file.packages && file.coresPerPackage && file.threadsPerCore ? [] : ['the topology']),
    ...(file.keyids ? [] : ['the KeyIDs']),
    ...(file.e820 ? [] : ['the memory map']),
    ...(file.cmrs ? [] : ['the CMRs']),
    ...(file.reported?.['kernelCmdline'] ? [] : ['the command line']),
  ];
  const list = unsaid.length > 1 ? `${unsaid.slice(0, -1).join(', ')} and ${unsaid.at(-1)}` : unsaid[0];
  return [
    `The source ran kernel ${file.kernel ?? '(unknown)'} on TDX module ${ranModule ?? '(unknown)'}, this boot ${kernel} on ${module}.`,
    ...(list === undefined ? [] : [`The file does not contain ${list}: rules assume the missing values.`]),
    'A platform file contains no CPUID values, and few MSRs and BIOS settings: the others are assumed to be healthy.',
  ];
}

function moduleText({ moduleVersion }: PlatformFile): string | null {
  if (moduleVersion === undefined || moduleVersion === null) return null;
  const { printed, major, minor, update, buildNum } = moduleVersion;
  if (printed !== undefined) return String(printed);
  if (major === undefined || minor === undefined) return null;
  const version = [major, minor, update].filter((part) => part !== undefined).join('.');
  return buildNum === undefined ? version : `${version} (build ${buildNum})`;
}
