import { REGISTERS, type Registers } from '../../model/abi/registers.ts';
import type { U64 } from '../../model/abi/u64.ts';
import type { Conditions } from '../../model/module/conditions.ts';
import { CONDITION_NAMES, NO_CONDITIONS, withCondition } from '../../model/module/conditions.ts';
import type { CPUIDValue, MSRValue } from '../../model/platform/hardware.ts';
import type { JSONObject } from './json.ts';
import {
  arrayOr,
  asAddress,
  asArray,
  asCount,
  asObject,
  asText,
  asU64,
  countOr,
  refuseUnknownKeys,
  u32,
  u64Or0,
} from './json.ts';
import type { HardwareSeed } from './module-platform.ts';
import { readCPUIDs, readLPMSRs, readMSRs, readPlatform } from './module-platform.ts';
import { TraceFormatError } from './replay.ts';

/** One recorded module case, checked and ready to be replayed any number of times. */
export interface ModuleCase {
  readonly id: string;
  readonly platform: HardwareSeed;
  readonly steps: readonly ModuleStep[];
}

export interface ModuleStep {
  readonly lp: number;
  /** Registers on entry. */
  readonly regs: Readonly<Registers>;
  readonly conditions: Conditions;
  /** The same call this often; the answers, run-length coded, add up to it. */
  readonly repeat: number;
  readonly runs: readonly Run[];
  /** `null`: a step without inputs beyond the call, by far the commonest. */
  readonly before: Before | null;
  readonly reads: readonly Read[];
  /** The module shut itself down here. */
  readonly fatal: boolean;
}

export interface Run {
  readonly count: number;
  readonly result: Readonly<Registers>;
}

/** What changes before the call. */
export interface Before {
  readonly writes: readonly Write[];
  readonly msr: readonly MSRValue[];
  readonly cpuid: readonly CPUIDValue[];
  readonly seamopsCaps: number | null;
  readonly reload: boolean;
}

export interface Write {
  readonly address: number;
  readonly words: readonly U64[];
}

export interface Read {
  readonly address: number;
  readonly words: readonly U64[];
}

const CASE_KEYS = new Set(['id', 'platform', 'steps']);
/** What a step may have beside its call (`injectArg` belongs to `inject`). */
export const STEP_INPUTS = [
  'mem',
  'msr',
  'lpMsr',
  'cpuid',
  'seamopsCaps',
  'reload',
  'inject',
  'repeat',
  'read',
] as const;
const STEP_KEYS = new Set([...STEP_INPUTS, 'seamcall', 'injectArg', 'runs', 'result', 'resultMem', 'fatal']);
const CALL_KEYS = new Set<string>(['lp', ...REGISTERS]);
const RESULT_KEYS = new Set<string>(REGISTERS);
const REPEAT_END = 1e9;
const READ_WORDS_END = 1e6;

/** Reads one parsed line; throws TraceFormatError where it is not of the recorded shape. */
export function readModuleCase(line: unknown): ModuleCase {
  return readCase(line, true);
}

/**
 * Reads the inputs of a line alone: answers, if there are any, are left aside. `runs` is empty then, and the words of
 * `reads` are as many zeroes as are to be read.
 */
export function readModuleInputs(line: unknown): ModuleCase {
  return readCase(line, false);
}

function readCase(line: unknown, answered: boolean): ModuleCase {
  const object = asObject(line, 'line');
  refuseUnknownKeys(object, CASE_KEYS, 'line');
  const id = asText(object['id'], 'id');
  const platform = readPlatform(object['platform']);
  const steps = asArray(object['steps'], 'steps').map((step, index) =>
    readStep(step, platform.lps.length, `${id}: steps[${index}]`, answered),
  );
  for (const [index, step] of steps.entries()) {
    if (step.fatal && index + 1 < steps.length)
      throw new TraceFormatError(`${id}: steps[${index}] is fatal, yet ${steps.length - index - 1} steps follow`);
  }
  return { id, platform, steps };
}

function readStep(value: unknown, lpCount: number, where: string, answered: boolean): ModuleStep {
  const step = asObject(value, where);
  refuseUnknownKeys(step, STEP_KEYS, where);
  const call = asObject(step['seamcall'], `${where}.seamcall`);
  refuseUnknownKeys(call, CALL_KEYS, `${where}.seamcall`);
  const fatal = answered && step['fatal'] !== undefined;
  if (fatal) asText(step['fatal'], `${where}.fatal`);
  const repeat = countOr(step['repeat'], 1, REPEAT_END, `${where}.repeat`);
  return {
    lp: asCount(call['lp'], lpCount, `${where}.seamcall.lp`),
    regs: readRegisters(call, `${where}.seamcall`),
    conditions: readConditions(step, where),
    repeat,
    runs: fatal || !answered ? [] : readRuns(step, repeat, where),
    before: readBefore(step, lpCount, where),
    reads: answered ? readReads(step, where) : readWanted(step, where),
    fatal,
  };
}

function readRegisters(object: JSONObject, where: string): Registers {
  return {
    rax: asU64(object['rax'], `${where}.rax`),
    rcx: u64Or0(object['rcx'], `${where}.rcx`),
    rdx: u64Or0(object['rdx'], `${where}.rdx`),
    r8: u64Or0(object['r8'], `${where}.r8`),
    r9: u64Or0(object['r9'], `${where}.r9`),
    r10: u64Or0(object['r10'], `${where}.r10`),
    r11: u64Or0(object['r11'], `${where}.r11`),
  };
}

