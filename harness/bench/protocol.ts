import { fileURLToPath } from 'node:url';
import { compareAnswers } from '../implementations/module/compare-answers.ts';
import type { CaseAnswer } from '../implementations/protocol/messages.ts';
import { type Asked, openSession } from '../implementations/module/session.ts';
import { DEFAULT_TIMEOUTS } from '../implementations/process/timeouts.ts';

// Validated steps per second through seam-stdio/1 to a trivial Node implementation and back: 16 steps per case, six
// registers per step. Budget: 400,000 with requests in flight and expected answers. The slow path (each answer parsed,
// checked against its schema and compared) is measured, too. The two processes need a core each.

const ECHO = fileURLToPath(new URL('../testing/protocol-echo.js', import.meta.url));
const CASES = 64;
const STEPS = 16;
const SECONDS = 3;
const REGISTERS = ['rax', 'rcx', 'rdx', 'r8', 'r9', 'r10'];

const expected: CaseAnswer[] = [];
const cases: Asked[] = Array.from({ length: CASES }, (_, at) => {
  const id = `case-${at}`;
  const steps = Array.from({ length: STEPS }, (_none, step) => {
    const registers = REGISTERS.map((name, index) => [
      name,
      `0x${(0xc000000000000 + at * 4096 + step * 16 + index).toString(16)}`,
    ]);
    return { result: Object.fromEntries(registers) as { [register: string]: string } };
  });
  const answer: CaseAnswer = { case: id, outcome: 'observed', steps };
  expected.push(answer);
  const text = JSON.stringify({ id, steps: steps.map(({ result }) => ({ seamcall: { lp: 0, ...result } })) });
  return { id, text, steps: STEPS, expected: JSON.stringify(answer) };
});
const unexpected = cases.map((one) => ({ ...one, expected: null }));

await measure('as expected, 16 cases a message, 16 in flight', cases, 16, 16, 400_000);
await measure('as expected, 1 case a message, 16 in flight', cases, 1, 16);
await measure('as expected, 1 case a message, lock-step', cases, 1, 1);
await measure('parsed and compared, 16 cases a message, 16 in flight', unexpected, 16, 16);

async function measure(
  name: string,
  all: readonly Asked[],
  batch: number,
  inFlight: number,
  budget?: number,
): Promise<void> {
  const session = await openSession(`exec '${process.execPath}' '${ECHO}'`, {
    timeouts: DEFAULT_TIMEOUTS,
    version: 'bench',
    now: () => performance.now(),
    validate: 'sampled',
  });
  let steps = 0;
  let cpu = process.cpuUsage();
  let end = Number.POSITIVE_INFINITY;
  const lane = async (from: number): Promise<void> => {
    for (let at = from; performance.now() < end; at = (at + batch) % all.length) {
      const some = all.slice(at, at + batch);
      const { answers } = await session.run(some, false, 1);
      for (const [index, answer] of (answers ?? []).entries()) {
        const want = expected[at + index];
        if (want === undefined || compareAnswers(want, answer, 'registers').difference !== null)
          throw new Error(`${name}: a wrong answer`);
      }
      for (const one of some) steps += one.steps;
    }
  };
  const run = async (seconds: number): Promise<number> => {
    steps = 0;
    const start = performance.now();
    cpu = process.cpuUsage();
    end = start + seconds * 1000;
    await Promise.all(Array.from({ length: inFlight }, (_, index) => lane((index * batch) % all.length)));
    return (steps / (performance.now() - start)) * 1000;
  };
  await run(1);
  const rate = Math.round(await run(SECONDS));
  // CPU time of this process alone, which other processes on the machine do not change.
  const { user, system } = process.cpuUsage(cpu);
  const own = ((user + system) / steps).toFixed(2);
  const target = budget === undefined ? '' : ` (budget ${budget})`;
  process.stdout.write(
    `${name.padEnd(56)} ${String(rate).padStart(8)} steps/s${target}, ${own} us of CPU time of this process per step\n`,
  );
  await session.close();
}
