import { main } from '../cli/main.ts';
import { stages } from './fake-stages.ts';

/** The command line over the small fake world: what tests of the command line spawn. */
await main(process.argv.slice(2), stages, new URL('./fake-stages.js', import.meta.url).href);
