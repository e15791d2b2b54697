import { Bench } from 'tinybench';
import { buildHardware } from '../../model/platform/build-hardware.ts';
import { runMCHECK } from '../../model/platform/mcheck.ts';
import type { Platform } from '../../model/platform/platform.ts';
import { createSEAMLDR } from '../../model/seamldr/seamldr.ts';
import { bootLP } from '../../model/platform/topology.ts';
import { generateCase } from '../generate/generate-case.ts';
import { MOOD_NAMES } from '../generate/mood.ts';
import { randomFor } from '../generate/seed.ts';

// Cost of generation and of the boot before the kernel, per case: at 20,000 cases per second a case may take 50 us in
// all, and generation a third of that.

const BATCH = 1000;
const bench = new Bench({ time: 500, warmupTime: 200 });
let next = 0;
let drawn = 0;

bench.add('seed and first draw', () => {
  for (let count = 0; count < BATCH; count += 1) drawn += randomFor('bench', next++).nextInt(0, 1);
});
for (const mood of MOOD_NAMES) {
  const platforms: Platform[] =
    mood === 'real' ? [generateCase('real', 1, { mood: 'legal', platforms: [] }).platform] : [];
  bench.add(`generate, mood ${mood}`, () => {
    for (let count = 0; count < BATCH; count += 1)
      drawn += generateCase('bench', next++, { mood, platforms }).events.length;
  });
}
const platforms = Array.from(
  { length: BATCH },
  (_, index) => generateCase('boot', index, { mood: 'default', platforms: [] }).platform,
);
bench.add('MCHECK, hardware, loaders', () => {
  for (const platform of platforms) {
    const hardware = buildHardware(platform, runMCHECK(platform));
    drawn += createSEAMLDR(hardware, platform.moduleImage, bootLP(platform.lps)).launchLP;
  }
});

await bench.run();
for (const { name, result } of bench.tasks) {
  if (result.state !== 'completed') throw new Error(`${name}: did not complete`);
  process.stdout.write(
    `${name.padEnd(28)} ${((result.latency.mean * 1000) / BATCH).toFixed(2).padStart(8)} us per case\n`,
  );
}
if (drawn === 0) throw new Error('nothing was drawn');
