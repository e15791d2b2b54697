import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { loadKnown } from '../store/known.ts';
import { ALL_RULES } from './rules.ts';
import { renderRulesPage } from './rules-page.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const page = renderRulesPage({ known: loadKnown(`${ROOT}corpus`), nameOf: (path) => path, answers: [] });

describe('docs/rules.md', () => {
  test('is what the code and the corpus say (npm run rules renews it)', () => {
    expect(readFileSync(`${ROOT}docs/rules.md`, 'utf8')).toBe(page);
  });

  test('has every rule once', () => {
    for (const id of ALL_RULES.keys()) expect(page.split(`| \`${id}\` |`)).toHaveLength(2);
  });

  test('names the revisions that break a rule', () => {
    expect(page).toMatch(/`naming\/gp-is-not-silent` \| .* \| v\w+.*6\.12/);
  });
});
