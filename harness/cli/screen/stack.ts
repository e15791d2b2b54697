import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';
import { stackOf } from '../../shrink/probe.ts';

/**
 * The stack of an error, with this project's frames at their place in the TypeScript sources. Source maps are read only
 * here, after an internal error: Node's --enable-source-maps would slow down every start and every stack trace.
 */
export function originalStack(error: unknown): string {
  return mapStack(stackOf(error));
}

/** The same for the text of a stack. */
export function mapStack(stack: string): string {
  return stack.replace(/(file:\/\/[^\s():]+\.js):(\d+):(\d+)/g, (place, url: string, line: string, column: string) => {
    try {
      return mapPlace(fileURLToPath(url), Number(line), Number(column)) ?? place;
    } catch {
      return place;
    }
  });
}

function mapPlace(file: string, line: number, column: number): string | undefined {
  if (!existsSync(`${file}.map`)) return undefined;
  const payload = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as SourceMapPayload;
  const entry = new SourceMap(payload).findEntry(line - 1, column - 1);
  if (!('originalSource' in entry)) return undefined;
  const source = new URL(entry.originalSource, `file://${file}`).pathname;
  return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}
