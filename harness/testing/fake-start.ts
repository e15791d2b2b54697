import { main } from '../cli/main.ts';
import { stages } from './fake-stages.ts';

/** The command line with the fake stages; tests of the command line spawn it. */
await main(process.argv.slice(2), stages, new URL('./fake-stages.js', import.meta.url).href);
