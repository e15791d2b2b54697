import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Platform } from '../../model/platform/platform.ts';
import type { PlatformFromFile } from '../platform-file/platform-file.ts';
import { parsePlatformFile } from '../platform-file/platform-file.ts';
import { readText } from './read.ts';

/** Reads one platform file. Throws a UserError that names the error in it. */
export function readPlatformFile(path: string): PlatformFromFile {
  return parsePlatformFile(readText(path), path);
}

/** The machines of a folder, in the same order on every machine: starting points for generated cases. */
export function readPlatforms(folder: string): readonly Platform[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  names.sort((a, b) => (a < b ? -1 : 1));
  return names.map((name) => readPlatformFile(join(folder, name)).platform);
}
