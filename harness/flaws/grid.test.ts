import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { stages } from '../pipeline.ts';
import { loadKnown } from '../store/known.ts';
import { SEVERITIES } from '../../model/invariants/severity.ts';
import { type Flaw, shows } from './flaw.ts';
import { FLAWS } from './flaws.ts';
import { renderMatrixHTML } from './html.ts';
import { renderMatrixMarkdown } from './markdown.ts';
import { SOURCES_LEGEND } from './sources.ts';
import { buildMatrix, type Cell, type Matrix } from './grid.ts';

const CORPUS = fileURLToPath(new URL('../../../corpus', import.meta.url));
const known = loadKnown(CORPUS);
const matrix = buildMatrix(stages, {
  flaws: FLAWS,
  known,
  nameOf: (path) => path.slice(path.indexOf('corpus/')),
  fuzz: 0,
  seed: 'matrix',
});

function cell(of: Matrix, number: number, kernel: string): Cell {
  const found = of.rows.find((row) => row.number === number)?.cells.find((one) => one.kernel === kernel);
  if (found === undefined) throw new Error(`no cell ${number} ${kernel}`);
  return found;
}

describe('the table of flaws', () => {
  test('has at least 45, each number once, in order', () => {
    const numbers = FLAWS.map(({ number }) => number);
    expect(numbers.length).toBeGreaterThanOrEqual(45);
    expect([...new Set(numbers)].sort((a, b) => a - b)).toEqual(numbers);
  });

  test.each(FLAWS.map((flaw): [string, Flaw] => [`${flaw.number} ${flaw.name}`, flaw]))(
    '%s names invariants and revisions that exist',
    (_, { shownBy, said, notApplicable, differences }) => {
      for (const prefix of shownBy) expect(stages.invariants).toContain(prefix.split('|')[0]);
      for (const kernel of [...said, ...Object.keys(notApplicable), ...Object.keys(differences)])
        expect(stages.kernels).toContain(kernel);
    },
  );

  test('a crash or a lost page has its severity, and a flaw that only lacks a name misleads', () => {
    for (const { severity } of FLAWS) expect(Object.keys(SEVERITIES)).toContain(severity);
    for (const { number, severity, shownBy } of FLAWS) {
      if (shownBy.every((prefix) => prefix.startsWith('naming/')))
        expect([number, severity]).toEqual([number, 'misleading']);
      if (shownBy.some((prefix) => /^(sw-error\/.*crash|pamt\/)/.test(prefix)))
        expect([number, severity]).toEqual([number, expect.stringMatching(/^(crash|memory)$/)]);
    }
  });

  test('a bucket shows a flaw by its whole first parts', () => {
    const flaw: Flaw = {
      ...(FLAWS[0] as Flaw),
      shownBy: ['lp/one|nosmt'],
    };
    expect(shows(flaw, 'lp/one|nosmt')).toBe(true);
    expect(shows(flaw, 'lp/one|nosmt|READY')).toBe(true);
    expect(shows(flaw, 'lp/one|nosmting')).toBe(false);
    expect(shows(flaw, 'lp/one')).toBe(false);
  });
});

describe('the matrix of this corpus', () => {
  test('every present cell has a case, and none is shown without one', () => {
    const unproven = matrix.rows.flatMap(({ number, cells }) =>
      cells.filter(({ status }) => status === 'unproven').map(({ kernel, why }) => `${number} ${kernel}: ${why}`),
    );
    expect(unproven).toEqual([]);
    for (const { cells } of matrix.rows)
      for (const { status, cases } of cells) expect(cases.length > 0).toBe(status === 'present');
  });

  test('where it differs from the sources it says why, and nowhere else', () => {
    for (const { number, cells } of matrix.rows) {
      const flaw = FLAWS.find((one) => one.number === number);
      const differing = cells.filter(({ difference }) => difference !== '');
      expect([number, differing.filter(({ difference }) => difference === 'not explained')]).toEqual([number, []]);
      expect([number, differing.map(({ kernel }) => kernel)]).toEqual([
        number,
        matrix.kernels.filter((kernel) => flaw?.differences[kernel] !== undefined),
      ]);
    }
  });

  test.each([
    [1, 'nosmt against all LPs online', ['v5', 'v7', '6.12']],
    [4, 'a package without CPU is not named', ['v5', 'v7', 'v11', '6.12', '6.17', '7.3']],
    [14, 'SEAMCALL outside VMX operation oopses', ['v5']],
    [6, 'the first CMR is judged apart', ['v7']],
    [7, 'R9 and the empty tail', ['v5', 'v7']],
    [8, 'a hole in the table of CMRs', ['v5', 'v7']],
    [31, 'BUG on hot-removal', ['v5']],
    [30, 'hot-add is vetoed', ['v5']],
    [36, 'kexec leaves the module open', ['v5', 'v7', 'v11']],
  ] as const)('%i: %s', (number, _, kernels) => {
    for (const kernel of kernels) expect(cell(matrix, number, kernel).status).toBe('present');
    expect(cell(matrix, number, 'strict').status).toBe('absent');
  });

  test('a revision that lost its case is unproven where another one has it', () => {
    const without = known.filter((one) => one.case.profile.kernel !== 'v7');
    const flaws = FLAWS.filter(({ number }) => number === 34);
    const poorer = buildMatrix(stages, { flaws, known: without, nameOf: (path) => path, fuzz: 0, seed: 'matrix' });
    expect(cell(poorer, 34, 'v7').status).toBe('unproven');
    expect(cell(poorer, 34, 'v5').status).toBe('present');
    expect(cell(poorer, 34, 'v11')).toMatchObject({ status: 'absent', triedInVain: 1 });
  });

  test('generated cases count as evidence', () => {
    const flaws = FLAWS.filter(({ number }) => number === 34);
    const fuzzed = buildMatrix(stages, { flaws, known: [], nameOf: (path) => path, fuzz: 40, seed: 'seamstress' });
    expect(cell(fuzzed, 34, 'v7')).toMatchObject({ status: 'unproven', cases: [] });
    expect(cell(fuzzed, 34, 'strict').status).toBe('absent');
    expect(fuzzed.judged).toBe(40 * stages.kernels.length);
  });
});

describe('the pages', () => {
  const html = renderMatrixHTML(
    matrix,
    () => ['<script>'],
    (path) => path,
  );

  test('HTML: every link inside the page leads somewhere, nothing comes from outside, text is escaped', () => {
    const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    for (const [, target] of html.matchAll(/ href="#([^"]+)"/g)) expect(ids).toContain(target);
    expect(html).not.toMatch(/<script|<link|src=|https?:\/\/[^<]*"/);
    expect(html).toContain('&lt;script&gt;');
  });

  test('Markdown: a row per flaw and a paragraph per difference', () => {
    const text = renderMatrixMarkdown(matrix, (path) => path);
    for (const { number, severity } of FLAWS)
      expect(text).toMatch(new RegExp(`^\\| ${number} \\| [^|]+ \\| ${severity} \\| `, 'm'));
    for (const { term } of SOURCES_LEGEND) {
      expect(text).toContain(`\n- *${term}*: `);
      expect(html).toContain(`<dt>${term.replaceAll('"', '&quot;')}</dt>`);
    }
    const differing = matrix.rows.flatMap(({ cells }) => cells.filter(({ difference }) => difference !== ''));
    expect(text.split('\n').filter((line) => line.startsWith('- **'))).toHaveLength(differing.length);
  });
});
