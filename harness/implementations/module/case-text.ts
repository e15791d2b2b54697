import { healthyPlatform } from './suite/draft.ts';
import { STEP_INPUTS } from '../../transcript/module-case.ts';
import type { StepAnswer, ModuleStepText } from '../protocol/messages.ts';
import type { ModuleFinding } from './report.ts';
import { leafText, raxText } from './requirement.ts';

/** A minimal case for a reader: the machine, then the calls with what comes before each, the wrong one with both answers. */
export function renderCase({ case: { platform, steps }, difference }: ModuleFinding): string[] {
  const lines = machineText(platform);
  for (const [index, step] of steps.entries()) {
    const { lp, rax, ...operands } = step.seamcall;
    const call = `${String(index + 1).padStart(3)}  LP ${lp}  ${leafText(rax)}${plainMembers(operands, ' ')}`;
    const wrong = index === difference?.step ? difference : null;
    // Where RAX is what differs, both are told below it.
    const told = wrong === null || wrong.kind === 'register' || wrong.kind === 'memory' || wrong.kind === 'state';
    lines.push(`${call}${step.repeat === undefined ? '' : ` x${step.repeat}`}${told ? ` -> ${answerText(step)}` : ''}`);
    lines.push(...inputLines(step));
    if (wrong === null) continue;
    const named = wrong.what.endsWith('rax') ? withNumber : (text: string) => text;
    const place = wrong.what === 'rax' || wrong.what === 'outcome' ? '' : `${wrong.what}: `;
    lines.push(`       ${place}expected ${named(wrong.expected)}`);
    lines.push(`       ${place}got      ${named(wrong.got)}`);
  }
  return lines;
}

/** Members that differ from those of a healthy machine; the others are not worth a reader's time. */
function machineText(platform: ModuleFinding['case']['platform']): string[] {
  const count = platform.lps.length;
  const healthy = healthyPlatform();
  // The same LPs, only fewer: a number says it.
  const usual: { readonly [member: string]: unknown } = { ...healthy, lps: healthy.lps.slice(0, count) };
  const other = Object.entries(platform).filter(([name, value]) => plain(value) !== plain(usual[name]));
  const machine = `a healthy machine with ${count} ${count === 1 ? 'LP' : 'LPs'}`;
  if (other.length === 0) return [machine];
  return [`${machine}, but for`, ...other.map(([name, value]) => `       ${name} ${plain(value)}`)];
}

function inputLines(step: ModuleStepText): string[] {
  const lines: string[] = [];
  for (const name of STEP_INPUTS) {
    const value = step[name];
    if (value === undefined || name === 'repeat') continue;
    // One line for each block of memory: they are long.
    if (name === 'mem') for (const { pa, u64 } of step.mem ?? []) lines.push(`       mem ${pa}: ${u64.join(' ')}`);
    else lines.push(`       ${name} ${plain(value)}${name === 'inject' && step.injectArg ? ` ${step.injectArg}` : ''}`);
  }
  return lines;
}

function answerText({ result, runs, fatal, unsupported }: StepAnswer): string {
  if (fatal !== undefined) return 'the end of the module';
  if (unsupported !== undefined) return 'not compared: the model does not have this leaf';
  const rax = result?.['rax'] ?? runs?.at(-1)?.result['rax'];
  return rax === undefined ? 'no answer' : raxText(rax);
}

function withNumber(rax: string): string {
  const text = raxText(rax);
  return text === rax ? rax : `${text} (${rax})`;
}

/** A value of JSON without what only a parser needs: `[{base 0x0, size 0x1000}]`. */
function plain(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(plain).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{${plainMembers(value, ', ').trimStart()}}`;
}

function plainMembers(value: object, separator: string): string {
  const text = Object.entries(value).map(([name, member]) => `${name} ${plain(member)}`);
  return text.length === 0 ? '' : ` ${text.join(separator)}`;
}
