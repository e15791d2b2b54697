import { createInterface } from 'node:readline';

// A trivial implementation for harness/bench/protocol.ts: every call returns its input registers.

interface Step {
  readonly seamcall: { readonly lp: number; readonly [register: string]: string | number };
}

interface Line {
  readonly type: string;
  readonly id: number;
  readonly cases?: readonly { readonly id: string; readonly steps: readonly Step[] }[];
}

const HELLO = {
  protocol: { major: 1, minor: 0 },
  implementation: { name: 'echo', version: '1' },
  capabilities: { role: 'module', modules: [], batchMax: 64, inFlightMax: 16, state: false, deterministic: true },
};

createInterface({ input: process.stdin }).on('line', (text) => {
  const { type, id, cases = [] } = JSON.parse(text) as Line;
  if (type === 'hello') say({ type, id, ...HELLO });
  if (type === 'run') say({ type: 'ran', id, results: cases.map(echo) });
  if (type === 'stop') process.exit();
});

function echo({ id, steps }: { readonly id: string; readonly steps: readonly Step[] }): object {
  const answers = steps.map(({ seamcall: { lp: _lp, ...result } }) => ({ result }));
  return { case: id, outcome: 'observed', steps: answers };
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