function readConditions(step: JSONObject, where: string): Conditions {
  if (step['inject'] === undefined) return NO_CONDITIONS;
  const name = asText(step['inject'], `${where}.inject`);
  const address = step['injectArg'] === undefined ? 0 : asAddress(step['injectArg'], `${where}.injectArg`);
  const conditions = withCondition(NO_CONDITIONS, name, address);
  if (conditions === undefined)
    throw new TraceFormatError(`${where}.inject: unknown "${name}"; known are ${CONDITION_NAMES.join(', ')}`);
  return conditions;
}

function readRuns(step: JSONObject, repeat: number, where: string): readonly Run[] {
  if (step['runs'] === undefined) {
    if (repeat !== 1) throw new TraceFormatError(`${where}: repeat ${repeat} needs \`runs\``);
    return [{ count: 1, result: readResult(step['result'], `${where}.result`) }];
  }
  const runs = asArray(step['runs'], `${where}.runs`).map((item, index) => {
    const at = `${where}.runs[${index}]`;
    const run = asObject(item, at);
    const count = asCount(run['n'], REPEAT_END, `${at}.n`);
    if (count === 0) throw new TraceFormatError(`${at}.n: expected at least 1`);
    return { count, result: readResult(run['result'], `${at}.result`) };
  });
  const total = runs.reduce((sum, run) => sum + run.count, 0);
  if (total !== repeat)
    throw new TraceFormatError(`${where}.runs: the counts add up to ${total}, not to repeat = ${repeat}`);
  return runs;
}

function readResult(value: unknown, where: string): Registers {
  const result = asObject(value, where);
  refuseUnknownKeys(result, RESULT_KEYS, where);
  return readRegisters(result, where);
}

function readBefore(step: JSONObject, lpCount: number, where: string): Before | null {
  const { mem, msr, lpMsr, cpuid, seamopsCaps, reload } = step as { [key: string]: unknown };
  if (
    mem === undefined &&
    msr === undefined &&
    lpMsr === undefined &&
    cpuid === undefined &&
    seamopsCaps === undefined &&
    reload === undefined
  )
    return null;
  if (reload !== undefined && typeof reload !== 'boolean')
    throw new TraceFormatError(`${where}.reload: expected true or false`);
  const cpuids = readCPUIDs(cpuid, `${where}.cpuid`);
  for (const { lp } of cpuids) if (lp !== null) asCount(lp, lpCount, `${where}.cpuid: lp`);
  return {
    writes: readWrites(mem, `${where}.mem`),
    msr: [...readMSRs(msr, null, `${where}.msr`), ...readLPMSRs(lpMsr, `${where}.lpMsr`)],
    cpuid: cpuids,
    seamopsCaps: seamopsCaps === undefined ? null : u32(seamopsCaps, `${where}.seamopsCaps`),
    reload: reload === true,
  };
}

function readWrites(value: unknown, where: string): readonly Write[] {
  return arrayOr(value, where).map((item, index) => {
    const at = `${where}[${index}]`;
    const write = asObject(item, at);
    return {
      address: asWordAddress(write['pa'], `${at}.pa`),
      words: asArray(write['u64'], `${at}.u64`).map((word, offset) => asU64(word, `${at}.u64[${offset}]`)),
    };
  });
}

function readReads(step: JSONObject, where: string): readonly Read[] {
  const reads = arrayOr(step['read'], `${where}.read`);
  const answers = arrayOr(step['resultMem'], `${where}.resultMem`);
  if (step['fatal'] === undefined && reads.length !== answers.length) {
    throw new TraceFormatError(
      `${where}.resultMem: expected ${reads.length} arrays, one for each of \`read\`, found ${answers.length}`,
    );
  }
  return answers.map((answer, index) => {
    const at = `${where}.resultMem[${index}]`;
    const read = asObject(reads[index], `${where}.read[${index}]`);
    const words = asArray(answer, at);
    const count = asCount(read['u64'], READ_WORDS_END, `${where}.read[${index}].u64`);
    if (words.length !== count) throw new TraceFormatError(`${at}: expected ${count} words, found ${words.length}`);
    return {
      address: asWordAddress(read['pa'], `${where}.read[${index}].pa`),
      words: words.map((word, offset) => asU64(word, `${at}[${offset}]`)),
    };
  });
}

/** What a step reads, without what was found there. */
function readWanted(step: JSONObject, where: string): readonly Read[] {
  return arrayOr(step['read'], `${where}.read`).map((item, index) => {
    const at = `${where}.read[${index}]`;
    const read = asObject(item, at);
    return {
      address: asWordAddress(read['pa'], `${at}.pa`),
      words: new Array<number>(asCount(read['u64'], READ_WORDS_END, `${at}.u64`)).fill(0),
    };
  });
}

function asWordAddress(value: unknown, where: string): number {
  const address = asAddress(value, where);
  if (address % 8 !== 0)
    throw new TraceFormatError(`${where}: expected a multiple of 8, found 0x${address.toString(16)}`);
  return address;
}

/** True for a line that means to be a module case. */
export function isModuleLine(line: object): boolean {
  return 'platform' in line;
}
