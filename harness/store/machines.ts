import { readdirSync, readFileSync } from 'node:fs';
import type { Platform } from '../../model/platform/platform.ts';
import { platformFromFile } from '../platform-file/platform-file.ts';

const FOLDER = new URL('../../../corpus/platforms/', import.meta.url);

/** The machines of the field that come with the project (corpus/platforms), in the order of their names. */
export function loadMachines(): readonly Platform[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.json'))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => platformFromFile(JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')), name).platform);
}
