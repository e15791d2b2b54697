import type { PlatformFile } from './platform-file.ts';

/** What the source of a platform file says became of the machine, beside what the model makes of it. */
export interface ReportedOutcome {
  /** In the words of the file. */
  readonly text: string;
  /** Kernel and TDX module the source ran; `null`: not said. */
  readonly kernel: string | null;
  readonly module: string | null;
  /** How the model's outcome differs, in words; `null`: it does not, or the text is none that can be compared. */
  readonly difference: string | null;
  /** False: the text is neither a success nor a failure by its first words, and `difference` means nothing. */
  readonly comparable: boolean;
  /** Where there is a difference: what may account for it, as sentences. */
  readonly why: readonly string[];
}

/** Of a boot on the model. */
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
  const told = readOutcome(outcome);
  const module = moduleText(file);
  const difference = told === undefined ? null : differenceBetween(told, booted, file);
  return {
    ...{ text: outcome, kernel, module, difference, comparable: told !== undefined },
    why: difference === null ? [] : whyNot(file, booted, module),
  };
}

interface Told {
  readonly initialised: boolean;
  /** `null`: not said. */
  readonly errno: number | null;
}

/** By the first words, in either spelling. What tells of a failure and of a success, before and after something was changed, is neither. */
function readOutcome(text: string): Told | undefined {
  if (/^initiali[sz]ed/.test(text)) return { initialised: true, errno: 0 };
  if (!/^(?:fail\b|TDX (?:absent|cannot))/.test(text) || /initiali[sz]ed/.test(text)) return undefined;
  const errno = /^fail (-\d+)/.exec(text)?.[1];
  return { initialised: false, errno: errno === undefined ? null : Number(errno) };
}

function differenceBetween(told: Told, booted: Booted, { pamtKbReported }: PlatformFile): string | null {
  if (told.initialised && !booted.initialised)
    return `the source saw TDX initialised, on the model it fails with ${booted.errno}`;
  if (!told.initialised && booted.initialised) return 'the source saw a failure, on the model TDX is initialised';
  if (!told.initialised && told.errno !== null && told.errno !== booted.errno)
    return `the source saw ${told.errno}, the model fails with ${booted.errno}`;
  if (told.initialised && typeof pamtKbReported === 'number' && pamtKbReported !== booted.pamtKB)
    return `the source saw ${pamtKbReported} KB of PAMT, the model has ${booted.pamtKB}`;
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
    `The source ran kernel ${file.kernel ?? '(not said)'} on TDX module ${ranModule ?? '(not said)'}, this boot ${kernel} on ${module}.`,
    ...(list === undefined ? [] : [`The file does not say ${list}: rules stand in for it.`]),
    'A platform file holds no CPUID values, and few MSRs and BIOS settings: all of them are taken as healthy.',
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
