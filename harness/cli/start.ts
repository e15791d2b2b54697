import { stages } from '../pipeline.ts';
import { main } from './main.ts';

await main(process.argv.slice(2), stages, new URL('../pipeline.js', import.meta.url).href);
