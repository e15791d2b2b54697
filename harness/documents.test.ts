import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ROOMS = ['model', 'harness', 'corpus', 'docs', 'reports'] as const;

/** A path of the repository without a placeholder (`NAME`, `*`) or a path that a run writes. */
const PATH = /^(?:model|harness|corpus|docs)\/[a-z0-9._/-]*$/;

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...ROOMS.flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${room}/${name}`),
  ),
];

/** The paths that a page names, relative to the root: in backticks, and as targets of links. */
function pathsIn(page: string, text: string): readonly string[] {
  const prose = text.replace(/^ *```[\s\S]*?^ *```/gm, '');
  const named = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, path = '']) => path).filter((path) => PATH.test(path));
  const links = [...prose.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target);
  return [...named, ...links.filter((target) => !target.includes(':')).map((target) => join(dirname(page), target))];
}

function missingIn(page: string, text: string): readonly string[] {
  return pathsIn(page, text).filter((path) => !existsSync(join(ROOT, path)));
}

describe('the documents', () => {
  test.each(documents)('%s names files that exist', (page) => {
    expect(missingIn(page, readFileSync(join(ROOT, page), 'utf8'))).toEqual([]);
  });

  test('name many files', () => {
    const text = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
    expect(pathsIn('CONTRIBUTING.md', text).length).toBeGreaterThan(60);
  });

  test('fail if a file does not exist', () => {
    expect(missingIn('docs/x.md', 'see `model/abi/absent.ts`')).toEqual(['model/abi/absent.ts']);
    expect(missingIn('docs/x.md', '[x](absent.md#part)')).toEqual(['docs/absent.md']);
  });
});
