import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { replayLinux } from './linux-replay.ts';
import { TraceFormatError } from './replay.ts';

/** Every line of a recording in corpus/transcripts. */
function recording(name: string): unknown[] {
  const packed = readFileSync(new URL(`../../../corpus/transcripts/${name}.jsonl.gz`, import.meta.url));
  const lines: unknown[] = [];
  for (const line of gunzipSync(packed).toString('utf8').split('\n')) if (line !== '') lines.push(JSON.parse(line));
  return lines;
}

/** One recorded case, free to be damaged. */
function healthy(): any {
  return structuredClone(recording('linux-6.12-demos')[0]);
}

describe('a recorded kernel and its model', () => {
  test.each([
    ['linux-6.12', '6.12', 1109, 0],
    ['linux-6.17', '6.17', 349, 0],
    ['linux-7.3', '7.3', 325, 0],
    ['linux-6.12-demos', '6.12', 55, 2],
    ['linux-7.3-demos', '7.3', 61, 2],
  ])('%s: every case agrees', (name, kernel, count, outsideMask) => {
    const results = recording(name).map((line) => replayLinux(line, kernel));
    expect(results.flatMap(({ mismatches }) => mismatches)).toEqual([]);
    expect(results).toHaveLength(count);
    expect(results.filter(({ skipped }) => skipped.length > 0).map(({ skipped }) => skipped[0]?.reason)).toEqual(
      Array.from(
        { length: outsideMask },
        () => 'package id outside the cpumask: the result depends on neighbouring heap bytes',
      ),
    );
  });
});

describe('one flipped digit', () => {
  const flip = (at: any, key: string | number): void => {
    const value = at[key];
    if (typeof value === 'number') at[key] = value ^ 1;
    else at[key] = value.replace(/[0-9a-f](?=[^0-9a-f]*$)/, (digit: string) => (digit === '1' ? '2' : '1'));
  };
  test.each<[string, (enable: any) => void]>([
    ['an errno', (enable) => flip(enable, 'ret')],
    ['a line of dmesg', (enable) => flip(enable.dmesg, 0)],
    ['the size of an allocation', (enable) => flip(enable.alloc[4], 1)],
    ['the node of a PAMT', (enable) => flip(enable.alloc[4], 3)],
    ['an input register', (enable) => flip(enable.sc[0], 2)],
    ['the CPU of a SEAMCALL', (enable) => flip(enable.sc[7], 1)],
    ['a TDMR base', (enable) => flip(enable.tdmrs[1], 'base')],
    ['a PAMT base', (enable) => flip(enable.tdmrs[2].pamt, 0)],
    ['a reserved area', (enable) => flip(enable.tdmrs[0].rsvd[1], 1)],
    ['the address of the TDMR list', (enable) => flip(enable.sc[5], 2)],
    ['the number of TDMR.INIT answers', (enable) => enable.sc.pop()],
    ['a reserved area too many', (enable) => enable.tdmrs[0].rsvd.pop()],
    ['a WBINVD that moved', (enable) => enable.sc.splice(7, 0, ...enable.sc.splice(6, 1))],
  ])('in %s is caught', (_what, damage) => {
    const line = healthy();
    expect(replayLinux(line, '6.12').mismatches).toEqual([]);
    damage(line.steps[5][1]);
    const { mismatches } = replayLinux(line, '6.12');
    expect(mismatches).toHaveLength(1);
    expect(mismatches[0]?.step).toBe(4);
  });
});

describe('a damaged recording', () => {
  test.each<[string, (line: any) => void]>([
    ['no steps', (line) => delete line.steps],
    ['a step that is no pair', (line) => line.steps.push([{}])],
    ['an unknown command', (line) => line.steps.push([{ reboot: true }, {}])],
    ['registers that are not hexadecimal', (line) => (line.steps[1][1].sc[0][2] = '0,x,0')],
    ['an address that is not a string', (line) => (line.steps[0][0].boot.memblock[0].start = {})],
    ['a CPU id out of all bounds', (line) => (line.steps[0][0].boot.cpus[0].id = 1e9)],
  ])('%s is a format error', (_what, damage) => {
    const line = healthy();
    damage(line);
    expect(() => replayLinux(line, '6.12')).toThrow(TraceFormatError);
  });

  test('a kernel without a model is a format error', () => {
    expect(() => replayLinux(healthy(), '4.20')).toThrow('no model for the kernel 4.20');
  });
});
